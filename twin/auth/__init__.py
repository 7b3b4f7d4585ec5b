"""The auth service: validates access tokens for whoever holds the service key."""
