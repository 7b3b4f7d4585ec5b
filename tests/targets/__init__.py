"""Self-tests of the configuration."""
