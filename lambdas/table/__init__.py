"""Makes and evolves the lake's Iceberg tables for CloudFormation."""
