"""What is not part of the suite, and how to install it: pyproject.toml's optional dependencies."""

EXTRA_OF = {
    "apprise": "tell",
    "gcsfs": "stores",
    "opentelemetry": "otlp",
    "pglast": "preflight",
    "playwright": "browser",
    "psycopg": "preflight",
    "sqlalchemy": "preflight",
}


def how_to_install(extra: str) -> str:
    """The command that installs an extra, in a checkout and with the wheel."""
    return f"make setup-suite EXTRAS=1 in a checkout, else pip install 'netra-verify[{extra}]'"


def what_is_missing(error: ImportError) -> str:
    """Which extra an import lacks, and how to install it; empty if it lacks something else."""
    package = (error.name or "").partition(".")[0]
    extra = EXTRA_OF.get(package)
    return f"{package} is not installed. It is an extra: {how_to_install(extra)}." if extra else ""
