-- Names that are named beside names that are often named themselves.
SELECT name, pagerank, sentences, partners
FROM co_mention
ORDER BY pagerank DESC, name
LIMIT 20
