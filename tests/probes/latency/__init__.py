"""Self-tests of `probes/latency`."""
