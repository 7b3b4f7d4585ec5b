"""The process that runs an image's migrations as `alembic upgrade` does, one revision after another.

Run by path, with a JSON description on its standard input: our packages are not in its import path, so that the image's
own packages are found as by alembic. It reports in JSON lines to the file descriptor in the description.
"""

import json
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).resolve()
OURS = "commands"
Report = Callable[[dict[str, Any]], None]


def main() -> int:
    """Run as described; returns 0 if every revision was applied."""
    wanted = json.loads(sys.stdin.readline())
    reports = os.fdopen(wanted["reports"], "w", encoding="utf-8")

    def report(what: dict[str, Any]) -> None:
        reports.write(json.dumps(what) + "\n")
        reports.flush()

    _guard(wanted, report)
    from sqlalchemy.dialects import registry  # noqa: PLC0415 - after the guard

    if not _has("psycopg2"):  # postgresql:// means psycopg2 in SQLAlchemy 2.0
        registry.register("postgresql", "sqlalchemy.dialects.postgresql.psycopg", "dialect")
    _note_missing_variables(report)
    return 0 if all(_upgrade(wanted, revision, report) for revision in wanted["revisions"]) else 1


def _has(module: str) -> bool:
    try:
        __import__(module)
    except ImportError:
        return False
    return True


def _guard(wanted: dict[str, Any], report: Report) -> None:
    """Restrict connections to the scratch server, then make our own packages unimportable."""
    sys.path[0] = str(HERE.parents[3])
    from commands.preflight.inside.guard import Guard  # noqa: PLC0415 - by the path set just above
    from commands.preflight.inside.kernel import confine  # noqa: PLC0415 - as above

    confined = confine(wanted["port"])
    Guard(wanted["host"], wanted["port"], report).install()
    report({"confined": confined})
    del sys.path[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == OURS]:
        del sys.modules[name]


def _note_missing_variables(report: Report) -> None:
    """Report the variables that the image's code asks for and does not get: the likeliest cause if it fails."""
    kind = type(os.environ)
    read = kind.__getitem__

    def noted(self: Any, name: str) -> str:  # noqa: ANN401 - os.environ's own class has no public name
        try:
            return read(self, name)
        except KeyError:
            if _is_the_image_s(sys._getframe(1)):  # noqa: SLF001 - the only way to find the caller
                report({"missing": str(name)})
            raise

    kind.__getitem__ = noted  # type: ignore[method-assign]  # replaced on purpose


def _is_the_image_s(frame: FrameType | None) -> bool:
    """Whether the caller is neither in the standard library nor in an installed package."""
    libraries = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
    through = ("<frozen ", *(f"{folder}/{name}" for folder in libraries for name in ("os.py", "_collections_abc.py")))
    while frame is not None and frame.f_code.co_filename.startswith(through):
        frame = frame.f_back
    name = "" if frame is None else frame.f_code.co_filename
    return bool(name) and not name.startswith(libraries)


class _Attributes(dict[str, Any]):
    """What a program passes to env.py. `["connection"]` opens one on demand; `.get("connection")` finds none.

    So an env.py that can open its own connection does, as on alembic's command line; one that needs one gets it.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - as alembic's own
        if name != "connection":
            raise KeyError(name)
        from sqlalchemy import create_engine  # noqa: PLC0415 - only on demand

        self[name] = create_engine(self._url).connect()
        return self[name]


def _upgrade(wanted: dict[str, Any], revision: str, report: Report) -> bool:
    from alembic import command  # noqa: PLC0415 - after the guard
    from alembic.config import Config  # noqa: PLC0415 - as above

    report({"begin": revision})
    sys.stdin.readline()  # wait until the observer is ready
    config = Config(wanted["ini"] or None, stdout=sys.stderr)
    config.set_main_option("script_location", wanted["folder"])
    config.set_main_option("sqlalchemy.url", wanted["url"].replace("%", "%%"))
    if not config.get_main_option("prepend_sys_path"):
        config.set_main_option("prepend_sys_path", ".")
    config.attributes = _Attributes(wanted["url"])
    try:
        command.upgrade(config, revision)
        if connection := config.attributes.get("connection"):
            if connection.in_transaction():
                connection.commit()
            connection.close()
    except BaseException as error:  # noqa: BLE001 - the image's code: whatever it raises, SystemExit too, is the result
        report(_describe(error, Path(wanted["folder"])))
        return False
    report({"end": revision})
    return True


def _describe(error: BaseException, folder: Path) -> dict[str, Any]:
    """What was raised, and where: within a migration, in env.py, or elsewhere."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(folder)
    ]
    inside = frames[-1] if frames else None
    name = f"{Path(inside.filename).relative_to(folder)}, line {inside.lineno}" if inside else ""
    missing = error.name if isinstance(error, ModuleNotFoundError) else ""
    known = type(error).__mro__
    return {
        "failed": f"{type(error).__name__}: {error}",
        "kind": type(error).__name__,
        "place": name,
        "in_migration": bool(inside and Path(inside.filename).name != "env.py"),
        "package": missing or "",
        "of_sqlalchemy": any(base.__module__ == "sqlalchemy.exc" for base in known),
    }


if __name__ == "__main__":
    sys.exit(main())
