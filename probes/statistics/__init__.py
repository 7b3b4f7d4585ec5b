"""What a number of observations proves, and whether a series rises."""
