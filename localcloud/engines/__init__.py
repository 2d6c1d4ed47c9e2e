"""Engines: one module a service, each doing the work that moto only records."""
