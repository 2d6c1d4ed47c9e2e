"""The resource types that the local cloud honours: one module a service."""
