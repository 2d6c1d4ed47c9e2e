-- What the last run could not read, beside the number of pages that it read.
WITH latest AS (
  SELECT max_by(run, ended) AS run FROM runs WHERE stage = 'pages'
)
SELECT q.reason, (SELECT count(*) FROM pages) AS pages_read
FROM quarantine q
JOIN latest ON q._source = 'run/' || latest.run || '/pages'
ORDER BY q._sequence, q._index
