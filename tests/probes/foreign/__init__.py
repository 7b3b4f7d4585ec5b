"""Self-tests of what is read from others."""
