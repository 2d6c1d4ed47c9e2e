"""Commits staged rows: the only writer of the lake's tables."""
