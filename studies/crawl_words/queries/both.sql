-- What each way counted, by type of record; `differ` is how many of the three counts disagree.
WITH mapped AS (
  SELECT type, count(*) AS pages, count_if(matches > 0) AS found, sum(matches) AS matches
  FROM pages
  GROUP BY type
)
SELECT coalesce(m.type, w.type) AS type,
       m.pages AS pages_map, w.pages AS pages_job,
       m.found AS found_map, w.found AS found_job,
       m.matches AS matches_map, w.matches AS matches_job,
       CASE WHEN m.pages = w.pages THEN 0 ELSE 1 END
         + CASE WHEN m.found = w.found THEN 0 ELSE 1 END
         + CASE WHEN m.matches = w.matches THEN 0 ELSE 1 END AS differ
FROM mapped m
FULL OUTER JOIN words w ON w.type = m.type
ORDER BY 1
