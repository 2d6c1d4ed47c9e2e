-- The sizes of components, and how many of each size there are.
SELECT kind, size, count(*) AS components
FROM (
    SELECT 'weak' AS kind, component AS name, count(*) AS size FROM editors GROUP BY component
    UNION ALL
    SELECT 'strong' AS kind, strong_component AS name, count(*) AS size
    FROM editors GROUP BY strong_component
)
GROUP BY kind, size
ORDER BY kind DESC, size DESC
