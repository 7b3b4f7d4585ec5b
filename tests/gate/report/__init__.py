"""Self-tests of `gate/report`."""
