-- Words that one president alone has among the 150 that he used most: what his time was about.
WITH presidents AS (
  SELECT word, count(*) AS presidents FROM top_words GROUP BY word
)
SELECT t.president, t.word, t.count, t.rank
FROM top_words t
JOIN presidents p ON p.word = t.word
WHERE p.presidents = 1
ORDER BY t.president, t.rank
