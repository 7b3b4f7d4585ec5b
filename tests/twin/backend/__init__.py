"""Self-tests of `twin/backend`."""
