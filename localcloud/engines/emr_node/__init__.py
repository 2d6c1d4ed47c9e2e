"""What runs on a cluster's node, started by its own Python: the standard library, nothing else."""
