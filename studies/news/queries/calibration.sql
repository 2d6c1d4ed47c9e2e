-- Mean VADER score by human rating, rounded to halves.
SELECT round(rating * 2) / 2 AS rating, avg(sentiment) AS sentiment,
       stddev(sentiment) AS spread, count(*) AS sentences
FROM snippets
GROUP BY round(rating * 2) / 2
ORDER BY 1
