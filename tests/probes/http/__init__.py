"""Self-tests of `probes/http`."""
