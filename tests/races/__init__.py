"""How surely a race is found, and how often one is seen where there is none: the checks of twenty at once, repeated."""
