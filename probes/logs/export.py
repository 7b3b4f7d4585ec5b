"""An exported log as a source: what it holds for one service, and whether it may be complete."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from probes.errors import SourceRefused
from probes.foreign.excerpt import excerpt
from probes.logs.entries import LogEntry, LogRead, once
from probes.logs.export_error_scan import scan_errors, scan_traces
from probes.logs.export_survey import Survey, survey
from probes.logs.incidents import Incidents
from probes.logs.parsing import in_order
from probes.timing.window import Window, parse_time

SMALLEST_LIMIT = 50  # the smallest --limit that people use for a log
ROUND = 50
MOST_NAMED = 5
LONGEST_NAME = 120


def is_round(count: int) -> bool:
    """Whether an export of exactly this many entries may have stopped at a limit.

    People write limits of one or two digits and zeros (50, 100, 250, 1,000, 2,000, 25,000), and powers of two.
    """
    if count < SMALLEST_LIMIT:
        return False
    two_digits = 10 ** (len(str(count)) - 2)
    return (count % ROUND == 0 and count % two_digits == 0) or count.bit_count() == 1


class ExportFile:
    """One exported file, local or at any fsspec URL, as a source of entries.

    An export does not state its own window or limit: one with a round number of entries is assumed to have stopped at
    that limit, and then it does not prove that anything is absent.
    """

    def __init__(self, url: str, incidents: Incidents, project: str = "") -> None:
        # Without a query, which of a signed URL is a credential, and may have slashes.
        self.name = f"export {(url.partition('?')[0] if '://' in url else url).rpartition('/')[2]}"
        self._url = url
        self._incidents = incidents
        self._project = project
        self._survey: Survey | None = None

    async def server_errors(self, service: str = "", revision: str = "") -> list[LogEntry]:
        """The 5xx of a service and revision (empty: of all), quickly. An empty result proves nothing: see `read`.

        What looks like a 5xx and can't be read, or is of another resource type, is among them.
        """
        errors, _ = once(await asyncio.to_thread(scan_errors, self._url))
        return [entry for entry in errors if entry.is_foreign or self._is_about(_kind(entry), service, revision)]

    async def lines_about(self, errors: Sequence[LogEntry]) -> list[LogEntry]:
        """What the application wrote while it answered these requests, by their traces."""
        traces = frozenset(error.trace_id for error in errors) - {""}
        return await asyncio.to_thread(scan_traces, self._url, traces) if traces else []

    async def read(self, service: str = "", revision: str = "") -> LogRead:
        """Read the whole file once; keep the telling entries of a service and revision (empty: all), count the rest.

        Raises:
            SourceRefused: Unreadable, empty, cut in the middle, or about another project, service or revision.
        """
        if self._survey is None:
            self._survey = await asyncio.to_thread(survey, self._url, self._incidents)
        whole = self._survey
        if not whole.total:
            raise SourceRefused(self._url, "holds no entry: it proves nothing")
        mine = [kind for kind in whole.kinds if self._is_about(kind, service, revision)]
        if not mine:
            raise SourceRefused(self.name, self._about_others(whole, service, revision))
        kept = [entry for entry in whole.telling.values() if self._is_about(_kind(entry), service, revision)]
        doubt = "; ".join(self._doubts(whole, service))
        revisions = _requests_by_revision(whole, mine)
        return LogRead(
            entries=tuple(sorted(kept, key=lambda entry: in_order(entry.timestamp))),
            pages=1,
            exhausted=not doubt,
            doubt=doubt,
            window=self._window(whole),
            source=self.name,
            duplicates=whole.repeated,
            total=sum(whole.kinds[kind] for kind in mine),
            requests=revisions.total(),
            revisions=dict(revisions),
        )

    def _window(self, whole: Survey) -> Window:
        try:
            return Window(parse_time(whole.first), parse_time(whole.last))
        except ValueError as error:
            what = f"has a time stamp that can't be read: {error}" if whole.first else "has no entry with a timestamp"
            raise SourceRefused(self.name, what + _listed(whole.problems)) from error

    def _about_others(self, whole: Survey, service: str, revision: str) -> str:
        held = sorted(" ".join(part for part in kind if part) or "nothing that it names" for kind in whole.kinds)
        wanted = " ".join(part for part in (self._project, service, revision) if part)
        return f"has nothing about {wanted}; it is about {'; '.join(held[:MOST_NAMED])}{_listed(whole.problems)}"

    def _doubts(self, whole: Survey, service: str) -> Sequence[str]:
        """Why the file may lack some of its window, or hold more than was judged."""
        doubts = [f"stops at exactly {whole.total:,} entries, as a limit does"] if is_round(whole.total) else []
        doubts += ["names a next page, which is not in it"] if whole.more else []
        doubts += [f"has {whole.dropped} more telling entries than can be kept"] if whole.dropped else []
        if whole.problems:
            doubts.append(f"has entries that can't be judged{_listed(whole.problems)}")
        foreign = Counter(entry.resource_type for entry in whole.telling.values() if _is_foreign_error(entry))
        doubts += [
            f"has {errors} with 5xx among {whole.foreign[kind]} entries of another resource type, {kind}, "
            "which are not judged"
            for kind, errors in foreign.items()
        ]
        return [*doubts, *_elsewhere(whole, service)]

    def _is_about(self, kind: tuple[str, str, str], service: str, revision: str) -> bool:
        wanted = self._project, service, revision
        return all(not want or want == has for want, has in zip(wanted, kind, strict=True))


def _elsewhere(whole: Survey, service: str) -> list[str]:
    """5xx that neither the request log nor another resource has: of this service, or of none that they name."""
    logs = Counter(
        entry.log_name
        for entry in whole.telling.values()
        if entry.is_error_elsewhere and (not service or entry.service in {"", service})
    )
    return [
        f"has {errors} with 5xx in another log, {excerpt(log, LONGEST_NAME)}, which are not judged"
        for log, errors in logs.most_common(MOST_NAMED)
    ]


def _requests_by_revision(whole: Survey, kinds: Sequence[tuple[str, str, str]]) -> Counter[str]:
    requests: Counter[str] = Counter()
    for kind in kinds:
        requests[kind[2]] += whole.requests[kind]
    return requests


def _kind(entry: LogEntry) -> tuple[str, str, str]:
    return entry.project, entry.service, entry.revision


def _is_foreign_error(entry: LogEntry) -> bool:
    return entry.is_foreign and entry.has_server_error


def _listed(problems: Mapping[str, int]) -> str:
    """Problems with their counts, most frequent first, as the end of a sentence; empty without any."""
    most = sorted(problems.items(), key=lambda item: (-item[1], item[0]))
    more = f", and {len(most) - MOST_NAMED} other kinds" if len(most) > MOST_NAMED else ""
    return f": {'; '.join(f'{count} x {what}' for what, count in most[:MOST_NAMED])}{more}" if most else ""
