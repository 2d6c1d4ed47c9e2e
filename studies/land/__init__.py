"""The study of greenness seen from space: NDVI of Landsat scenes, by OpenCL and by NumPy."""
