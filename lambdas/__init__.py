"""Deployed functions, one folder each."""
