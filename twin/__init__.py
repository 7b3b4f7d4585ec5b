"""The audited system as real processes on loopback, in every state it was ever in; it breaks on request."""
