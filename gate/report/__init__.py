"""Renderers: one a file, each from the verdict's document alone."""
