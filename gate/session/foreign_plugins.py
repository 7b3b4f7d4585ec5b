"""Third-party plugins: those that hide outcomes are refused, the others are listed in the document."""

import re
from collections.abc import Iterator

import pytest

OURS = frozenset({"pytest-asyncio", "allure-pytest"})
# What they do to an outcome. Other libraries may install them: pytest.ini disables them.
HIDING = {
    "pytest-rerunfailures": "reruns failed cases until they pass",
    "flaky": "reruns failed cases until they pass",
    "pytest-retry": "reruns failed cases until they pass",
    "pytest-ignore-flaky": "reclassifies failures",
    "pytest-quarantine": "reclassifies failures",
    "pytest-xdist": "runs cases in separate processes",
}


def refuse_hiding(config: pytest.Config) -> None:
    """Refuse plugins that would hide a case's outcome. Raises pytest.UsageError naming the first."""
    for name in sorted({*_distributions(config), *_modules(config)}):
        if name in HIDING:
            raise pytest.UsageError(
                f"The plugin {name} is active, which {HIDING[name]}: a verdict needs unmodified outcomes. Uninstall "
                "it, or disable it with `-p no:NAME`, as pytest.ini does."
            )


NEEDED = ("terminal", "capture", "python", "asyncio", "allure_pytest")  # without one, a run crashes or proves nothing


def refuse_without(config: pytest.Config) -> None:
    """Refuse a run without a plugin that the suite needs. Raises pytest.UsageError naming the first."""
    for name in NEEDED:
        if config.pluginmanager.is_blocked(name):
            raise pytest.UsageError(
                f"-p no:{name} switches off a plugin that the suite needs: remove it, from PYTEST_ADDOPTS as well."
            )


def refuse_tracing(config: pytest.Config) -> None:
    """Refuse `--trace`: a case whose debugger meets the end of its input has not run, and pytest says it passed."""
    if getattr(config.option, "trace", False):
        raise pytest.UsageError(
            "--trace starts each case in a debugger, and one that is left at once counts as passed. Remove it, from "
            "PYTEST_ADDOPTS as well; --pdb stops at a failure."
        )


# Options with which pytest bypasses redaction.
PAST_REDACTION = {
    "--pastebin": "sends all output to a public site",
    "--debug": "writes hook arguments, including errors, to a file",
    "--capture=tee-sys": "writes what cases print to the terminal unredacted: use -s",
}


def refuse_what_shows(config: pytest.Config) -> None:
    """Refuse options that bypass redaction. Raises pytest.UsageError naming the option."""
    option = config.option
    asked = {
        "--pastebin": getattr(option, "pastebin", None),
        "--debug": option.debug,
        "--capture=tee-sys": option.capture == "tee-sys",
    }
    for name, value in asked.items():
        if value:
            raise pytest.UsageError(
                f"{name} {PAST_REDACTION[name]}, which could contain the target's secrets. Remove "
                "it, from PYTEST_ADDOPTS as well."
            )


def foreign(config: pytest.Config) -> list[str]:
    """Every other third-party plugin, with its version."""
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
