"""The flagship study: how the mood of the State of the Union has moved since 1790."""
