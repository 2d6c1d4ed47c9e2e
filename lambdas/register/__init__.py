"""Makes what a stage gave its table, and writes down how: the only writer of stages' tables."""
