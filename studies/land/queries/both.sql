-- NDVI of each scene by both engines: their difference is 0, not nearly 0.
SELECT coalesce(cl.scene, np.scene) AS scene, cl.pixels, np.pixels AS pixels_numpy,
       cl.mean AS ndvi, np.mean AS ndvi_numpy, cl.mean - np.mean AS difference,
       coalesce(cl.pixels = np.pixels AND cl.mean = np.mean, false) AS same
FROM ndvi cl FULL OUTER JOIN ndvi_map np ON np.scene = cl.scene
ORDER BY coalesce(cl.scene, np.scene)
