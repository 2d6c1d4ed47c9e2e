-- A walk of n independent N(0, 1) moves has deviation sqrt(n); that of N walks is known to
-- about sqrt(n / (2 N)).
SELECT count(*) AS walks, max(moves) AS moves, avg("last") AS mean,
       stddev_pop("last") AS sd, sqrt(max(moves)) AS sd_expected,
       sqrt(max(moves) / (2e0 * count(*))) AS sd_error,
       min(lowest) AS lowest, max(highest) AS highest
FROM random_walks
