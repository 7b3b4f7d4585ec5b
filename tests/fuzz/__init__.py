"""The suites' own judging code over good answers that are spoiled field by field: judged or refused, never a crash."""
