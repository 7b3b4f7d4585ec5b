"""The suites' own judging code over healthy answers, spoiled field by field: judged or refused, never a crash."""
