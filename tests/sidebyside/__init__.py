"""What others catch of the same faults, on the same twin, in the same minutes."""
