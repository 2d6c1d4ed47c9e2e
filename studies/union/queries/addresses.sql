-- An address is one item: its sentences in order, and their scores.
SELECT year, president, party,
       array_agg(text ORDER BY position) AS texts,
       array_agg(sentiment ORDER BY position) AS sentiments
FROM sentences
GROUP BY year, president, party
