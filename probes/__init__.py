"""How to observe: no pytest; async functions that return frozen values; one protocol a file."""
