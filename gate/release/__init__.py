"""One revision over many runs: the store, its runs, their combination and the conclusion."""
