"""The twin's platform, read by others than us."""
