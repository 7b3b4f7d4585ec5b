"""The suite's table of contents: one plugin a resource."""

pytest_plugins = (
    "gate.session.plugin",
    "fixtures.target",
    "fixtures.clocks",
    "fixtures.tokens",
    "fixtures.users",
    "fixtures.http_services",
    "fixtures.threads",
    "fixtures.database",
    "fixtures.rows",
    "fixtures.sockets",
    "fixtures.soak",
    "fixtures.doors",
    "fixtures.latency",
    "fixtures.platform",
    "fixtures.logs",
    "fixtures.day",
    "fixtures.prometheus",
    "fixtures.health",
    "fixtures.own_checks",
    "fixtures.twin",
)
