"""Self-tests of `gate/session`."""
