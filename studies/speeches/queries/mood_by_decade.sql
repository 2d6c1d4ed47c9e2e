-- Mean sentiment of a sentence by decade, with a 95 % interval. Sentences of one address are
-- alike, so addresses, not sentences, are what varies: the standard error is that of a mean
-- over clusters of unequal size (Cochran, Sampling Techniques, 3rd ed., 1977, chapter 9A).
WITH addresses AS (
  SELECT year - year % 10 AS decade, year, president,
         sum(sentiment) AS total, count(*) AS n
  FROM sentences
  GROUP BY year - year % 10, year, president
),
means AS (
  SELECT decade, sum(total) / sum(n) AS mood, sum(n) AS sentences, count(*) AS addresses
  FROM addresses
  GROUP BY decade
),
errors AS (
  SELECT m.decade, m.mood, m.sentences, m.addresses,
         sqrt(sum(power(a.total - a.n * m.mood, 2)) * m.addresses / nullif(m.addresses - 1, 0))
           / m.sentences AS se
  FROM means m
  JOIN addresses a ON a.decade = m.decade
  GROUP BY m.decade, m.mood, m.sentences, m.addresses
)
SELECT decade, mood, mood - 1.96 * se AS mood_low, mood + 1.96 * se AS mood_high,
       sentences, addresses
FROM errors
ORDER BY decade
