"""Self-tests of the probes."""
