"""An exported log as a source: what it holds of one service, and whether it may be complete."""

import asyncio
from collections.abc import Sequence

from probes.errors import SourceRefused
from probes.logs.entries import LogEntry, LogRead, once
from probes.logs.export_error_scan import scan_errors
from probes.logs.export_survey import Survey, survey
from probes.window import Window, parse_time


class ExportFile:
    """One exported file, local or at any fsspec URL, as a source of entries.

    An export says nothing of its own window or limit: one that holds exactly 50, 100 or 1000 entries is taken to
    have stopped at that limit, and then it proves no absence.
    """

    def __init__(self, url: str, truncation_sizes: frozenset[int], project: str = "") -> None:
        self.name = f"export {url.rpartition('/')[2]}"
        self._url = url
        self._truncation_sizes = truncation_sizes
        self._project = project
        self._survey: Survey | None = None

    async def server_errors(self, service: str = "", revision: str = "") -> list[LogEntry]:
        """The 5xx of a service and revision (of all when empty), quickly. None found proves nothing: see `read`."""
        found, _ = once(await asyncio.to_thread(scan_errors, self._url))
        return [one for one in found if self._about((one.project, one.service, one.revision), service, revision)]

    async def read(self, service: str = "", revision: str = "") -> LogRead:
        """Read the whole file once; keep what tells of a service and revision (all when empty), and count the rest.

        Raises:
            SourceRefused: Unreadable, empty, cut in the middle, or about another project, service or revision.
        """
        if self._survey is None:
            self._survey = await asyncio.to_thread(survey, self._url)
        whole = self._survey
        if not whole.total:
            raise SourceRefused(self._url, "holds no entry: it proves nothing")
        mine = [kind for kind in whole.kinds if self._about(kind, service, revision)]
        if not mine:
            held = sorted(" ".join(part for part in kind if part) or "nothing that it names" for kind in whole.kinds)
            wanted = " ".join(part for part in (self._project, service, revision) if part)
            raise SourceRefused(self.name, f"holds nothing of {wanted}; it is about {'; '.join(held[:5])}")
        if not whole.first:
            raise SourceRefused(self.name, "has no entry with a timestamp")
        kept = [
            entry
            for entry in whole.telling.values()
            if self._about((entry.project, entry.service, entry.revision), service, revision)
        ]
        doubt = "; ".join(self._doubts(whole))
        return LogRead(
            tuple(sorted(kept, key=lambda entry: entry.timestamp)), 1, not doubt, doubt,
            Window(parse_time(whole.first), parse_time(whole.last)), self.name, whole.repeated,
            sum(whole.kinds[kind] for kind in mine), sum(whole.requests[kind] for kind in mine),
        )  # fmt: skip

    def _doubts(self, whole: Survey) -> Sequence[str]:
        """Why the file may not hold everything of its window."""
        said = [f"stops at exactly {whole.total} entries, a limit"] if whole.total in self._truncation_sizes else []
        said += ["names a next page, which is not in it"] if whole.more else []
        return said + ([f"has {whole.dropped} more telling entries than can be kept"] if whole.dropped else [])

    def _about(self, kind: tuple[str, str, str], service: str, revision: str) -> bool:
        wanted = self._project, service, revision
        return all(not want or want == has for want, has in zip(wanted, kind, strict=True))
