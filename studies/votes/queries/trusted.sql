-- Ranks of PageRank beside ranks of votes received: where they differ, votes of trusted editors
-- count more than their number.
SELECT vertex AS editor,
       rank() OVER (ORDER BY pagerank DESC) AS rank_by_pagerank,
       rank() OVER (ORDER BY in_degree DESC) AS rank_by_votes,
       pagerank,
       in_degree AS votes
FROM editors
ORDER BY pagerank DESC, vertex
LIMIT 20
