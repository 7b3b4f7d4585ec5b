"""Commands outside a run: the gate over many runs, leftovers, the repair of rows, what a migration would do."""
