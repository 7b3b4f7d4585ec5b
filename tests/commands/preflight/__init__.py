"""Preflight: what may be reached, what statements do, and whose fault it is when they can't be run."""
