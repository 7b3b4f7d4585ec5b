"""What allure-pytest does during a run and we have no use for."""

import pytest
from allure_pytest.listener import AllureListener


def leave_fixtures_out(config: pytest.Config) -> None:
    """Keep allure-pytest from following each fixture, for the two files per case that we don't use."""
    for plugin in config.pluginmanager.get_plugins():
        if isinstance(plugin, AllureListener):
            config.hook.pytest_fixture_setup._remove_plugin(plugin)  # noqa: SLF001 - there is no option for it
            plugin._update_fixtures_children = lambda _item: None  # noqa: SLF001 - same
