"""`make report`: the last run as Allure 3's HTML: one self-contained file. No Java, no network, no analytics.

Presentation only: the verdict is the gate's. Allure itself comes from npm, locked in deploy/allure.
"""

import asyncio
import hashlib
import json
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from commands.console import HIDDEN, say
from gate.local_files import read_regular, resolve
from probes.foreign.excerpt import ending

PACKAGE = Path(__file__).parents[1] / "deploy/allure"
OLDEST_NODE = 20
RUNS_OF_HISTORY = 20
INSTALL_S, BUILD_S = 300.0, 60.0

# What Allure puts into every page it builds: a loader, and the call that reports the page's opening.
ANALYTICS = re.compile(
    r"<script async src=\"https://www\.googletagmanager\.com/[^\"]*\"></script>\s*"
    r"<script>(?:(?!</script>).)*?\bgtag\((?:(?!</script>).)*</script>",
    re.DOTALL,
)
LOADS = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*[\"']?\s*(?:https?:)?//", re.IGNORECASE)
# Tells the browser to fetch nothing, in case another version of Allure finds another way to load something.
POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src data: blob: '
    "'unsafe-inline' 'unsafe-eval'; form-action 'none'\">"
)


class _Verdict(msgspec.Struct, frozen=True):
    """What the page shows of a verdict, whatever else is in it."""

    run_id: str
    target: str
    verdict: str
    revision: str = ""


class ReportError(Exception):
    """The HTML can't be built; the text is one paragraph that says what to do."""


async def run(reports: Path) -> int:
    """Build `allure.html` into the folder of the last run, with the history of its target's runs before it.

    Raises:
        ReportError: There is no run to show, no Node.js, or Allure failed.
    """
    results, verdict = _last_run(reports)
    node, npm = await _programs()
    await _installed(npm)
    history = results.parent.parent / "allure-history.jsonl"
    # Allure's page has its name at the top, and knows no verdict; its quality gate is not part of building a page.
    title = f"{verdict.verdict}: {verdict.target} {verdict.revision or 'no revision'} {verdict.run_id}"
    with TemporaryDirectory(prefix="netra-allure-") as scratch:
        page, kept = await _generated(node, Path(scratch), results, title, history)
        _write(results.parent / "allure.html", offline(page))
        _write(history, kept)
    say(f"{title}: {results.parent / 'allure.html'}")
    return 0


def offline(page: str) -> str:
    """The page without its analytics, and with a policy under which a browser fetches nothing.

    Raises:
        ReportError: The page would still load something from elsewhere.
    """
    clean = ANALYTICS.sub("", page)
    left = LOADS.search(clean)
    if left or "googletagmanager" in clean:
        what = clean[left.start() : left.start() + 160] if left else "googletagmanager"
        raise ReportError(
            f"Allure's page would load something from elsewhere ({what!r}), so it was not written: another "
            "version of Allure is installed than commands/allure.py knows. Run `npm ci` in deploy/allure."
        )
    return clean.replace("<head>", f"<head>\n    {POLICY}", 1)


def _last_run(reports: Path) -> tuple[Path, _Verdict]:
    """The last run's results and its verdict."""
    folder = resolve(reports / "latest")
    results = folder / "allure-results"
    try:
        verdict = msgspec.json.decode(read_regular(folder / "verdict.json"), type=_Verdict)
    except OSError as error:
        raise ReportError(
            f"There is no finished run in {reports / 'latest'}: a run of the suite leaves one. If it is elsewhere, "
            "name its folder: make report REPORTS=folder, or --reports folder."
        ) from error
    except (ValueError, RecursionError) as error:
        what = f"{folder / 'verdict.json'} can't be read as a verdict ({error})"
        raise ReportError(f"{what}: run the suite again.") from error
    if not any(results.glob("*-result.json")):
        raise ReportError(
            f"The run in {folder} left no Allure results: it ended before its first check, or wrote none."
        )
    return results, verdict


async def _programs() -> tuple[str, str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    wanted = f"Node.js {OLDEST_NODE} or newer with npm builds Allure's HTML"
    instead = "Install it, or read reports/latest/report.html, which needs no tools."
    if not node or not npm:
        raise ReportError(f"{wanted}, but there is no {'npm' if node else 'node'} on PATH. {instead}")
    version = await _called(node, "--version", deadline_s=10)
    if int(version.strip().lstrip("v").partition(".")[0]) < OLDEST_NODE:
        raise ReportError(f"{wanted}, but {node} is {version.strip()}. {instead}")
    return node, npm


async def _installed(npm: str) -> None:
    """Install the packages in the lock; again only when the lock changes."""
    lock = hashlib.sha256((PACKAGE / "package-lock.json").read_bytes()).hexdigest()
    stamp = PACKAGE / "node_modules/.netra-ready"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == lock:
        return
    say("setting up Allure from deploy/allure/package-lock.json (only once, until the lock changes)")
    words = ("ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    await _called(npm, *words, deadline_s=INSTALL_S, cwd=PACKAGE)
    stamp.write_text(lock, encoding="utf-8")


async def _generated(node: str, scratch: Path, results: Path, title: str, history: Path) -> tuple[str, str]:
    """Allure's page and the history including this run, both as text; nothing outside `scratch` is touched."""
    kept = scratch / "history.jsonl"
    kept.write_text(_without(history, title), encoding="utf-8")
    options = {"singleFile": True, "reportLanguage": "en", "groupBy": ["epic", "feature", "story"]}
    config = {
        "name": title,
        "output": str(scratch / "out"),
        "historyPath": str(kept),
        "historyLimit": RUNS_OF_HISTORY,
        "appendHistory": True,
        "plugins": {"awesome": {"options": options}},
        "categories": _categories(results / "categories.json"),
    }
    (scratch / "allurerc.json").write_text(json.dumps(config), encoding="utf-8")
    cli = str(PACKAGE / "node_modules/allure/cli.js")
    output = await _called(
        node, cli, "generate", "--config", str(scratch / "allurerc.json"), str(results), deadline_s=BUILD_S, cwd=scratch
    )
    page = scratch / "out/index.html"
    if not page.is_file():
        raise ReportError(
            f"Allure built no page from {results}. Its output: {ending(HIDDEN.text(output.strip()), 400) or 'none'}."
        )
    return page.read_text(encoding="utf-8"), kept.read_text(encoding="utf-8")


def _categories(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ReportError(f"{path} can't be read ({error}): the run was cut short, so run the suite again.") from error


def _without(history: Path, title: str) -> str:
    """The history without this run (a page that is built twice is one run) and without the oldest."""
    if not history.exists():
        return ""
    lines = history.read_text(encoding="utf-8").splitlines()
    try:
        others = [line for line in lines if json.loads(line).get("name") != title]
    except (ValueError, AttributeError, RecursionError) as error:
        raise ReportError(f"{history} is not Allure's history (one JSON object per line): move it away.") from error
    return "".join(f"{line}\n" for line in others[-RUNS_OF_HISTORY:])


async def _called(*words: str, deadline_s: float, cwd: Path | None = None) -> str:
    """A program's output; it must succeed, and in time."""
    process = await asyncio.create_subprocess_exec(
        *words, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    name = " ".join((Path(words[0]).name, *words[1:3]))
    try:
        async with asyncio.timeout(deadline_s):
            output = (await process.communicate())[0].decode(errors="replace")
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise ReportError(f"`{name}` did not end within {deadline_s:.0f} s.") from error
    if process.returncode:
        shown = ending(HIDDEN.text(output.strip()), 600) or "without output"
        raise ReportError(f"`{name}` ended with {process.returncode}: {shown}")
    return output


def _write(path: Path, text: str) -> None:
    """Write a file atomically."""
    half = path.with_suffix(f"{path.suffix}.part")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
