"""Has a container image built, once for each of its tags."""
