"""Sessions held for an hour: plan, ledger, findings."""
