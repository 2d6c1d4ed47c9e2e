-- What the editors who can reach one another by votes hold of all PageRank.
WITH sizes AS (
    SELECT strong_component, count(*) AS size FROM editors GROUP BY strong_component
), largest AS (
    SELECT max(size) AS size FROM sizes
)
SELECT CASE WHEN s.size = l.size THEN 'largest strong component' ELSE 'all others' END AS circle,
       count(*) AS editors,
       CAST(count(*) AS double) / (SELECT count(*) FROM editors) AS share_of_editors,
       sum(e.pagerank) AS share_of_pagerank
FROM editors e
JOIN sizes s ON s.strong_component = e.strong_component
CROSS JOIN largest l
GROUP BY 1
ORDER BY 1
