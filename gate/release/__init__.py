"""One revision over many runs: the store, its runs, what they come to, and the conclusion."""
