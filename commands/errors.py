"""`errors`: the 5xx in an exported log of any size, by route and signature, as quickly as a text search."""

from commands.console import say
from probes.logs.error_clusters import cluster
from probes.logs.export import ExportFile

SOME = 40


async def run(url: str, service: str) -> int:
    """Print the clusters; 0 whether there are any or not: a verdict takes `pytest --target=export`.

    Raises:
        SourceRefused: The file can't be read, or a line that matters is no JSON.
    """
    found = await ExportFile(url, frozenset()).server_errors(service)
    say(f"{len(found)} entries of the request log with 500..599 in {url}, each once.")
    if not found:
        say("Whether the file is whole, and has traffic, is not looked at here: pytest --target=export --log-export=…")
        return 0
    for one in cluster(found, found)[:SOME]:
        say(one.text)
    return 0
