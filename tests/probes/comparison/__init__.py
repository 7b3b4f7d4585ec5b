"""Self-tests of `probes/comparison`."""
