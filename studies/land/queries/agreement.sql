-- How many scenes both engines have, and the greatest difference. A scene that one of them lacks
-- is not the same.
SELECT count(*) AS scenes,
       count_if(cl.pixels = np.pixels AND cl.mean = np.mean) AS same,
       max(abs(cl.mean - np.mean)) AS greatest_difference,
       sum(cl.pixels) AS pixels
FROM ndvi cl FULL OUTER JOIN ndvi_map np ON np.scene = cl.scene
