"""Measurements: our probes beside the plain way of doing the same work, in one run. Absolute limits live here."""
