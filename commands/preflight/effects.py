"""What one statement of a migration did to existing tables, and why that can hurt a running system."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pglast import ast

from commands.preflight.grammar import TRUNCATES, Claim, claims, is_concurrent, kinds
from commands.preflight.relay import Observed
from commands.preflight.snapshot import KINDS, Snapshot

Why: TypeAlias = tuple[str, str]  # the relation, if it is about one, and the words
STRONG = {"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"}  # each blocks writers
# They hold their strong lock only briefly: anything slow in them (a rewrite, a scan, an index) is detected separately.
BRIEF = {
    ast.AlterTableStmt,
    ast.CommentStmt,
    ast.GrantStmt,
    ast.CreateTrigStmt,
    ast.CreatePolicyStmt,
    ast.AlterPolicyStmt,
    ast.ViewStmt,
    ast.CreateStmt,
    ast.RuleStmt,
    ast.AlterOwnerStmt,
    ast.AlterSeqStmt,
    ast.CreateSeqStmt,
    ast.CreateStatsStmt,
    ast.CreateFunctionStmt,
    ast.RenameStmt,
    ast.AlterObjectSchemaStmt,
}

# An observed effect is left out if the statement itself states it of the same relation, with one of these verbs.
COVERED_BY = {
    "drops": set[str](),
    "renames": set[str](),
    "updates": set[str](),
    "deletes": set[str](),
    "rewrites": {"rewrites", "rebuilds", "truncates"},
}


@dataclass(frozen=True, slots=True)
class Risk:
    """A statement that can hurt a running system, and why."""

    revision: str
    statement: str
    why: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """The objects before the pending revisions, and how many rows each table had, by its oid."""

    snapshot: Snapshot
    rows: Mapping[str, int]

    def is_new(self, oid: str) -> bool:
        """Whether the pending revisions themselves created a relation: it is not in use yet."""
        return oid not in self.snapshot.relations


def judge(observed: Observed, baseline: Baseline) -> list[Risk]:
    """The risks of one statement, each once: what was seen is left out where the statement's own words say it."""
    stated = list(_stated(observed, baseline))
    whys = [words for _, words in stated]
    if observed.after is not None:
        covered = {(_verb(words), subject) for subject, words in stated}
        whys += [
            words
            for subject, words in _seen(observed, observed.before, observed.after, baseline)
            if not _is_covered(_verb(words), subject, covered)
        ]
        if not whys:
            whys = list(_held(observed, observed.after, baseline))
    flat = " ".join(observed.statement.split())
    return [Risk(observed.revision, flat, why) for why in dict.fromkeys(whys)]


def _verb(words: str) -> str:
    return words.partition(" ")[0]


def _is_covered(verb: str, subject: str, covered: Collection[tuple[str, str]]) -> bool:
    """Whether a statement says of this relation, or of every one, what was seen there.

    A drop is reported for each object: one that CASCADE drops is in no statement.
    """
    verbs = COVERED_BY.get(verb, {verb})
    return any((stated, relation) in covered for stated in verbs for relation in (subject, ""))


def _stated(observed: Observed, baseline: Baseline) -> Iterator[Why]:
    for claim in claims(observed.statement):
        if claim.kind and _is_seen_to_go(claim, observed):
            continue
        oid = None if claim.kind and claim.kind not in KINDS.values() else _find(claim, observed)
        if oid is None or not baseline.is_new(oid):
            name = observed.before.relations[oid][0] if oid and oid in observed.before.relations else claim.name
            yield name, claim.words.replace("{name}", name)


def _is_seen_to_go(claim: Claim, observed: Observed) -> bool:
    """Whether what a DROP names was there before and is not there after: it is then among what was seen."""
    if observed.after is None:
        return False
    before, after = observed.before, observed.after
    named = before.find_other(claim.kind, claim.schema, claim.name)
    return any(key not in {*after.relations, *after.indexes, *after.others} for key in named)


def _find(claim: Claim, observed: Observed) -> str | None:
    if not claim.name:
        return None
    made = observed.after.find(claim.schema, claim.name) if observed.after else None
    return observed.before.find(claim.schema, claim.name) or (None if made is None else made)


def _seen(observed: Observed, before: Snapshot, after: Snapshot, baseline: Baseline) -> Iterator[Why]:
    yield from _relations(before, after, baseline, empties=kinds(observed.statement) == {ast.TruncateStmt})
    yield from _columns(before, after, baseline)
    yield from _indexes(before, after, baseline, concurrent=is_concurrent(observed.statement))
    yield from _constraints(before, after, baseline)
    yield from _rows(before, after, baseline)
    for key, name in before.others.items():
        if key not in baseline.snapshot.others:
            continue
        if key not in after.others:
            yield name, f"drops the {name}"
        elif after.others[key].split(" of ")[0] != name.split(" of ")[0]:  # a trigger goes by its table's new name
            yield name, f"renames the {name} to {after.others[key]}"


def _relations(before: Snapshot, after: Snapshot, baseline: Baseline, *, empties: bool) -> Iterator[Why]:
    tables_go = any(
        kind in "rp" and after.relations.get(oid, ("",))[0] != name for oid, (name, kind, _) in before.relations.items()
    )
    for oid, (name, kind, file) in before.relations.items():
        if baseline.is_new(oid) or (kind == "S" and tables_go):  # a table's own sequence goes with it, or moves
            continue
        if oid not in after.relations:
            yield name, f"drops the {KINDS[kind]} {name}"
            continue
        new_name, _, new_file = after.relations[oid]
        if new_name != name:
            yield name, f"renames {name} to {new_name}: the running revision does not know the new name"
        if new_file != file and kind in "rm":
            yield name, TRUNCATES.replace("{name}", name) if empties else f"rewrites {name} under an exclusive lock"


def _columns(before: Snapshot, after: Snapshot, baseline: Baseline) -> Iterator[Why]:
    for key, (name, required, default) in before.columns.items():
        table = key.partition(".")[0]
        if key not in baseline.snapshot.columns or table not in after.relations:
            continue
        where = after.relations[table][0]
        if key not in after.columns:
            yield where, f"drops the column {name} of {where}: the running revision may still read it"
            continue
        new_name, now_required, still_default = after.columns[key]
        if new_name != name:
            yield where, f"renames {where}.{name} to {new_name}: the running revision does not know the new name"
        if now_required and not required and not _is_proved(before, table, name):
            yield where, f"scans {where} under an exclusive lock: SET NOT NULL on {name}"
        if default and not still_default and now_required:
            yield where, f"removes the default of {where}.{name}: an INSERT of the running revision may rely on it"
    for key in after.columns.keys() - before.columns.keys():
        table = key.partition(".")[0]
        name, required, default = after.columns[key]
        if required and not default and not baseline.is_new(table):
            where = after.relations[table][0]
            yield where, f"adds {name} to {where}, NOT NULL without a default: fails as soon as there are rows"


def _is_proved(before: Snapshot, table: str, column: str) -> bool:
    """Whether a validated constraint already proves that the column has no NULL: then the server does not scan."""
    proofs = {f"CHECK (({column} IS NOT NULL))", f"NOT NULL {column}", f"NOT NULL {column} NOT VALID"}
    return any(key.partition(".")[0] == table and text in proofs for key, (_, _, text) in before.constraints.items())


def _indexes(before: Snapshot, after: Snapshot, baseline: Baseline, *, concurrent: bool) -> Iterator[Why]:
    files_before, files_after = ({file for file, _ in one.indexes.values() if file} for one in (before, after))
    for key, (file, unique) in after.indexes.items():
        table, _, name = key.partition(".")
        rewritten = (
            before.relations.get(table, ())[2:] != after.relations[table][2:]
        )  # already reported, with its indexes
        if baseline.is_new(table) or file in files_before or concurrent or rewritten:
            continue
        where = after.relations[table][0]
        if key in before.indexes and file:
            yield where, f"rebuilds the index {name} of {where} while writes are blocked"
        elif key not in before.indexes:
            kind = "a unique index (duplicates make it fail)" if unique else "an index"
            yield where, f"builds {kind} on {where} while writes are blocked"
    for key, (file, _) in before.indexes.items():
        table, _, name = key.partition(".")
        gone = key not in after.indexes and (not file or file not in files_after)
        if gone and key in baseline.snapshot.indexes and table in after.relations:
            where = after.relations[table][0]
            yield where, f"drops the index {name} of {where}"


def _constraints(before: Snapshot, after: Snapshot, baseline: Baseline) -> Iterator[Why]:
    for key, (kind, valid, _) in after.constraints.items():
        table, _, name = key.partition(".")
        if key not in before.constraints and valid and kind in "cf" and not baseline.is_new(table):
            where = after.relations[table][0]
            yield where, f"validates every row of {where} under a lock: add {name} NOT VALID first"
    for key, (kind, _, _) in before.constraints.items():
        table, _, name = key.partition(".")
        ours = key in baseline.snapshot.constraints and table in after.relations
        if ours and key not in after.constraints and kind in "cfx":
            where = after.relations[table][0]
            yield where, f"drops the constraint {name} of {where}"


def _rows(before: Snapshot, after: Snapshot, baseline: Baseline) -> Iterator[Why]:
    for oid, (updated, deleted) in after.changed.items():
        where, were = after.relations[oid][0], baseline.rows.get(oid, 0)
        earlier = before.changed.get(oid, (0, 0))
        if were and updated - earlier[0] >= were:
            yield where, f"updates every row of {where}: each is locked until the end of the transaction"
        if were and deleted - earlier[1] >= were:
            yield where, f"deletes every row of {where}: no rollback of the release brings them back"


def _held(observed: Observed, after: Snapshot, baseline: Baseline) -> Iterator[str]:
    """Strong locks of statements that are not known to be brief."""
    if kinds(observed.statement) and kinds(observed.statement) <= BRIEF:
        return
    for oid, mode in sorted(after.locks - observed.before.locks):
        if mode in STRONG and not baseline.is_new(oid):
            yield f"holds {mode} on {after.relations[oid][0]} until the end of the transaction"
