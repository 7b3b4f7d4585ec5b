"""Logs: entries, sources, exports, error clusters."""
