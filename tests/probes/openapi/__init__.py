"""Of probes/openapi."""
