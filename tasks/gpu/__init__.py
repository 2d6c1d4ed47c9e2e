"""OpenCL programs."""
