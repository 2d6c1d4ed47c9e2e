-- Mean NDVI by day, of path 14: the Catskills and the Hudson valley (row 31), New Jersey and New York
-- City (row 32). Scenes of one path and day are one pass of the satellite. Path 13 is mostly sea:
-- both in one line would be a zigzag between land and water.
-- Names have path, row and day: LC08_L1TP_014031_20180106.
WITH passes AS (
  SELECT date_parse(regexp_extract(scene, '_(\d{3})(\d{3})_(\d{8})', 3), '%Y%m%d') AS day,
         pixels, mean
  FROM ndvi
  WHERE regexp_extract(scene, '_(\d{3})(\d{3})_(\d{8})', 1) = '014'
)
SELECT CAST(day AS date) AS day, sum(mean * pixels) / sum(pixels) AS ndvi, count(*) AS scenes
FROM passes
GROUP BY day
ORDER BY day
