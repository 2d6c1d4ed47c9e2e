-- The same numbers from two engines; they differ by the order in which floats are added, no more.
WITH items AS (
  SELECT log, count(DISTINCT item) AS actions FROM rounds GROUP BY log
), told AS (
  SELECT r.log, count(*) AS n, sum(r.click) AS clicks, max(k.actions) AS actions,
         sum(r.click / (k.actions * r.propensity)) / count(*) AS ips,
         sum(r.click / (k.actions * r.propensity)) / sum(1 / (k.actions * r.propensity)) AS snips
  FROM rounds r JOIN items k ON k.log = r.log
  GROUP BY r.log
)
SELECT sq.log, sq.n AS "rounds", sq.clicks, dk.reward AS clicks_dask, sq.actions, sq.ips, dk.ips AS ips_dask,
       sq.snips, dk.snips AS snips_dask,
       sq.n = dk.rounds AND sq.clicks = dk.reward AND sq.actions = dk.actions
         AND abs(sq.ips - dk.ips) < 1e-12 AND abs(sq.snips - dk.snips) < 1e-12 AS same
FROM told sq LEFT JOIN off_policy dk ON dk.log = sq.log
ORDER BY sq.log
