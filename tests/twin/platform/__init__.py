"""The twin's platform, read by Google's own clients."""
