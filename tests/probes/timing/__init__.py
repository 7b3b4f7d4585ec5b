"""Self-tests of `probes/auth`."""
