"""What all tests share."""

from hypothesis import settings

# How long an example takes says more of the machine than of the code: bench/ measures time.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
