"""The auth service: validates access tokens for services that hold the service key."""
