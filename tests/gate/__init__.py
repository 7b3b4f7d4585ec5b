"""Self-tests of the gate."""
