"""The evidence store: every run's verdict, under its target, in a folder or a bucket. Nothing in it is overwritten.

    <store>/<target>/<run id>/verdict.json      what the run left
    <store>/<target>/discarded/<id>.json        who discarded a run, when, and why

A store is any fsspec URL (`gs://bucket/evidence`) or a folder; the report folder has the same layout and serves as
the store if none is configured.
"""

import contextlib
import glob
import json
import logging
import os
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import fsspec
import msgspec
from fsspec.implementations.local import LocalFileSystem

from gate.document import clean
from gate.extras import how_to_install
from gate.local_files import read_regular
from gate.moments import moment, rfc3339
from gate.outcomes import Verdict
from gate.redaction import Concealed, Redactor
from gate.release.seal import digest, seal
from gate.verdict_document import Before, Document, decode, encode

VARIABLE = "NETRA_EVIDENCE"
DISCARDED = "discarded"
MOST_LOOKED_BACK = 60  # for a run to compare with; a seal looks back as far as it has to
AT_ONCE = 32  # files that are read ahead
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")  # allowed names of a run or a soak's group


class StoreError(Exception):
    """The store can't be used; the message is one paragraph that names it and says what to do."""


class Discard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decision that a run, or a soak's whole group, does not count."""

    id: str
    owner: str
    because: str
    at: str

    def __post_init__(self) -> None:
        """Refuse a time that is none. Raises ValueError."""
        moment(self.at)


class Store:
    """Reads and adds evidence. `where` is a folder or any URL that fsspec knows.

    With a `key` every run is signed with it, and one that is not is refused. Others may have written to the
    store, so what is shown from it is neutralised and redacted again.
    """

    def __init__(self, where: str, key: Concealed | None = None, redactor: Redactor | None = None) -> None:
        self.where, self.key, self.redactor = where, key, redactor or Redactor()
        logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # it logs a traceback for what it raises anyway
        try:
            self._fs, root = fsspec.core.url_to_fs(where)
        except ImportError as error:
            raise StoreError(
                f"The evidence store {where!r} can't be used: {error}. This kind of store is an extra: "
                f"{how_to_install('stores')}."
            ) from error
        except ValueError as error:
            raise StoreError(
                f"The evidence store {where!r} can't be used: {error}. Give a folder or a URL such as gs://bucket/path."
            ) from error
        self._root = str(root).rstrip("/")

    @property
    def folder(self) -> Path | None:
        """The store's folder; None if it is not local."""
        return Path(self._root) if isinstance(self._fs, LocalFileSystem) else None

    def put(self, document: Document) -> str:
        """Add a run's verdict, sealed, atomically. Returns its location.

        Raises:
            StoreError: The store can't be written to, or already has a run with this id.
        """
        path = f"{document.target}/{document.run_id}/verdict.json"
        self._create(
            path, encode(self.sealed(document)), f"it already has run {document.run_id}, which is not overwritten"
        )
        return f"{self.where.rstrip('/')}/{path}"

    def sealed(self, document: Document) -> Document:
        """The document with its digest, and that of the run before it in this store. Raises StoreError."""
        paths = [
            path
            for path in self._glob(f"{document.target}/*/verdict.json")
            if not path.endswith(f"/{document.run_id}/verdict.json")
        ]
        # However many damaged files and selections came since: a chain that they end would hide what is removed.
        for body in self._newest_first(paths):
            last = _finished(body)
            if last is not None and last.seal is not None and not last.selection:
                return seal(document, Before(last.run_id, last.revision, digest(body)), self.key)
        return seal(document, None, self.key)

    def _newest_first(self, paths: list[str]) -> Iterator[bytes]:
        """The bodies that can be read, from the last on: mostly one is enough; behind it, many at a time."""
        ends = [len(paths), *range(len(paths) - 1, 0, -AT_ONCE), 0]
        for end, start in pairwise(ends):
            batch = paths[start:end]
            read = self._read(batch)
            yield from (body for path in reversed(batch) if isinstance(body := read[path], bytes))

    def probe(self, target: str, run_id: str) -> None:
        """Raise StoreError unless a run's verdict could be added now, so that a soak does not end in an error."""
        path = f"{target}/{run_id}/begun.json"
        self._create(path, json.dumps({"begun": _now()}).encode(), f"it already has run {run_id}")

    def each(self, target: str) -> Iterator[tuple[str, bytes | StoreError]]:
        """Every stored run of a target by its id, oldest first, a few in memory at a time. Raises StoreError."""
        paths = self._glob(f"{target}/*/verdict.json")
        for start in range(0, len(paths), AT_ONCE):
            read = self._read(paths[start : start + AT_ONCE])
            yield from ((path.split("/")[-2], body) for path, body in read.items())

    def last(
        self, target: str, phase: str, before: str = "", *, with_selections: bool = False, decided: bool = False
    ) -> Document | None:
        """The verdict of the last finished run of a phase; None without one.

        `before`: only runs that began before this one. Runs of a selection count only `with_selections`;
        with `decided`, INCONCLUSIVE runs don't count.
        """
        paths = [path for path in self._glob(f"{target}/*/verdict.json") if not before or path.split("/")[-2] < before]
        for path in reversed(paths[-MOST_LOOKED_BACK:]):
            body = self._read([path])[path]
            document = _finished(body) if isinstance(body, bytes) else None
            if document is None or document.phase != phase or (decided and document.verdict is Verdict.INCONCLUSIVE):
                continue
            if with_selections or not document.selection:
                return clean(document, self.redactor)
        return None

    def unfinished(self, target: str) -> list[str]:
        """Ids of runs that began with this store and never left a verdict in it."""
        began = {path.split("/")[-2] for path in self._glob(f"{target}/*/begun.json")}
        return sorted(began - {path.split("/")[-2] for path in self._glob(f"{target}/*/verdict.json")})

    def discards(self, target: str) -> dict[str, Discard]:
        """Every discard of a target, by the id of what it discards. Raises StoreError for one that can't be read."""
        found = {}
        for discard in self.each_discard(target):
            if isinstance(discard, StoreError):
                raise discard
            found[discard.id] = discard
        return found

    def each_discard(self, target: str) -> Iterator[Discard | StoreError]:
        """Every discard of a target, or why it can't be read. Raises StoreError."""
        for path, body in self._read(self._glob(f"{target}/{DISCARDED}/*.json")).items():
            try:
                if isinstance(body, StoreError):
                    raise body
                yield msgspec.json.decode(body, type=Discard)
            except (StoreError, ValueError, RecursionError) as error:
                yield StoreError(f"The discard in {path} can't be read: {error}. Restore or remove it.")

    def discard(self, target: str, what: str, *, owner: str, because: str) -> Discard:
        """Record that a run (or a soak's group) does not count. Raises StoreError if it was already discarded."""
        if not NAME.fullmatch(what):
            raise StoreError(f"{what!r} is not a run id such as 20261124T091526Z-4254a4, or a soak's group.")
        discard = Discard(what, owner, because, _now())
        body = json.dumps({"id": what, "owner": owner, "because": because, "at": discard.at}, indent=1) + "\n"
        self._create(f"{target}/{DISCARDED}/{what}.json", body.encode(), f"{what} was already discarded")
        return discard

    def _create(self, path: str, body: bytes, taken: str) -> None:
        """Write a new file atomically; of two concurrent writers, one wins."""
        full = f"{self._root}/{path}"
        try:
            if isinstance(self._fs, LocalFileSystem):
                _create_locally(Path(full), body)
            else:
                self._fs.pipe_file(full, body, mode="create")
        except FileExistsError as error:
            raise StoreError(f"The evidence store {self.where} was not written: {taken}.") from error
        except Exception as error:  # every file system raises its own errors
            raise StoreError(
                f"The evidence store {self.where} can't be written to ({_said(error)}): give another "
                f"one with --evidence or {VARIABLE}."
            ) from error

    def _glob(self, pattern: str) -> list[str]:
        try:
            return sorted(str(path) for path in self._fs.glob(f"{glob.escape(self._root)}/{pattern}"))
        except Exception as error:
            raise StoreError(f"The evidence store {self.where} can't be listed ({_said(error)}).") from error

    def _read(self, paths: list[str]) -> dict[str, bytes | StoreError]:
        """Each file's body, or why it can't be read. A name that looks like a pattern is still a name."""
        if self.folder is not None:
            return {path: _read_locally(path) for path in paths}
        plain = [path for path in paths if not glob.has_magic(path)]
        read = self._fs.cat(plain, on_error="return") if plain else {}
        read = dict(read) if isinstance(read, dict) else {plain[0]: read}
        read |= {path: self._read_one(path) for path in paths if path not in read}
        return {
            path: body if isinstance(body, bytes) else StoreError(f"{path} can't be read ({_said(body)})")
            for path, body in read.items()
        }

    def _read_one(self, path: str) -> bytes | Exception:
        try:
            return bytes(self._fs.cat_file(path))
        except Exception as error:  # noqa: BLE001 - every file system raises its own errors, and the error is reported
            return error


def _finished(body: bytes) -> Document | None:
    """A verdict with rows; None for one that can't be read, has another version or did not finish."""
    try:
        document = decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return document if document.checks else None


def _read_locally(path: str) -> bytes | StoreError:
    try:
        return read_regular(Path(path))
    except OSError as error:
        return StoreError(f"{path} can't be read ({_said(error)})")


def _create_locally(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        half.write_bytes(body)
        os.link(half, path)  # unlike a rename, this fails if the name is taken
    finally:
        with contextlib.suppress(OSError):
            half.unlink()


def _now() -> str:
    return rfc3339(datetime.now(UTC), "seconds")


def _said(error: BaseException) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or error or type(error).__name__)
