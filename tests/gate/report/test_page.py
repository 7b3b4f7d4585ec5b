"""The report as a browser shows it: the verdict is read from the page, at two widths, in both schemes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from gate.outcomes import Outcome
from gate.release.conclusion import Frame, conclude
from gate.release.gathering import gather
from gate.release.store import Store
from gate.report.checklist import answered
from gate.report.html import render_html
from gate.run import new_run_id
from gate.verdict_document import Changes, Document, Estimate, KnownFailure, Moved
from tests.gate.documents import make_document
from tests.gate.release.stores import NEEDS, START, shard, stored, window
from tests.gate.report.browser import Page, browser, needs_chromium
from tests.system.waiting import until

CSS = (Path(__file__).resolve().parents[3] / "gate/report/templates/report.css").read_text(encoding="utf-8")
P, F = Outcome.PASSED, Outcome.FAILED
REMEDY = "Fix 4 (AuthServiceClient): one pooled client, a deadline, and a refusal passed on as 401; see the frame."
BACK = (
    "gcloud run services update-traffic netra-backend-staging "
    "--to-revisions=netra-backend-staging-00093-old=100 --region=us-central1 --project=netra-staging"
)


def _gate(folder: Path) -> Document:
    day, soak = ("logs.zero-500-day", ""), ("websocket.one-hour", "")
    store = Store(str(folder))
    smoke = {("logs.zero-500", ""): P, ("websocket.steady", ""): P, ("threads.hostile", "bad <b>UTF-8</b>"): P}
    store.put(stored(smoke))
    store.put(stored({soak: Outcome.PENDING}, phase="soak", at_h=1, accruals={soak: [shard(0, 2)]}))
    store.put(stored({day: Outcome.PENDING}, phase="day", at_h=12, accruals={day: [window(0, 12)]}))
    required = {"smoke": frozenset(smoke), "soak": frozenset({soak}), "day": frozenset({day})}
    return conclude(
        gather(store, "mini"),
        Frame(target="mini", environment="local", profile="full", required=required, revision="", needs=NEEDS),
        new_run_id(),
        START,
    )


def _failing(folder: Path) -> Document:
    outcomes = {f"family{'abc'[n % 3]}.check{n}": outcome for n, outcome in enumerate([*Outcome, *Outcome, P])}
    document = make_document(folder, outcomes | {"auth.latency": F})
    moved = Moved(name="auth.latency", rule="p95", unit="ms", before=Estimate(1, 1, 2), now=Estimate(9, 8, 10))
    changes = Changes(
        since="20261101T000000Z-aaaaaa",
        revision="rev-0",
        newly_failing=["auth.latency"],
        newly_passing=["familya.check0"],
        moved=[moved],
    )
    known = KnownFailure(name="familya.check3", owner="ada", reason="waits", expires="2026-12-24", state="still fails")
    first, *others = document.causes
    causes = [
        replace(first, sentence=f"{first.sentence} at http://{'a' * 300}"),
        *others,
    ]  # a word that no screen holds
    return replace(document, changes=changes, known_failures=[known], causes=causes)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    good = dict.fromkeys(("auth.latency", "logs.zero-500", "threads.volume"), P)
    documents = {
        "GO": make_document(folder, good),
        "NO-GO": _failing(folder),
        "INCONCLUSIVE": _gate(folder / "store"),
    }
    paths = {}
    for verdict, document in documents.items():
        assert document.verdict == verdict
        paths[verdict] = folder / f"{verdict}.html"
        paths[verdict].write_text(render_html(answered(document)), encoding="utf-8")
    return paths


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@needs_chromium
@pytest.mark.parametrize("verdict", ["GO", "NO-GO", "INCONCLUSIVE"])
@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_verdict_is_read_from_the_page(
    page: Page, pages: dict[str, Path], verdict: str, width: int, scheme: str
) -> None:
    page.open(pages[verdict], width, scheme)
    assert page.ask("document.getElementById('verdict').innerText") == verdict
    assert page.ask("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    assert page.ask("document.getElementById('verdict').getBoundingClientRect().bottom") < 400, "not at the top"
    dark = page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 26)"
    assert dark is (scheme == "dark")
    assert page.fetched() == [pages[verdict].as_uri()], "the page asked for something else"


@needs_chromium
def test_pictures_and_headings_have_names_for_those_who_do_not_see_them(page: Page, pages: dict[str, Path]) -> None:
    page.open(pages["NO-GO"], 1400, "light")
    page.ask("document.querySelectorAll('details').forEach(it => { it.open = true })")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored") and node["role"]["value"] in {"img", "image", "heading", "link", "table", "region"}
    ]
    assert {"heading", "link"} <= {role for role, _ in named}
    assert any(role in {"img", "image"} for role, _ in named)
    assert not [role for role, name in named if not name.strip() and role != "table"]
    regions = [name for role, name in named if role == "region"]
    assert sorted(set(regions)) == sorted(regions), "two regions of one name"


@needs_chromium
@pytest.mark.parametrize(
    "loading, refused",
    [
        ("new Image().src = 'http://127.0.0.1:9/x.png'", "img-src"),
        ("fetch('http://127.0.0.1:9/').catch(() => 0)", "connect-src"),
        ("document.body.insertAdjacentHTML('beforeend', '<a onclick=\"1\">x</a>')", "script-src-attr"),
    ],
)
def test_a_page_runs_its_own_script_and_fetches_nothing(
    page: Page, pages: dict[str, Path], loading: str, refused: str
) -> None:
    page.open(pages["NO-GO"], 1400, "light", scripts=True)
    assert page.ask("document.querySelector('[data-search]').hidden") is False
    listening = "document.addEventListener('securitypolicyviolation', it => done(it.effectiveDirective))"
    waiting = f"new Promise(done => {{ {listening}; {loading} }})"
    answer = page.call("Runtime.evaluate", expression=waiting, awaitPromise=True, returnByValue=True)
    assert answer["result"]["value"] == refused


@needs_chromium
def test_every_link_of_the_page_leads_somewhere(page: Page, pages: dict[str, Path]) -> None:
    for path in pages.values():
        page.open(path, 1400, "light")
        wrong = page.ask(
            "[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"
            ".filter(href => !href.startsWith('https://console.cloud.google.com/logs/query;query=trace%3D'))"
            ".filter(href => !href.startsWith('#') || !document.getElementById(href.slice(1)))"
        )
        assert wrong == []
        twice = page.ask(
            "[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, at, all) => all.indexOf(id) !== at)"
        )
        assert twice == []


@needs_chromium
def test_causes_and_the_way_back_stand_on_top(page: Page, pages: dict[str, Path]) -> None:
    page.open(pages["NO-GO"], 1400, "light")
    tops = page.ask("['next','causes','metrics','failures'].map(id => document.getElementById(id).offsetTop)")
    assert tops == sorted(tops)
    assert "gcloud run services update-traffic" in page.ask("document.getElementById('next').innerText")
    assert page.ask("document.querySelector('.scope').innerText").startswith("for smoke")
    assert page.ask("[...document.querySelectorAll('#causes details')].every(it => !it.open)")


@needs_chromium
@pytest.mark.parametrize("width,height", [(390, 844), (1400, 800)], ids=["phone", "desk"])
def test_cause_whom_to_call_and_the_way_back_are_on_the_first_screen(
    page: Page, tmp_path: Path, width: int, height: int
) -> None:
    """Whatever was selected: a long selection is said by its number of cases."""
    document = make_document(tmp_path, {"threads.order": F, "health.checks": F, "auth.latency": F})
    words = (
        "REST cannot reach the auth service, or does not understand its answer (RuntimeError: no response in decide)"
    )
    cause = replace(document.causes[0], sentence=words, remedy=REMEDY)
    causes = [replace(cause, key=f"{n}" * 12) for n in range(3)]
    path = tmp_path / "page.html"
    selection = " ".join(f"--check=threads.check{n}" for n in range(20))
    document = replace(document, causes=causes, release={"rollback": [BACK]}, selection=selection)
    path.write_text(render_html(answered(document)))
    page.open(path, width, "light")
    bottom = "document.querySelector('{}').getBoundingClientRect().bottom"
    order = [page.ask(bottom.format(one)) for one in ("ol.why", "#next p", "#next p:nth-of-type(2)", "#next pre")]
    assert order == sorted(order)
    assert order[-1] <= height
    assert page.ask("document.querySelector('.scope').innerText").startswith("of a selection (3 cases)")
    assert "Whom to call" in page.ask("document.querySelector('#next p:nth-of-type(2)').innerText")


@needs_chromium
def test_each_cause_leads_to_its_rows_of_the_runbook(page: Page, pages: dict[str, Path]) -> None:
    page.open(pages["NO-GO"], 1400, "light", scripts=True)
    links = page.ask("[...document.querySelectorAll('#causes .about a')].map(a => a.getAttribute('href'))")
    assert "#runbook-auth.latency" in links
    page.ask("document.querySelector('a[href=\"#runbook-auth.latency\"]').click()")
    row = "document.getElementById('runbook-auth.latency')"
    until(lambda: page.ask(f"{row}.open"), "it did not open")
    shown = page.ask(f"{row}.innerText")
    assert all(words in shown for words in ("How to look", "curl -i $BACKEND/health", "What to do"))


@needs_chromium
def test_every_check_can_be_searched_and_filtered(page: Page, pages: dict[str, Path]) -> None:
    page.open(pages["NO-GO"], 1400, "light", scripts=True)
    page.ask("document.querySelector('[data-search] input').value = 'auth.latency'")
    page.ask("document.querySelector('[data-search] input').dispatchEvent(new Event('input'))")
    shown = "[...document.querySelectorAll('details.family tbody tr')].filter(row => !row.hidden).length"
    assert page.ask(shown) == 1
    page.ask("document.querySelector('[data-search] select').value = 'PASSED'")
    page.ask("document.querySelector('[data-search] select').dispatchEvent(new Event('change'))")
    assert page.ask(shown) == 0
    page.open(pages["NO-GO"], 1400, "light")
    assert page.ask("document.querySelector('[data-search]').hidden"), (
        "without scripts there is no box that does nothing"
    )


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _schemes() -> list[dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\n\s*\}", CSS, re.DOTALL)[:2]
    return [dict(re.findall(r"--([\w-]+): (#\w{6});", text)) for text in (light, dark)]


ON = [
    (ink, ground)
    for ink in ("ink", "soft", "accent", "good", "bad", "doubt")
    for ground in ("paper", "card", "code", "good-bg", "bad-bg", "doubt-bg")
    if ink in {"ink", "soft"} or ground in {"paper", "card", "code", f"{ink}-bg"}
]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ink,ground", ON)
def test_text_is_readable_on_its_ground(scheme: int, ink: str, ground: str) -> None:
    colours = _schemes()[scheme]
    brighter, darker = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
    assert (brighter + 0.05) / (darker + 0.05) >= 4.5
