"""`make report`: Allure's page of the last run, built by the real Allure and looked at in a real browser."""

import json
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from commands.allure import ReportError, offline
from gate.outcomes import Outcome
from gate.report import allure
from gate.verdict_document import encode
from tests.gate.documents import make_document
from tests.gate.report.browser import Page, browser, needs_chromium
from tests.system.running import run
from tests.system.waiting import until

pytestmark = pytest.mark.slow

GOOD = {"auth.latency": Outcome.PASSED, "logs.zero-500": Outcome.PASSED, "threads.order": Outcome.PASSED}
BAD = GOOD | {"logs.zero-500": Outcome.FAILED}
FAMILIES = ("api", "auth", "browser", "data", "health", "logs", "release", "threads", "websocket")
ONE, TWO = "20261126T000001Z-000001", "20261126T000002Z-000002"
MOST_MORE = 3.0  # times, for a hundred times as many cases
needs_node = pytest.mark.skipif(not shutil.which("npm"), reason="Node.js is not installed: Allure's page was not built")
LOADER = '<script async src="https://www.googletagmanager.com/gtag/js?id=G-X"></script>\n'
REPORTER = "<script>\n window.dataLayer = [];\n function gtag(){dataLayer.push(arguments);}\n gtag('js');\n</script>"


def lay(reports: Path, run_id: str, outcomes: dict[str, Outcome]) -> Path:
    """A run's folder as the gate leaves it, and `latest` pointing to it."""
    folder = reports / "mini" / run_id
    folder.mkdir(parents=True)
    document = replace(make_document(reports, outcomes), run_id=run_id)
    (folder / "verdict.json").write_bytes(encode(document))
    allure.finish(folder / "allure-results", document)
    (reports / "latest").unlink(missing_ok=True)
    (reports / "latest").symlink_to(Path("mini") / run_id)
    return folder


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@needs_node
@needs_chromium
def test_the_page_shows_the_run_and_asks_nobody_for_anything(tmp_path: Path, page: Page) -> None:
    folder = lay(tmp_path, ONE, BAD)
    code, said = run("commands", "report", "--reports", str(tmp_path))
    assert (code, str(folder / "allure.html") in said) == (0, True), said
    page.open(folder / "allure.html", 1400, "light", scripts=True)
    until(lambda: "logs.zero-500" in page.ask("document.body.innerText"), "the failing check is not shown")
    assert "NO-GO: mini" in page.ask("document.body.innerText")
    assert "Auth service response time" in page.ask("document.body.innerText")  # what passed is folded under its epic
    assert not [url for url in page.fetched() if not url.startswith(("file:", "data:", "blob:"))]


@needs_chromium
def test_the_browser_would_notice_a_page_that_asks(tmp_path: Path, page: Page) -> None:
    path = tmp_path / "page.html"
    path.write_text('<!DOCTYPE html><html><body><script src="http://127.0.0.1:9/x.js"></script></body></html>')
    page.open(path, 1400, "light", scripts=True)
    assert "http://127.0.0.1:9/x.js" in page.fetched()


@needs_node
def test_a_page_of_many_cases_is_built_like_one_of_few(tmp_path: Path) -> None:
    """Compared by the processors' time: how long it takes says how busy the machine is."""
    lay(tmp_path, ONE, GOOD)
    computing_s(tmp_path)  # sets Allure up where it is not yet
    few = computing_s(tmp_path)
    lay(tmp_path, TWO, {f"{FAMILIES[n % 9]}.check-{n}": Outcome.PASSED for n in range(300)})
    assert computing_s(tmp_path) < MOST_MORE * few


def computing_s(reports: Path) -> float:
    """The processors' time that a page takes."""

    def so_far() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = so_far()
    assert run("commands", "report", "--reports", str(reports))[0] == 0
    return so_far() - before


@needs_node
def test_history_is_kept_across_runs_and_a_page_built_twice_counts_once(tmp_path: Path) -> None:
    for name, outcomes in ((ONE, GOOD), (TWO, BAD), (TWO, None)):
        if outcomes is not None:
            lay(tmp_path, name, outcomes)
        assert run("commands", "report", "--reports", str(tmp_path))[0] == 0
    points = [json.loads(line) for line in (tmp_path / "mini/allure-history.jsonl").read_text().splitlines()]
    assert [point["name"].rpartition(" ")[2] for point in points] == [ONE, TWO]
    statuses = [sorted(one["status"] for one in point["testResults"].values()) for point in points]
    assert statuses == [["passed", "passed", "passed"], ["failed", "passed", "passed"]]


@needs_node
def test_a_history_that_is_none_is_named_and_left_alone(tmp_path: Path) -> None:
    folder = lay(tmp_path, ONE, GOOD)
    history = tmp_path / "mini/allure-history.jsonl"
    history.write_text("not a history\n")
    code, said = run("commands", "report", "--reports", str(tmp_path))
    assert (code, str(history) in said, "Traceback" in said) == (4, True, False), said
    assert history.read_text() == "not a history\n"
    assert not (folder / "allure.html").exists()


def test_without_node_it_says_what_to_install_and_what_to_read_instead(tmp_path: Path) -> None:
    lay(tmp_path, ONE, GOOD)
    code, said = run("commands", "report", "--reports", str(tmp_path), env={"PATH": "/nonexistent"})
    assert code == 4
    assert "Node.js 20 or newer" in said
    assert "report.html" in said
    assert "Traceback" not in said


def test_an_old_node_is_named_with_its_version(tmp_path: Path) -> None:
    lay(tmp_path, ONE, GOOD)
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v12.22.9\n")
        (tmp_path / name).chmod(0o755)
    code, said = run("commands", "report", "--reports", str(tmp_path), env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (code, "v12.22.9" in said) == (4, True), said


def test_no_run_and_a_run_without_results_are_said(tmp_path: Path) -> None:
    code, said = run("commands", "report", "--reports", str(tmp_path))
    assert (code, "a run of the suite leaves one" in said, "Traceback" in said) == (4, True, False), said
    shutil.rmtree(lay(tmp_path, ONE, GOOD) / "allure-results")
    code, said = run("commands", "report", "--reports", str(tmp_path))
    assert (code, "no Allure results" in said) == (4, True), said


def test_analytics_go_and_other_scripts_stay() -> None:
    page = f"<head></head><body><script>mine()</script>{LOADER}{REPORTER}<script>data()</script></body>"
    clean = offline(page)
    assert "google" not in clean
    assert "gtag" not in clean
    assert "<script>mine()</script><script>data()</script>" in clean
    assert "Content-Security-Policy" in clean


@pytest.mark.parametrize(
    "tag", ['<script defer src="https://cdn.example/x.js">', "<link rel=stylesheet href=//fonts.example/x>"]
)
def test_a_page_that_loads_something_else_is_refused(tag: str) -> None:
    with pytest.raises(ReportError, match="example"):
        offline(f"<head>{tag}</head>")
