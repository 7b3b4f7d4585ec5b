"""Ledgers of soaks that never ran: connections with their ages and their ends, as a journal has them."""

from pathlib import Path

from probes.client_health.vitals import Vitals
from probes.soak.events import Begin, Close, Event, Moment
from probes.soak.exposure import Life
from probes.soak.held_session import Pace
from probes.soak.journal import Journal
from probes.soak.ledger import Ledger
from probes.soak.soak_plan import SoakPlan
from probes.websocket.closes import CloseClass
from tests.probes.websocket.joining import DIALECT

VITALS = Vitals(lag_ms=1.0, rss_mib=50.0, descriptors=20)
PACE = Pace(ping_every_s=1.0, answer_s=5.0, reconnect_s=5.0, planned_cut_s=3600.0, dialect=DIALECT)
PLAN = SoakPlan(duration_s=3600.0, need_s=3600.0, sessions=10, silent=0, pace=PACE)


def life(
    line: int,
    age: float,
    close: CloseClass,
    *,
    session_age: float | None = None,
    at: float = 0.0,
    silent: float = 0.0,
) -> Life:
    """One connection, opened at `at` unix seconds."""
    return Life(
        line=line,
        number=1,
        opened_at=at,
        age_s=age,
        session_age_s=age if session_age is None else session_age,
        close=close,
        detail=f"line {line}",
        silent_s=silent,
    )


def ledger_of(*lives: Life, held: float = 3600.0) -> Ledger:
    """The ledger of a run in which these connections ended."""
    ledger = Ledger()
    ledger.apply(Begin(at=0.0, frame={"target": "x"}))
    for one in lives:
        ledger.apply(Close(at=one.opened_at + one.age_s, life=one))
    ledger.apply(Moment(at=held, open=0, p50=None, p95=None, rtt={}, held=held, vitals=VITALS))
    return ledger


class Kept(Journal):
    """A journal that remembers its events."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "soak.jsonl"
        super().__init__(self.path)
        self.events = list[Event]()

    def note(self, event: Event) -> None:
        """Take in an event."""
        self.events.append(event)
        super().note(event)

    def of(self, kind: type[Event]) -> list[Event]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]
