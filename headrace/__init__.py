"""Headrace: large-scale computing for social scientists, from a laptop to AWS."""
