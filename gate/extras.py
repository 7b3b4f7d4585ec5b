"""What is not installed with the suite, and how it is had: pyproject.toml's optional dependencies."""


def how_to_install(extra: str) -> str:
    """What to type for an extra, in a checkout and where the wheel is installed."""
    return f"make setup-suite EXTRAS=1 in a checkout, else pip install 'netra-verify[{extra}]'"
