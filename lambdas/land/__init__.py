"""Lands records: decode, check, transform, archive, stage, and tell the committer."""
