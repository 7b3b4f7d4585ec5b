"""Self-tests of how cases judge."""
