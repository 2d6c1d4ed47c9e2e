-- Mean weeks until a life's index is first 0 or less, against rho, for both starts.
SELECT zero.rho, zero.mean_t AS from_0, mu.mean_t AS from_mu
FROM persistence_grid zero
JOIN persistence_grid_mu mu ON mu.rho = zero.rho
ORDER BY zero.rho
