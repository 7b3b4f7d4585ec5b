"""What to contact, what is permitted there, and what the service promises: TOML, no secrets."""
