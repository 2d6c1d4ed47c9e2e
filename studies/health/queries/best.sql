-- The best rho of each start: lives that start at mu are not well for longer.
SELECT 'at 0' AS start, rho, mean_t FROM persistence_grid WHERE best
UNION ALL
SELECT 'at mu' AS start, rho, mean_t FROM persistence_grid_mu WHERE best
ORDER BY start
