-- Density of the walks' last places, in steps of 2, beside the interval that has 95 of 100 such
-- densities where the walks are normal with deviation sqrt(moves).
WITH binned AS (
  SELECT 2 * floor("last" / 2) + 1 AS place, count(*) AS walks, max(moves) AS moves
  FROM random_walks
  GROUP BY 2 * floor("last" / 2) + 1
),
expected AS (
  SELECT place, walks, (SELECT count(*) FROM random_walks) AS n,
         exp(-(place - 100) * (place - 100) / (2 * moves)) / sqrt(2 * pi() * moves) AS density
  FROM binned
)
SELECT place, walks / 2e0 / n AS share,
       greatest(0, density - 1.96e0 * sqrt(density / (2e0 * n))) AS share_low,
       density + 1.96e0 * sqrt(density / (2e0 * n)) AS share_high
FROM expected
ORDER BY place
