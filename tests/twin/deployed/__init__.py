"""Self-tests of `twin/deployed`."""
