-- Shuffling sentences takes each for a draw of its own, which sentences of one address are not;
-- shuffling whole addresses is the fairer test.
WITH tests AS (
  SELECT 'sentences' AS shuffled_unit, t.* FROM shuffle_test t
  UNION ALL
  SELECT 'addresses' AS shuffled_unit, t.* FROM shuffle_addresses t
)
SELECT shuffled_unit, difference, middle AS shuffled, low AS shuffled_low, high AS shuffled_high,
       n_first + n_second AS draws, p, permutations
FROM tests
ORDER BY shuffled_unit DESC
