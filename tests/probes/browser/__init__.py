"""Tests of what the page in a browser is given."""
