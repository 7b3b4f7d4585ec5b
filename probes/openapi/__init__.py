"""A service's own OpenAPI document: what it publishes, and requests that fit it."""
