"""Quick smokes in a row against one standing twin: what one run leaves or provokes must not turn a later one."""
