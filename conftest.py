"""The suite's table of contents: one plugin a resource."""

import pytest

pytest_plugins = (
    "gate.session.plugin",
    "fixtures.network",
    "fixtures.reachability",
    "fixtures.candidate",
    "fixtures.target",
    "fixtures.turns",
    "gate.session.set_up_ahead",
    "fixtures.asking",
    "fixtures.beside",
    "fixtures.clocks",
    "fixtures.pace",
    "fixtures.database",
    "fixtures.residue",
    "fixtures.tokens",
    "fixtures.users",
    "fixtures.entries",
    "fixtures.error_answers",
    "fixtures.http_services",
    "fixtures.threads",
    "fixtures.rows",
    "fixtures.sockets",
    "fixtures.soak",
    "fixtures.doors",
    "fixtures.twin",
    "fixtures.browser",
    "fixtures.published",
    "fixtures.latency",
    "fixtures.platform",
    "fixtures.log_lookup",
    "fixtures.logs",
    "fixtures.auth_log",
    "fixtures.compared_log",
    "fixtures.comparison",
    "fixtures.share",
    "fixtures.server_lines",
    "fixtures.day",
    "fixtures.prometheus",
    "fixtures.health",
    "fixtures.journeys",
    "fixtures.both_revisions",
    "fixtures.messages",
    "fixtures.own_checks",
)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Import the plugins by their names. pytest does the same, but first looks each up among all that is installed."""
    del parser
    for name in pytest_plugins:
        pluginmanager.import_plugin(name)
