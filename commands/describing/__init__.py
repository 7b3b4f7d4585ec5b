"""`make target`: a first TOML for a target, written by looking at its service."""
