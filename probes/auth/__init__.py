"""Tokens: good ones, forged ones, and the login that gives them."""
