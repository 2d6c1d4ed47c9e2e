-- Sentences since both parties are today's, by and large.
SELECT text, party, year FROM sentences WHERE year >= 1953
