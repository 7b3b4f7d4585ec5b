"""The proof that every check can fail: one fault at a time, against the smoke phase."""
