-- The best of the models, fold by fold; all sentences of a year are in one fold.
SELECT fold, score AS accuracy, baseline, "rows" AS sentences
FROM party_model
WHERE winner
ORDER BY fold
