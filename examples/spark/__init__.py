"""The lecture notes' Spark, as small programs that run."""
