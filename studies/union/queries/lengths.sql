-- One address a year, but for two years with two: their mean.
SELECT year, avg(length) AS length, sum(words) AS words
FROM addresses
GROUP BY year
ORDER BY year
