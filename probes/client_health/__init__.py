"""Our own side: whether it was fit to measure."""
