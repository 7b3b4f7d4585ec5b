"""Ways in which the system has been, or could have been, got wrong: one family a file, one seam a fault."""
