-- Each sentence is classed by a model that has seen no sentence of its year.
WITH models AS (
  SELECT 0 AS place, 'always the commoner party' AS model, max(baseline) AS accuracy,
         max(asked) AS sentences
  FROM party_model
  UNION ALL
  SELECT row_number() OVER (ORDER BY accuracy DESC, features, regularization),
         concat(CAST(features AS varchar), ' words, L2 ', CAST(regularization AS varchar)),
         accuracy, asked
  FROM party_model
)
SELECT model, accuracy, sentences
FROM models
ORDER BY place
