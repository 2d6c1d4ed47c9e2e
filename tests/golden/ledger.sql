SELECT 'sentences' AS of_table, "_source" AS source, CAST(NULL AS varchar) AS reason, count(*) AS n
FROM sentences
WHERE ("_counter" IS NULL AND "_source" = 'shardId-0' AND "_sequence" >= '0495')
   OR ("_counter" IS NULL AND "_source" = 'shardId-1' AND "_sequence" >= '0497')
   OR ("_producer" = 'laptop-1' AND "_counter" BETWEEN 0 AND 2)
   OR ("_producer" = 'laptop-1' AND "_counter" BETWEEN 8 AND 9)
GROUP BY "_source"
UNION ALL
SELECT 'quarantine' AS of_table, "_source" AS source, reason, count(*) AS n
FROM quarantine
WHERE ("_counter" IS NULL AND "_source" = 'shardId-0' AND "_sequence" >= '0495')
   OR ("_counter" IS NULL AND "_source" = 'shardId-1' AND "_sequence" >= '0497')
   OR ("_producer" = 'laptop-1' AND "_counter" BETWEEN 0 AND 2)
   OR ("_producer" = 'laptop-1' AND "_counter" BETWEEN 8 AND 9)
GROUP BY "_source", reason
