"""The audited backend, with the report's fixes done right."""
