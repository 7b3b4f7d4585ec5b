"""Commands beside a run: leftovers, the repair of rows, what a migration would do. None judges a release."""
