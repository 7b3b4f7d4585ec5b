"""Renderers: one per file, each using only the verdict's document."""
