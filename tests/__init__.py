"""Self-tests of the suite, and the proof that every check can fail."""
