"""Programs that run in containers of AWS Batch, and what is in each container."""
