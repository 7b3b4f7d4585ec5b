"""A real browser on the frontend's origin."""

import pytest

from fixtures.sockets import SocketDoor, dialect_of
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure
from gate.run import Run
from probes.auth.tokens import TokenSource, User
from probes.browser.page import Visit, find_browser, visit
from probes.timing.deadlines import Deadlines
from targets.contract import Contract
from targets.model import Target

SCREENSHOT = "browser-page.png"


@pytest.fixture
def page_visit(target: Target, contract: Contract, tokens: TokenSource, owner: User, deadlines: Deadlines) -> Visit:
    """What the page does, in the way of the frontend's own pages."""
    dialect, token, base = dialect_of(contract), tokens.good(owner), target.backend.url.rstrip("/")
    return Visit(
        origin=contract.browser.frontend,
        list_url=f"{base}{contract.paths.threads}",
        socket_url=f"{base.replace('http', 'ws', 1)}{contract.paths.websocket}",
        token=token,
        protocols=(dialect.subprotocol, token.derive(dialect.token_offer)),
        credentials=contract.browser.credentials,
        welcome=(dialect.welcome_type, dialect.welcome_event),
        ping=dialect.ping,
        pong=dialect.pong,
        deadline_s=deadlines.answer,
    )


@check(
    "browser.page",
    requirement="in a real browser, a page of the frontend's origin lists threads and opens a session with the "
    "subprotocol",
    needs="http ws token frontend browser",
    remedy="The step that failed shows where to look: CORS for the list, the selected subprotocol or Origin for "
    "the session.",
    looking="the screenshot in the run's folder and the console's lines in the evidence; then the frontend "
    "itself, with the browser's network panel",
)
@pytest.mark.beside(takes_long=True)
async def test_a_real_page_works(
    page_visit: Visit, contract: Contract, run: Run, recorder: Recorder, sockets: SocketDoor
) -> None:
    """The page reads the list, opens a session with the subprotocol selected, and reads one answer."""
    seen = await visit(page_visit, find_browser())
    if not run.plan.verdict_only:
        (run.folder / SCREENSHOT).write_bytes(seen.screenshot)
        recorder.attach("screenshot, next to the report", SCREENSHOT)
    recorder.attach("browser", seen.browser)
    recorder.attach("console", list(seen.console))
    if seen.origin != contract.browser.frontend:
        raise Broken(f"the page's origin is {seen.origin!r}, not the frontend's")
    selected = contract.websocket.dialect.subprotocol
    trouble = dict(seen.trouble)
    if "session" not in trouble and seen.protocol != selected:
        trouble["session"] = f"the selected subprotocol is {seen.protocol!r}, not {selected!r}"
    if trouble.keys() == {"session"}:
        await sockets.refuse_shut()
    if trouble:
        raise CheckFailure(
            expected=f"a page of {seen.origin} that lists threads, opens a session and reads an answer",
            actual="; ".join(f"{step}: {why}" for step, why in trouble.items()),
        )
