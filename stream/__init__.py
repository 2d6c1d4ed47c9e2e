"""Records in motion: the block format, its producer, and what reads them back."""
