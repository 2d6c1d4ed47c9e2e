-- Share of the pages with the word by day of capture (UTC).
SELECT CAST(captured AS date) AS day,
       CAST(count_if(matches > 0) AS double) / count(*) AS share,
       count(*) AS pages, count_if(matches > 0) AS with_word
FROM pages
WHERE type <> 'metadata'
GROUP BY CAST(captured AS date)
ORDER BY day
