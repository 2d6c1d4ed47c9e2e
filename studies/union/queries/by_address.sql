-- Sentences of one address are no independent draws; addresses may be.
SELECT year, sentiment, concat(CAST(year AS varchar), ' ', president) AS address
FROM sentences
