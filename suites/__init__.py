"""What must hold: one subject a file; a check is a claim with a stable id."""
