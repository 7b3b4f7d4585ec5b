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
from typing import Any, TextIO

HERE = Path(__file__).resolve()
OURS = "commands"
LONGEST_TEXT = 4000  # of a report's texts: an exception may carry megabytes
Report = Callable[[dict[str, Any]], None]


def main() -> int:
    """Run as described; returns 0 if every revision was applied."""
    orders = _take_input()
    wanted = json.loads(orders.readline())
    reports = os.fdopen(wanted["reports"], "w", encoding="utf-8")

    def report(what: dict[str, Any]) -> None:
        short = {key: value[:LONGEST_TEXT] if isinstance(value, str) else value for key, value in what.items()}
        reports.write(json.dumps(short) + "\n")
        reports.flush()

    _guard(wanted, report)
    from sqlalchemy.dialects import registry  # noqa: PLC0415 - after the guard

    if not _has("psycopg2"):  # postgresql:// means psycopg2 in SQLAlchemy 2.0
        registry.register("postgresql", "sqlalchemy.dialects.postgresql.psycopg", "dialect")
    _note_missing_variables(report)
    steps = _Steps(wanted, orders, report)
    return 0 if all(steps.upgrade(revision) for revision in wanted["revisions"]) else 1


def _take_input() -> TextIO:
    """Our standard input; the image's code has an empty one, so that a question in it fails and does not wait."""
    orders = os.fdopen(os.dup(0), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return orders


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


class _Steps:
    """Applies one revision after another, and notes whether env.py really runs each on a database."""

    def __init__(self, wanted: dict[str, Any], orders: TextIO, report: Report) -> None:
        self._wanted, self._orders, self._report = wanted, orders, report
        self._ran = False
        self._listen()

    def _listen(self) -> None:
        from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - after the guard

        run = MigrationContext.run_migrations

        def noted(context: MigrationContext, **more: Any) -> None:  # noqa: ANN401 - alembic's own signature
            self._ran = self._ran or not context.as_sql
            self._report({"table": [context.version_table_schema, context.version_table]})
            run(context, **more)

        MigrationContext.run_migrations = noted  # type: ignore[method-assign,assignment]  # replaced on purpose

    def upgrade(self, revision: str) -> bool:
        from alembic import command  # noqa: PLC0415 - after the guard

        self._report({"begin": revision})
        self._orders.readline()  # wait until the observer is ready
        config, self._ran = self._config(), False
        try:
            command.upgrade(config, revision)
            if connection := config.attributes.get("connection"):
                if connection.in_transaction():
                    connection.commit()
                connection.close()
        except BaseException as error:  # noqa: BLE001 - the image's code: whatever it raises, SystemExit too, is the result
            self._report(_describe(error, Path(self._wanted["folder"])) | {"began": self._ran})
            return False
        self._report({"end" if self._ran else "idle": revision})
        return self._ran

    def _config(self) -> Any:  # noqa: ANN401 - alembic's Config, which is imported after the guard
        from alembic.config import Config  # noqa: PLC0415 - after the guard

        config = Config(self._wanted["ini"] or None, self._wanted["toml"] or None, stdout=sys.stderr)
        config.set_main_option("script_location", self._wanted["folder"])
        config.set_main_option("sqlalchemy.url", self._wanted["url"].replace("%", "%%"))
        if not config.get_prepend_sys_paths_list():
            config.set_main_option("prepend_sys_path", ".")
        config.attributes = _Attributes(self._wanted["url"])
        return config


def _describe(error: BaseException, folder: Path) -> dict[str, Any]:
    """What was raised, and where: within a migration, in env.py, or elsewhere."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(folder)
    ]
    inside = frames[-1] if frames else None
    name = f"{Path(inside.filename).relative_to(folder)}, line {inside.lineno}" if inside else ""
    missing = error.name if isinstance(error, ModuleNotFoundError) else ""
    known = type(error).__mro__
    lacking = _module_that_lacks(error, folder)
    return {
        "failed": f"{type(error).__name__}: {error}",
        "kind": type(error).__name__,
        "place": lacking or name,
        "in_migration": bool(lacking) or bool(inside and Path(inside.filename).name != "env.py"),
        "package": missing or "",
        "of_sqlalchemy": any(base.__module__ == "sqlalchemy.exc" for base in known),
    }


def _module_that_lacks(error: BaseException, folder: Path) -> str:
    """The migration (below the folder) that lacks what alembic looks for in it, such as `upgrade`; empty if none."""
    file = getattr(getattr(error, "obj", None), "__file__", None) if isinstance(error, AttributeError) else None
    return str(Path(file).relative_to(folder)) if file and Path(file).is_relative_to(folder) else ""


if __name__ == "__main__":
    sys.exit(main())
