-- Mean sentiment of a sentence by the president's party, with a 95 % interval over addresses
-- (see mood_by_decade.sql).
WITH addresses AS (
  SELECT party, year, president, sum(sentiment) AS total, count(*) AS n
  FROM sentences
  GROUP BY party, year, president
),
means AS (
  SELECT party, sum(total) / sum(n) AS mood, sum(n) AS sentences, count(*) AS addresses
  FROM addresses
  GROUP BY party
),
errors AS (
  SELECT m.party, m.mood, m.sentences, m.addresses,
         sqrt(sum(power(a.total - a.n * m.mood, 2)) * m.addresses / nullif(m.addresses - 1, 0))
           / m.sentences AS se
  FROM means m
  JOIN addresses a ON a.party = m.party
  GROUP BY m.party, m.mood, m.sentences, m.addresses
)
SELECT party, mood, mood - 1.96 * se AS mood_low, mood + 1.96 * se AS mood_high,
       sentences, addresses
FROM errors
ORDER BY mood DESC
