-- Each number as several engines have it; the first of each is what the others are held against.
-- Means may differ in their last digits, by the order in which an engine adds.
WITH modern AS (
  SELECT party, sentiment FROM sentences
  WHERE year >= 1953 AND party IN ('Democratic', 'Republican')
),
told AS (
  SELECT regexp_extract_all(lower(text), '[\p{L}\p{N}_'']+') AS words FROM sentences
),
counts (place, measure, turn, engine, number) AS (
  SELECT 1, 'sentences', 1, 'SQL (Athena)', count(*) FROM sentences
  UNION ALL SELECT 1, 'sentences', 2, 'Map (Lambda)', sum(sentences) FROM addresses
  UNION ALL SELECT 1, 'sentences', 3, 'Dask', sum("rows") FROM trend
  UNION ALL SELECT 2, 'words', 1, 'SQL (Athena)', sum(cardinality(words)) FROM told
  UNION ALL SELECT 2, 'words', 2, 'Map (Lambda)', sum(words) FROM addresses
  UNION ALL SELECT 3, 'uses of "the"', 1, 'SQL (Athena)',
    sum(cardinality(filter(words, w -> w = 'the'))) FROM told
  UNION ALL SELECT 3, 'uses of "the"', 2, 'Map (Lambda)', sum(word) FROM addresses
  UNION ALL SELECT 3, 'uses of "the"', 3, 'mrjob (Hadoop)',
    sum(count) FROM top_words WHERE word = 'the'
  UNION ALL SELECT 4, 'sentences that name Mexico', 1, 'Map (Lambda)', sum(named) FROM addresses
  UNION ALL SELECT 4, 'sentences that name Mexico', 2, 'Spark',
    sum(sentences) FROM co_mention WHERE name = 'Mexico'
  UNION ALL SELECT 5, 'sentences of both parties since 1953', 1, 'SQL (Athena)',
    count(*) FROM modern
  UNION ALL SELECT 5, 'sentences of both parties since 1953', 2, 'MPI',
    max(asked) FROM party_model
  UNION ALL SELECT 5, 'sentences of both parties since 1953', 3, 'OpenCL',
    max(n_first + n_second) FROM shuffle_test
),
means (place, measure, turn, engine, number) AS (
  SELECT 6, 'mean sentiment', 1, 'SQL (Athena)', avg(sentiment) FROM sentences
  UNION ALL SELECT 6, 'mean sentiment', 2, 'Map (Lambda)',
    sum(sentiment * sentences) / sum(sentences) FROM addresses
  UNION ALL SELECT 6, 'mean sentiment', 3, 'Dask', sum(mean * "rows") / sum("rows") FROM trend
  UNION ALL SELECT 7, 'mean sentiment of Democrats since 1953', 1, 'SQL (Athena)',
    avg(sentiment) FROM modern WHERE party = 'Democratic'
  UNION ALL SELECT 7, 'mean sentiment of Democrats since 1953', 2, 'OpenCL',
    max(mean_first) FROM shuffle_test
),
numbers AS (
  SELECT place, measure, turn, engine, CAST(number AS varchar) AS number,
         CAST(number AS double) AS value
  FROM counts
  UNION ALL
  SELECT place, measure, turn, engine, CAST(CAST(number AS decimal(18, 15)) AS varchar), number
  FROM means
)
SELECT measure, engine, number,
       CAST(value - first_value(value) OVER (PARTITION BY place ORDER BY turn) AS varchar)
         AS difference
FROM numbers
ORDER BY place, turn
