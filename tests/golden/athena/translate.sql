-- Pairs of Athena's SQL and the DuckDB SQL that answers it; tests/unit/test_athena_translate.py
-- has the tables.

-- names are found whatever their case, and qualified
SELECT YEAR, Who FROM Speech
=> SELECT "speech"."year" AS "year", "speech"."who" AS "who" FROM "scan_0" AS "speech"

-- integer division, with the schema's types
SELECT year / 10, mood / 10, price / 3, year * 100.0 / 3 FROM speech
=> SELECT ("speech"."year" // 10) AS "?column0", ("speech"."mood" / 10e0) AS "?column1", CAST(athena_divide(CAST("speech"."price" AS VARCHAR), CAST(CAST(3 AS DECIMAL(10,0)) AS VARCHAR), 2) AS DECIMAL(10,2)) AS "?column2", CAST(athena_divide(CAST((CAST("speech"."year" AS DECIMAL(19,0)) * 100.0) AS VARCHAR), CAST(CAST(3 AS DECIMAL(10,0)) AS VARCHAR), 1) AS DECIMAL(23,1)) AS "?column3" FROM "scan_0" AS "speech"

-- a date stays a date
SELECT date_trunc('month', day), date_add('day', 1, day), day + interval '1' month FROM speech
=> SELECT CAST(date_trunc('month', "speech"."day") AS DATE) AS "?column0", CAST(("speech"."day" + to_days(CAST(1 AS INTEGER))) AS DATE) AS "?column1", CAST("speech"."day" + INTERVAL '1' MONTH AS DATE) AS "?column2" FROM "scan_0" AS "speech"

SELECT date_diff('hour', at, current_timestamp), hour(at AT TIME ZONE 'Asia/Tokyo') FROM speech
=> SELECT date_sub('hour', timezone('UTC', timezone('UTC', "speech"."at")), timezone('UTC', now())) AS "?column0", hour(timezone('Asia/Tokyo', timezone('UTC', "speech"."at"))) AS "?column1" FROM "scan_0" AS "speech"

SELECT cast(year AS varchar), cast(who AS bigint), try_cast(who AS date), cast(mood AS integer), cast(at AS varchar) FROM speech
=> SELECT CAST("speech"."year" AS VARCHAR) AS "?column0", CASE WHEN regexp_full_match("speech"."who", '[+-]?\d+') THEN CAST("speech"."who" AS BIGINT) WHEN "speech"."who" IS NOT NULL THEN CAST(CAST(athena_fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || "speech"."who" || ''' to BIGINT') AS VARCHAR) AS BIGINT) END AS "?column1", TRY(CASE WHEN regexp_full_match("speech"."who", '\s*\d{4}-\d{1,2}-\d{1,2}\s*') THEN CAST("speech"."who" AS DATE) WHEN "speech"."who" IS NOT NULL THEN CAST(CAST(athena_fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || "speech"."who" || ''' to DATE') AS VARCHAR) AS DATE) END) AS "?column2", CAST(round("speech"."mood") AS INTEGER) AS "?column3", strftime("speech"."at", '%Y-%m-%d %H:%M:%S.%g') AS "?column4" FROM "scan_0" AS "speech"

SELECT substr(who, 2), split_part(who, ' ', 1), concat(who, 'x'), regexp_extract(who, 'a(.)', 1) FROM speech
=> SELECT athena_substr("speech"."who", 2) AS "?column0", athena_split_part("speech"."who", ' ', 1) AS "?column1", ("speech"."who" || 'x') AS "?column2", CASE WHEN regexp_matches("speech"."who", 'a(.)') THEN regexp_extract("speech"."who", 'a(.)', 1) END AS "?column3" FROM "scan_0" AS "speech"

SELECT words[1], element_at(words, 1), counts['a'], place.city, cardinality(words) FROM speech
=> SELECT athena_subscript("speech"."words", 1) AS "?column0", athena_at("speech"."words", 1) AS "?column1", athena_map_subscript("speech"."counts", 'a') AS "?column2", ("speech"."place")."city" AS "city", len("speech"."words") AS "?column3" FROM "scan_0" AS "speech"

SELECT transform(words, w -> upper(w)), filter(words, w -> length(w) > 3) FROM speech
=> SELECT list_transform("speech"."words", lambda "w": upper("w")) AS "?column0", list_filter("speech"."words", lambda "w": (length("w") > 3)) AS "?column1" FROM "scan_0" AS "speech"

SELECT s.year, w, n FROM speech s CROSS JOIN UNNEST(words) WITH ORDINALITY AS u (w, n)
=> SELECT "s"."year" AS "year", "u"."w" AS "w", "u"."n" AS "n" FROM "scan_0" AS "s" CROSS JOIN LATERAL (SELECT u0, ordinality FROM (SELECT unnest("s"."words") AS u0, unnest(generate_series(1, CAST(coalesce(len("s"."words"), 0) AS BIGINT))) AS ordinality)) AS "u"("w", "n")

SELECT k, v FROM speech CROSS JOIN UNNEST(counts) AS u (k, v)
=> SELECT "u"."k" AS "k", "u"."v" AS "v" FROM "scan_0" AS "speech" CROSS JOIN LATERAL (SELECT u0k, u0v FROM (SELECT unnest(map_keys("speech"."counts")) AS u0k, unnest(map_values("speech"."counts")) AS u0v)) AS "u"("k", "v")

SELECT who, count(*) n, avg(price) FROM speech GROUP BY 1 HAVING count(*) > 1 ORDER BY n DESC LIMIT 3
=> SELECT "speech"."who" AS "who", count(*) AS "n", CAST(athena_divide(CAST(sum("speech"."price") AS VARCHAR), CAST(count("speech"."price") AS VARCHAR), 2) AS DECIMAL(10,2)) AS "?column0" FROM "scan_0" AS "speech" GROUP BY "speech"."who" HAVING (count(*) > 1) ORDER BY "n" DESC NULLS LAST LIMIT 3

SELECT count(DISTINCT who) FILTER (WHERE year > 1900), max_by(who, mood), approx_distinct(who), array_agg(who ORDER BY year) FROM speech
=> SELECT count(DISTINCT "speech"."who") FILTER (WHERE ("speech"."year" > 1900)) AS "?column0", arg_max_null("speech"."who", "speech"."mood") AS "?column1", count(DISTINCT "speech"."who") AS "?column2", list("speech"."who" ORDER BY "speech"."year" ASC NULLS LAST) AS "?column3" FROM "scan_0" AS "speech"

SELECT rank() OVER (PARTITION BY who ORDER BY year DESC), sum(mood) OVER w FROM speech WINDOW w AS (ORDER BY year ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
=> SELECT rank() OVER (PARTITION BY "speech"."who" ORDER BY "speech"."year" DESC NULLS LAST) AS "?column0", sum("speech"."mood") OVER "w" AS "?column1" FROM "scan_0" AS "speech" WINDOW "w" AS (ORDER BY "speech"."year" ASC NULLS LAST ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)

WITH p AS (SELECT who AS w FROM person) SELECT s.* FROM speech s JOIN p ON s.who = p.w
=> WITH "p"("w") AS (SELECT "person"."who" AS "w" FROM "scan_0" AS "person") SELECT "s"."year" AS "year", "s"."who" AS "who", "s"."day" AS "day", "s"."at" AS "at", "s"."mood" AS "mood", "s"."words" AS "words", "s"."counts" AS "counts", "s"."price" AS "price", "s"."place" AS "place" FROM "scan_1" AS "s" JOIN "p" AS "p" ON ("s"."who" = "p"."w")

SELECT who FROM speech WHERE who IN (SELECT who FROM person) AND EXISTS (SELECT 1 FROM person p WHERE p.who = speech.who)
=> SELECT "speech"."who" AS "who" FROM "scan_0" AS "speech" WHERE (("speech"."who" IN (SELECT "person"."who" AS "who" FROM "scan_1" AS "person")) AND EXISTS (SELECT 1 AS "?column0" FROM "scan_2" AS "p" WHERE ("p"."who" = "speech"."who")))

SELECT year FROM speech UNION ALL SELECT born FROM person ORDER BY 1
=> (SELECT "speech"."year" AS "year" FROM "scan_0" AS "speech") UNION ALL (SELECT CAST(c0 AS BIGINT) AS "year" FROM (SELECT "person"."born" AS "born" FROM "scan_1" AS "person") AS side(c0)) ORDER BY "year" ASC NULLS LAST

SELECT who FROM speech JOIN person USING (who)
=> SELECT coalesce("speech"."who", "person"."who") AS "who" FROM "scan_0" AS "speech" JOIN "scan_1" AS "person" ON ("speech"."who" = "person"."who")

SELECT * FROM by_year WHERE n > 1
=> SELECT "by_year"."year" AS "year", "by_year"."n" AS "n" FROM (SELECT * FROM (SELECT "speech"."year" AS "year", count(*) AS "?column0" FROM "scan_0" AS "speech" GROUP BY "speech"."year") AS v("year", "n")) AS "by_year" WHERE ("by_year"."n" > 1)

SELECT "$path" FROM person
=> SELECT "person"."$path" AS "$path" FROM "scan_0" AS "person"

SELECT json_extract_scalar(who, '$.a[0]') FROM person
=> SELECT athena_json_scalar(json_extract(athena_json("person"."who"), '$.a[0]')) AS "?column0" FROM "scan_0" AS "person"

-- errors, in Athena's words
SELECT nope FROM speech
=> ! COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved or requester is not authorized to access requested resources

SELECT s.nope FROM speech s
=> ! COLUMN_NOT_FOUND: line 1:10: Column 's.nope' cannot be resolved or requester is not authorized to access requested resources

SELECT who FROM speech, person
=> ! AMBIGUOUS_NAME: line 1:8: Column 'who' is ambiguous

SELECT * FROM nope
=> ! TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.nope' does not exist

SELECT * FROM other.nope
=> ! SCHEMA_NOT_FOUND: line 1:21: Schema 'other' does not exist

SELECT who FROM speech WHERE year = '1900'
=> ! TYPE_MISMATCH: line 1:37: Cannot apply operator: bigint = varchar

SELECT place.nope FROM speech
=> ! TYPE_MISMATCH: line 1:14: Expression speech.place has no field nope

SELECT length(year) FROM speech
=> ! FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (bigint) for function length

-- refused by name
SELECT soundex(who) FROM speech
=> ! NOT_SUPPORTED: line 1:8: Function 'soundex' is not supported by the local cloud's Athena

SELECT DISTINCT ON (who) who FROM speech
=> ! NOT_SUPPORTED: DISTINCT ON is not supported by the local cloud's Athena

DELETE FROM speech
=> ! NOT_SUPPORTED: DELETE as a query is not supported by the local cloud's Athena

SELECT * FROM federated.db.speech
=> ! NOT_SUPPORTED: line 1:28: Catalog 'federated' is not supported by the local cloud's Athena

SELECT * FROM "speech$snapshots"
=> ! NOT_SUPPORTED: line 1:15: Table 'db.speech$snapshots' is not supported by the local cloud's Athena
