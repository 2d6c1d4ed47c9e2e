-- Share of the pages of a host that have the word, for the twenty hosts with most pages.
SELECT host, CAST(count_if(matches > 0) AS double) / count(*) AS share,
       count(*) AS pages, count_if(matches > 0) AS with_word
FROM pages
WHERE host IS NOT NULL AND type <> 'metadata'
GROUP BY host
ORDER BY pages DESC, host
LIMIT 20
