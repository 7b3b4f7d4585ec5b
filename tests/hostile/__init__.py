"""A hostile proxy in front of the sound twin: whatever it does, a run ends, within bounds, without a false GO."""
