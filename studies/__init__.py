"""What users write: one folder a study."""
