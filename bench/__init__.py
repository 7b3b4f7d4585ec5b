"""Measurements: our probes compared with a plain way to do the same work, in one run. Absolute limits live here."""
