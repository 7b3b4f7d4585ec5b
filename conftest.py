"""The suite's table of contents: one plugin a resource."""

pytest_plugins = (
    "gate.plugin",
    "fixtures.target",
    "fixtures.clocks",
    "fixtures.people",
    "fixtures.doors",
    "fixtures.threads",
    "fixtures.rows",
    "fixtures.database",
    "fixtures.sessions",
    "fixtures.soak",
    "fixtures.tokens",
    "fixtures.latency",
    "fixtures.platform",
    "fixtures.logs",
    "fixtures.day",
    "fixtures.prometheus",
    "fixtures.health",
    "fixtures.twin",
)
