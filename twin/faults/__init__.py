"""Ways in which the system went wrong, or could go wrong: one family per file, one seam per fault."""
