-- Intervals are percentiles of 1,000 resamples of whole addresses.
SELECT year AS decade, mean AS mood, low AS mood_low, high AS mood_high,
       "rows" AS sentences, units AS addresses
FROM trend
ORDER BY year
