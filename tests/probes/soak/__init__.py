"""Self-tests of `probes/soak`."""
