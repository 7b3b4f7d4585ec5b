"""Self-tests of `probes/google`."""
