"""Dask programs."""
