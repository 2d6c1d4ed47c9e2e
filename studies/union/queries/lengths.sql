-- Words of all sentences of a decade over their number.
SELECT year - year % 10 AS decade, CAST(sum(words) AS double) / sum(sentences) AS length,
       sum(sentences) AS sentences, count(*) AS addresses
FROM addresses
GROUP BY year - year % 10
ORDER BY decade
