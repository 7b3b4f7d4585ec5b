"""Faults: declared, found and switched."""
