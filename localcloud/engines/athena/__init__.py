"""Athena on DuckDB: Athena's statements, types, tables and results, honoured or refused by name."""
