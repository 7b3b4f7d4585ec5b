"""Self-tests of `twin`."""
