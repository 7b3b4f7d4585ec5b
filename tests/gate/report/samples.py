"""A verdict of which every part is known: fixed times and ids, so that reports of it can be compared as a whole."""

from typing import Any

from msgspec.structs import replace

from gate.figures import Accrual, ServerLine, Trace, make_figure
from gate.outcomes import Outcome, Verdict
from gate.report.openmetrics import _EMPTY
from gate.verdict_document import (
    Cause,
    Changes,
    Document,
    Estimate,
    KnownFailure,
    Moved,
    Row,
    RowInput,
    count_outcomes,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
PASSED, FAILED, BROKEN, PENDING = Outcome.PASSED, Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING
_BLANK = ("claim", "requirement", "expected", "actual", "reason", "remedy", "known_failure", "began")
_NONE = ("figures", "accruals", "traces", "curl", "server_lines", "plots", "inputs")


def row(name: str, outcome: Outcome = PASSED, **given: Any) -> Row:  # noqa: ANN401 - the row's fields
    """A case by its name, `family.check` or `family.check[case]`."""
    check, _, case = name.partition("[")
    texts, lists = dict.fromkeys(_BLANK, ""), {key: list[Any]() for key in _NONE}
    known: dict[str, Any] = {
        "id": check,
        "case": case.removesuffix("]"),
        "name": name,
        "family": check.partition(".")[0],
        "outcome": outcome,
        "required": True,
        "duration_s": 0.25,
        "evidence": {},
    }
    return Row(**{**texts, **lists, **known, **given})


def cause(sentence: str, *cases: str, **given: Any) -> Cause:  # noqa: ANN401 - the cause's fields
    """A cause of failures of these cases."""
    known: dict[str, Any] = {
        "key": f"key-of-{cases[0]}",
        "signature": f"signature of {cases[0]}",
        "outcome": FAILED,
        "sentence": sentence,
        "remedy": "Fix 1",
        "frame": "",
        "traceback": "",
        "first": "2026-01-07T10:00:00Z",
        "last": "2026-01-07T10:05:00Z",
        "cases": list(cases),
        "lines": [],
    }
    return Cause(**{**known, **given})


def document(*rows: Row, **given: Any) -> Document:  # noqa: ANN401 - the document's fields
    """A run's document of these rows."""
    known: dict[str, Any] = {
        "run_id": "20260107T100000Z-0a1b2c",
        "target": "mini",
        "environment": "staging",
        "profile": "full",
        "revision": "service-00001-abc",
        "verdict": Verdict.GO,
        "exit_code": 0,
        "reason": "every required case passed",
        "started": "2026-01-07T10:00:00.000Z",
        "ended": "2026-01-07T10:01:30.500Z",
        "checks": list(rows),
        "counts": count_outcomes(list(rows)),
    }
    return replace(_EMPTY, **{**known, **given})


_LATENCY = make_figure("p95", n=500, value=41.25, unit="ms", limit=100.0, confidence=0.95, window="10 s")
_ROWS = (
    row(
        "threads.order",
        FAILED,
        requirement="newest first",
        expected="b, a",
        actual="a, b",
        remedy="Fix 1",
        curl=["curl one", "curl two"],
        server_lines=[ServerLine("2026-01-07T10:00:01Z", "ERROR", TRACE, "it | failed")],
        traces=[Trace(TRACE, "GET /api/threads")],
    ),
    row("auth.refuses[expired]", FAILED, expected="401", actual="200"),
    row("auth.refuses[alg none]", FAILED, reason="it took the token"),
    row("auth.latency", figures=[_LATENCY], began="2026-01-07T10:00:00Z"),
    row("logs.canary", BROKEN, reason="no access to the log", required=False),
    row("websocket.steady", PENDING, reason="owed"),
    row("health.probes", FAILED, known_failure="team until 2026-02-01", actual="503"),
    row("data.poison", Outcome.NOT_APPLICABLE, reason="no database"),
)
_CAUSES = [
    cause(
        "tokens that are not valid are taken (the server said: all good)",
        "auth.refuses[expired]",
        "auth.refuses[alg none]",
        remedy="Check the signature",
        lines=[ServerLine("2026-01-07T10:00:02Z", "WARNING", TRACE, "taken")],
    ),
    cause(
        "threads are in the wrong order",
        "threads.order",
        traceback="Traceback\n  in list\nValueError: <bad>\n",
        first="2026-01-07T10:00:01Z",
        last="2026-01-07T10:00:01Z",
    ),
    cause("the log can't be read", "logs.canary", outcome=BROKEN, remedy=""),
]
_MOVED = Moved(name="auth.latency", rule="p95", unit="ms", before=Estimate(20, 18, 22), now=Estimate(41.25, 39, 44))
_CHANGES = Changes(
    since="20260106T100000Z-0a1b2c",
    revision="service-00000-abc",
    newly_failing=["threads.order"],
    newly_passing=["auth.latency"],
    moved=[_MOVED],
    new_causes=["threads are in the wrong order"],
    gone_causes=["the service was down"],
)


def refuted() -> Document:
    """A NO-GO with a cause of one case and one of several, a known failure, changes, doubts and notes."""
    return document(
        *_ROWS,
        verdict=Verdict.NO_GO,
        exit_code=1,
        reason="threads.order and 2 more failed",
        causes=_CAUSES,
        missing=["release.order"],
        known_failures=[
            KnownFailure(name="health.probes", owner="team", reason="a | b", expires="2026-02-01", state="still fails")
        ],
        changes=_CHANGES,
        doubts=["the clock jumped"],
        notes=["a plot could not be drawn."],
        release={"rollback": ["gcloud run\n  go-back"], "project": "my-project", "region": "r", "service": "s"},
        rerun="make verify-local CHECK=",
    )


_DROPS = make_figure(
    "drops",
    n=100,
    value=0,
    interval=(0, 0.03),
    hazard_per_hour=0.0512,
    covered_s=3600,
    need_s=7200,
    source="log",
)
_EXPOSURE = Accrual(
    kind="exposure",
    start="2026-01-07T09:00:00Z",
    end="2026-01-07T10:00:00Z",
    need_s=3600,
    proved=True,
    events=2,
    n=7,
    hours=1.5,
    hour_s=3600,
    group="night",
    shard=1,
    shards=3,
)


def explained() -> Document:
    """A gate's document of one row that has everything that a row may have."""
    return document(
        row(
            "websocket.one-hour",
            PENDING,
            claim="It holds.",
            requirement="an hour",
            looking="the logs",
            known_failure="team",
            required=False,
            figures=[_DROPS],
            evidence={"text": "t" * 401, "list": [1, {"a": None}]},
            accruals=[_EXPOSURE, replace(_EXPOSURE, kind="window", proved=False, events=0)],
            curl=["curl x"],
            traces=[Trace(f"trace-{number}", "GET /") for number in range(7)],
            inputs=[RowInput("run-1", PASSED, counts=True), RowInput("run-2", FAILED, counts=False)],
        ),
        row("websocket.steady"),
        phase="gate",
        revision="",
        verdict=Verdict.INCONCLUSIVE,
        exit_code=10,
        reason="owed",
    )


def of_causes(number: int, outcome: Outcome = FAILED) -> Document:
    """A verdict with this many causes of one case each."""
    names = [f"threads.c{place}" for place in range(number)]
    return document(
        *(row(name, outcome, actual="seen") for name in names),
        verdict=Verdict.NO_GO,
        exit_code=1,
        reason="it failed",
        causes=[cause(f"sentence {name}", name, outcome=outcome) for name in names],
    )
