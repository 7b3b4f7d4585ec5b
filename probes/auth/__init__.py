"""Tokens: valid ones, forged ones, and the login that issues them."""
