"""What must hold: one subject per file; a check is a claim with a stable id."""
