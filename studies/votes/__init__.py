"""The study of who the editors of Wikipedia trust: votes on adminship as a graph."""
