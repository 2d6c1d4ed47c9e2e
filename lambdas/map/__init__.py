"""Runs a study's function over items: one call of Lambda a batch of items."""
