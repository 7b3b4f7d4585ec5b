"""Sessions held for an hour: plan, books, findings."""
