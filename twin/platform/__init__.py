"""The platform around the services: edges that proxy and log, and the Google APIs that describe it."""
