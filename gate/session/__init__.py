"""One run: the plugin, what is selected, what became of each case, what is published."""
