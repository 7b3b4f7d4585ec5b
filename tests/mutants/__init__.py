"""Mutants: one small change of the code at a time, which the suite (in the twin) or the self-tests have to notice."""
