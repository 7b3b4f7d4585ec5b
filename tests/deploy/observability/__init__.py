"""The observability stack in deploy/, checked by the tools that run it."""
