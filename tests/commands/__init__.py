"""Self-tests of `commands`."""
