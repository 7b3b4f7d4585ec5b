"""Where to look, what we may do there, and what the service promises: TOML, no secrets."""
