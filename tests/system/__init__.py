"""Self-tests of the system."""
