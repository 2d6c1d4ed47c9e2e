"""The study of what presidents say: their words, and the names they join."""
