"""A first TOML of a target, written by looking at its service: `make target`."""
