"""Self-tests of what the measurements stand on."""
