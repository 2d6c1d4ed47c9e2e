"""The study of a simulated health index: how it moves, and which persistence keeps lives well."""
