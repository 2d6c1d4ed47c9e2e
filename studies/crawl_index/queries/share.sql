-- Share of a host's pages that have the word: of Wikipedia, a host is a language.
SELECT host, CAST(count_if(matches > 0) AS double) / count(*) AS share,
       count(*) AS pages, count_if(matches > 0) AS with_word, sum(bytes) AS bytes
FROM pages
GROUP BY host
ORDER BY pages DESC, host
LIMIT 20
