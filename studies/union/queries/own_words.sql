-- Words that one president alone has among the 150 that he used most: what his time was about.
WITH own AS (
  SELECT word, max(president) AS president, max(count) AS uses
  FROM top_words
  GROUP BY word
  HAVING count(*) = 1
)
SELECT concat(word, ' (', president, ')') AS word, uses
FROM own
ORDER BY uses DESC, word
LIMIT 20
