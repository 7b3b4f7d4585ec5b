"""Self-tests of `probes/client_health`."""
