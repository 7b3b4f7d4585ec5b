"""What the long proofs share: a journal to resume from, a copy to spoil, and the figures that docs/proof.md shows."""
