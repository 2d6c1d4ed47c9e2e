-- Pearson's r and its 95 % interval by Fisher's z. The interval takes sentences as independent;
-- those of one editorial are not quite, so it is somewhat too narrow.
WITH counted AS (
  SELECT corr(sentiment, rating) AS r, count(*) AS n FROM snippets
),
transformed AS (
  SELECT r, n, ln((1 + r) / (1 - r)) / 2 AS z, 1.96 / sqrt(n - 3) AS half FROM counted
)
SELECT r, tanh(z - half) AS r_low, tanh(z + half) AS r_high, n
FROM transformed
