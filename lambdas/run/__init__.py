"""Begins a run and prepares its stages: which snapshots are read, and what is still to do."""
