"""Self-tests of `gate/release`."""
