"""What allure-pytest does during a run and we have no use for."""

import pytest

LISTENER = "allure_listener"  # as allure-pytest registers it; to import it before pytest does is a warning


def leave_fixtures_out(config: pytest.Config) -> None:
    """Keep allure-pytest from following each fixture, for the two files per case that we don't use."""
    listener = config.pluginmanager.get_plugin(LISTENER)
    if listener is not None:
        config.hook.pytest_fixture_setup._remove_plugin(listener)  # noqa: SLF001 - there is no option for it
        listener._update_fixtures_children = lambda _item: None  # noqa: SLF001 - same
