"""Plugins that are not the suite's: those that hide outcomes are refused, the others are named in the document."""

import re
from collections.abc import Iterator

import pytest

OURS = frozenset({"pytest-asyncio", "allure-pytest"})
# What they do to an outcome. They come along with other libraries: pytest.ini keeps them out by name.
HIDING = {
    "pytest-rerunfailures": "runs a case that failed again until it passes",
    "flaky": "runs a case that failed again until it passes",
    "pytest-retry": "runs a case that failed again until it passes",
    "pytest-ignore-flaky": "takes failures for something else",
    "pytest-quarantine": "takes failures for something else",
    "pytest-xdist": "judges cases in processes of its own",
}


def refuse_hiding(config: pytest.Config) -> None:
    """Refuse plugins that would hide what became of a case. Raises pytest.UsageError naming the first."""
    for name in sorted({*_distributions(config), *_modules(config)}):
        if name in HIDING:
            raise pytest.UsageError(
                f"The plugin {name} is active, which {HIDING[name]}: a verdict takes outcomes as they came. Uninstall "
                "it, or keep it out with `-p no:NAME`, as pytest.ini does."
            )


# Where pytest itself writes past everything that redacts.
PAST_REDACTION = {
    "--pastebin": "sends all that is said to a public site",
    "--debug": "writes what hooks are given, errors among it, into a file",
    "--capture=tee-sys": "writes what cases print to the terminal as it is: use -s",
}


def refuse_what_shows(config: pytest.Config) -> None:
    """Refuse options that would show what is redacted everywhere else. Raises pytest.UsageError naming it."""
    option = config.option
    asked = {
        "--pastebin": getattr(option, "pastebin", None),
        "--debug": option.debug,
        "--capture=tee-sys": option.capture == "tee-sys",
    }
    for name, value in asked.items():
        if value:
            raise pytest.UsageError(
                f"{name} {PAST_REDACTION[name]}; secrets of the target could be in it. Take it away, out of "
                "PYTEST_ADDOPTS as well."
            )


def foreign(config: pytest.Config) -> list[str]:
    """Every other plugin from outside the suite, with its version."""
    found = {
        f"{dist.project_name} {dist.version}"
        for _, dist in config.pluginmanager.list_plugin_distinfo()
        if _normal(dist.project_name) not in OURS
    }
    return sorted(found)


def _distributions(config: pytest.Config) -> Iterator[str]:
    for _, dist in config.pluginmanager.list_plugin_distinfo():
        yield _normal(dist.project_name)


def _modules(config: pytest.Config) -> Iterator[str]:
    """Plugins that were given by a module's name, `-p` or PYTEST_PLUGINS: by the module's first part."""
    for plugin in config.pluginmanager.get_plugins():
        module = getattr(plugin, "__name__", "") or type(plugin).__module__
        first = _normal(module.partition(".")[0])
        yield first if first.startswith("pytest-") or first == "flaky" else f"pytest-{first}"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
