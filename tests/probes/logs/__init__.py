"""Self-tests of `probes/logs`."""
