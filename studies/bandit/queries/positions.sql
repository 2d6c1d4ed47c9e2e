-- Clicks a round at each place of the page.
SELECT log, position, count(*) AS n, sum(click) AS clicks,
       CAST(sum(click) AS double) / count(*) AS clicks_a_round
FROM rounds
GROUP BY log, position
ORDER BY log, position
