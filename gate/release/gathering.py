"""A store's content for one target: runs, gates, discards, and unreadable files, each listed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gate.redaction import Redactor
from gate.release.seal import digest
from gate.release.store import Discard, Store, StoreError
from gate.release.stored_run import StoredRun, Unusable, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A store's content for one target."""

    where: str
    runs: tuple[StoredRun, ...]
    gates: tuple[StoredRun, ...]  # verdicts of earlier gates: not evidence, but they record what they saw
    unusable: tuple[Unusable, ...]
    discards: Mapping[str, Discard]
    unfinished: tuple[str, ...]
    problems: tuple[str, ...] = ()
    selected: tuple[StoredRun, ...] = ()  # runs of a selection: not evidence, in either direction
    digests: Mapping[str, str] = field(default_factory=dict)  # of every stored file, byte for byte, by run
    redactor: Redactor = field(default_factory=Redactor)

    @property
    def known_ids(self) -> list[str]:
        """What can be discarded, by age: runs and soaks' groups that are there, and runs that others saw there."""
        whole = [*self.runs, *self.gates, *self.selected]
        ids = {run.id for run in whole} | {one.run_id for one in self.unusable} | set(self.unfinished)
        for run in whole:
            document = run.document
            ids |= {document.seal.before.run_id} if document.seal and document.seal.before else set()
            ids |= {one.run_id for one in document.gate.inputs} if document.gate else set()
            ids |= {accrual.group for row in document.checks for accrual in row.accruals}
        return sorted(ids - {""})


def gather(store: Store, target: str) -> Evidence:
    """Read everything in the store for a target; unreadable files are listed, never skipped."""
    try:
        found, digests = _read_all(store, target)
        discards, unfinished = list(store.each_discard(target)), store.unfinished(target)
    except StoreError as error:
        return Evidence(
            where=store.where,
            runs=(),
            gates=(),
            unusable=(),
            discards={},
            unfinished=(),
            problems=(str(error),),
            redactor=store.redactor,
        )
    usable = [one for one in found if isinstance(one, StoredRun)]
    whole = [run for run in usable if not run.document.selection]
    return Evidence(
        where=store.where,
        runs=tuple(one for one in whole if one.document.phase != "gate"),
        gates=tuple(one for one in whole if one.document.phase == "gate"),
        unusable=tuple(one for one in found if isinstance(one, Unusable)),
        discards={discard.id: discard for discard in discards if isinstance(discard, Discard)},
        unfinished=tuple(unfinished),
        problems=tuple(str(error) for error in discards if isinstance(error, StoreError)),
        selected=tuple(run for run in usable if run.document.selection),
        digests=digests,
        redactor=store.redactor,
    )


def _read_all(store: Store, target: str) -> tuple[list[StoredRun | Unusable], dict[str, str]]:
    """Every stored run, and each file's digest, a few files in memory at a time. Raises StoreError."""
    found: list[StoredRun | Unusable] = []
    digests: dict[str, str] = {}
    for run_id, body in store.each(target):
        found.append(read(run_id, body, target, store.key))
        if isinstance(body, bytes):
            digests[run_id] = digest(body)
    return found, digests
