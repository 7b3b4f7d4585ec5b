"""Two revisions side by side: what one answers and the other does not, and which takes longer."""
