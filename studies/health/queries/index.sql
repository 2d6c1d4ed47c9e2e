-- Theory: an AR(1) has mean mu and deviation sigma / sqrt(1 - rho^2), here with sigma 1.
SELECT lives, weeks, rho, mean, mu AS mean_expected, sd, 1 / sqrt(1 - rho * rho) AS sd_expected,
       "first", "last"
FROM health_index
