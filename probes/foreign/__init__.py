"""What others send us: the bounds on it, JSON read within them, and how it is quoted."""
