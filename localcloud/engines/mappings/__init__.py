"""Event source mappings: what they ask for, and what becomes of a batch."""
