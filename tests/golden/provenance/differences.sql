WITH a AS (SELECT "_item", array_agg("text" ORDER BY "text") AS "text", array_agg("score" ORDER BY "score") AS "score", array_agg("blob" ORDER BY "blob") AS "blob" FROM "scores" FOR VERSION AS OF 1751198164992447838 GROUP BY "_item"),
  b AS (SELECT "_item", array_agg("text" ORDER BY "text") AS "text", array_agg("score" ORDER BY "score") AS "score", array_agg("blob" ORDER BY "blob") AS "blob" FROM "scores" FOR VERSION AS OF 1751198164992447839 GROUP BY "_item")
SELECT count_if(a."text" IS DISTINCT FROM b."text") AS c0,
  count_if(a."score" IS DISTINCT FROM b."score") AS c1,
  count_if(a."blob" IS DISTINCT FROM b."blob") AS c2
FROM a INNER JOIN b ON a."_item" = b."_item"
;
WITH a AS (SELECT *, row_number() OVER (PARTITION BY "_item" ORDER BY "text", "score", "blob") AS "_pair" FROM "scores" FOR VERSION AS OF 1751198164992447838),
  b AS (SELECT *, row_number() OVER (PARTITION BY "_item" ORDER BY "text", "score", "blob") AS "_pair" FROM "scores" FOR VERSION AS OF 1751198164992447839)
SELECT count(*) AS n, count_if(b."_item" IS NULL) AS only_a, count_if(a."_item" IS NULL) AS only_b
FROM a FULL OUTER JOIN b ON a."_item" = b."_item" AND a."_pair" = b."_pair"
WHERE b."_item" IS NULL OR a."_item" IS NULL OR a."text" IS DISTINCT FROM b."text" OR a."score" IS DISTINCT FROM b."score" OR a."blob" IS DISTINCT FROM b."blob"
;
WITH a AS (SELECT *, row_number() OVER (PARTITION BY "_item" ORDER BY "text", "score", "blob") AS "_pair" FROM "scores" FOR VERSION AS OF 1751198164992447838),
  b AS (SELECT *, row_number() OVER (PARTITION BY "_item" ORDER BY "text", "score", "blob") AS "_pair" FROM "scores" FOR VERSION AS OF 1751198164992447839)
SELECT a."_item" AS item, 'score' AS "column", CAST(a."score" AS varchar) AS a, CAST(b."score" AS varchar) AS b
FROM a INNER JOIN b ON a."_item" = b."_item" AND a."_pair" = b."_pair"
WHERE a."score" IS DISTINCT FROM b."score"
ORDER BY 1, 3, 4 LIMIT 3
;
WITH a AS (SELECT *, row_number() OVER (PARTITION BY "_item" ORDER BY "text", "score", "blob") AS "_pair" FROM "scores" FOR VERSION AS OF 1751198164992447838),
  b AS (SELECT *, row_number() OVER (PARTITION BY "_item" ORDER BY "text", "score", "blob") AS "_pair" FROM "scores" FOR VERSION AS OF 1751198164992447839)
SELECT a."_item" AS item, 'blob' AS "column", to_hex(a."blob") AS a, to_hex(b."blob") AS b
FROM a INNER JOIN b ON a."_item" = b."_item" AND a."_pair" = b."_pair"
WHERE a."blob" IS DISTINCT FROM b."blob"
ORDER BY 1, 3, 4 LIMIT 3
