"""`errors`: the 5xx in an exported log of any size, by route and signature, as quickly as a text search."""

from collections.abc import Sequence

from commands.console import HIDDEN, say
from probes.errors import SourceRefused
from probes.logs.entries import LogEntry, LogRead
from probes.logs.error_clusters import cluster
from probes.logs.export import ExportFile
from probes.logs.export_files import why_not_there
from probes.logs.incidents import Incidents
from targets.loading import ConfigurationError, describe_target

SOME = 40
COUNT = "{count} entries of the request log with 500..599 in {url}, each once."
TARGET = "export"  # the target whose contract lists the known incidents


async def run(url: str, service: str, revision: str) -> int:
    """Print the clusters. Returns 0 whether there are any or not: only `pytest --target=export` gives a verdict.

    If the quick search finds nothing, the whole file is read before zero is reported.

    Raises:
        ConfigurationError: The export's file is missing, or can't be opened.
        SourceRefused: The file can't be read, a relevant line is not JSON, or it has nothing from the service.
    """
    if wrong := why_not_there(url):
        raise ConfigurationError(f"The export {url!r} (EXPORT=) {wrong}.")
    incidents = Incidents.from_phrases(describe_target(TARGET).contract.logs.incidents)
    export = ExportFile(url, incidents)
    found = await export.server_errors(service, revision)
    errors = [entry for entry in found if entry.is_server_error]
    if not errors:
        return _say_zero(url, await export.read(service, revision))
    say(COUNT.format(count=len(errors), url=url))
    groups = cluster(errors, await export.lines_about(errors), incidents, HIDDEN.text)
    for group in groups[:SOME]:
        say(group.text)
    if len(groups) > SOME:
        say(f"and {sum(group.count for group in groups[SOME:])} more, of {len(groups) - SOME} other kinds")
    _say_unjudged(found)
    return 0


def _say_zero(url: str, read: LogRead) -> int:
    if not read.requests:
        raise SourceRefused(url, "has no entry of Cloud Run's request log: zero 5xx of zero requests proves nothing")
    say(COUNT.format(count=0, url=url))
    counted = [f"{name or 'no revision'} ({count})" for name, count in sorted(read.revisions.items()) if count]
    say(f"{read.requests} requests, of {', '.join(counted)}; {read.window.text}.")
    say(f"Zero proves nothing here: it {read.doubt}." if read.doubt else "For a verdict run pytest --target=export.")
    return 0


def _say_unjudged(found: Sequence[LogEntry]) -> None:
    """Report what looks like a 5xx but isn't counted."""
    foreign = [entry for entry in found if entry.is_foreign and entry.has_server_error]
    elsewhere = sum(entry.is_error_elsewhere for entry in found)
    unread = [entry for entry in found if entry.problem]
    if foreign:
        kinds = ", ".join(sorted({entry.resource_type for entry in foreign}))
        say(f"{len(foreign)} more with another resource type ({kinds}) are not counted.")
    if elsewhere:
        say(f"{elsewhere} more in other logs than the request log are not counted.")
    if unread:
        first = unread[0]
        say(f"{len(unread)} entries can't be judged; the first, {first.insert_id or 'without an id'}, {first.problem}.")
