"""The gate: check registry, outcomes, verdict, evidence, redaction and the report renderers."""
