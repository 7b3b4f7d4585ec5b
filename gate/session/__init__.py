"""One run: the plugin, the selection, each case's outcome, publishing."""
