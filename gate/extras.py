"""How to install what is not part of the suite: pyproject.toml's optional dependencies."""


def how_to_install(extra: str) -> str:
    """The command that installs an extra, in a checkout and with the wheel."""
    return f"make setup-suite EXTRAS=1 in a checkout, else pip install 'netra-verify[{extra}]'"
