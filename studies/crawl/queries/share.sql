-- Pages searched and pages with the word. Kinds are kept apart: a page of a WARC file comes
-- again as text in the WET file and as metadata in the WAT file.
SELECT type, count(*) AS pages, count_if(matches > 0) AS with_word,
       CAST(count_if(matches > 0) AS double) / count(*) AS share,
       sum(matches) AS matches, sum(bytes) AS bytes
FROM pages
GROUP BY type
ORDER BY type
