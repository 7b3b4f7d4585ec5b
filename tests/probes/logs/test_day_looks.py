"""One stretch of a day: which hours it has, what is asked of the log for it, and when the log counts as on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import cast

import pytest

from probes.logs.cloud_logging import REQUEST_FILTER, SERVER_ERROR_FILTER, CloudLogging
from probes.logs.day import Stretch, first_request, hours, lines_of, look_at
from probes.logs.entries import EPOCH, LogEntry, LogRead, is_telling, once, project_of
from probes.logs.parsing import parse_entry
from probes.timing.window import Window
from tests.probes.logs.known import KNOWN

BEGUN = datetime(2026, 11, 24, 9, tzinfo=UTC)
REQUESTS = "projects/p/logs/run.googleapis.com%2Frequests"


def at(minute: float) -> datetime:
    return BEGUN + timedelta(minutes=minute)


def entry(minute: float, status: int = 200, trace: str = "") -> LogEntry:
    return parse_entry(
        {
            "insertId": f"{minute}-{status}",
            "logName": REQUESTS,
            "timestamp": at(minute).isoformat(),
            "trace": trace,
            "httpRequest": {"status": status, "requestUrl": "https://h/x", "latency": "0.1s"},
        }
    )


@dataclass
class Log:
    """A log with these entries; it remembers what it was asked for."""

    entries: Sequence[LogEntry]
    asked: list[tuple[Window, str, int | None]] = field(default_factory=list)

    async def read(
        self,
        window: Window,
        conditions: Sequence[str] = (),
        *,
        service: str = "",
        revision: str = "",
        most: int | None = None,
    ) -> LogRead:
        assert (service, revision) in {("s", "r"), ("", "")}
        self.asked.append((window, conditions[0], most))
        found = [one for one in self.entries if window.start <= one.moment <= window.end]
        if conditions[0] == SERVER_ERROR_FILTER:
            found = [one for one in found if one.is_server_error]
        if conditions[0].startswith("trace="):
            found = [one for one in found if one.trace and one.trace in conditions[0]]
        kept = tuple(found[:most])
        return LogRead(
            entries=kept,
            pages=2,
            exhausted=len(kept) == len(found),
            doubt="a doubt" if conditions[0] == SERVER_ERROR_FILTER else "",
            window=window,
            source="log",
            duplicates=0,
            total=len(kept),
            requests=len(kept),
            query=f"query {conditions[0]}",
        )

    @property
    def source(self) -> CloudLogging:
        return cast("CloudLogging", self)


def stretch(minutes: float = 180, ended: dict[float, int] | None = None, longest_s: float = 600.0) -> Stretch:
    """Three hours from nine o'clock, and how many requests ended in the minute that ends then."""
    counted = None if ended is None else Counter({at(minute): n for minute, n in ended.items()})
    window = Window(BEGUN, at(minutes))
    return Stretch(service="s", revision="r", window=window, ended=counted, longest_request_s=longest_s)


def test_a_window_is_cut_into_hours_and_the_last_is_as_long_as_it_is() -> None:
    found = hours(Window(at(0), at(150)))
    assert found == [Window(at(0), at(60)), Window(at(60), at(120)), Window(at(120), at(150))]
    assert hours(Window(at(0), at(60))) == [Window(at(0), at(60))]
    assert hours(Window(at(0), at(0))) == []
    local = at(0).astimezone(timezone(timedelta(hours=2)))
    assert hours(Window(local, at(60)))[0].start.tzinfo is UTC


def test_what_the_platform_counted_is_that_of_the_window() -> None:
    assert stretch().counted is None
    assert stretch().busy_hours == []
    it = stretch(ended={-1: 1, 0: 2, 60: 4, 180: 8, 181: 16})
    assert it.counted == 2 + 4 + 8
    assert [hour.start for hour in it.busy_hours] == [at(0), at(120)], "an hour's last minute is its own"
    assert it.with_late_entries == Window(at(-10), at(180))


async def test_a_look_asks_for_errors_from_before_and_for_one_page_of_others() -> None:
    trace = "projects/p/traces/ab"
    log = Log([entry(-5, 503, trace), entry(10), entry(70, 500)])
    look = await look_at(log.source, stretch(ended={10: 1, 70: 1}))
    assert [one.status for one in look.errors] == [503, 500]
    assert (look.requests, look.more, look.counted, look.silent) == (2, False, 2, ())
    assert (look.doubt, look.pages, look.query) == ("a doubt", 4, f"query {SERVER_ERROR_FILTER}")
    assert [one.trace for one in look.lines] == [trace]
    (errors, others, lines) = log.asked
    assert errors == (Window(at(-10), at(180)), SERVER_ERROR_FILTER, None)
    assert others[0] == Window(at(0), at(180))
    assert others[1].startswith(REQUEST_FILTER)
    assert 'NOT httpRequest.userAgent:"netra-verify/"' in others[1]
    assert others[2] == 1000
    assert lines == (Window(at(-10), at(190)), f'trace="{trace}"', 1000)


@pytest.mark.parametrize(
    "began, silent",
    [(60.0, False), (50.0, False), (49.9, True), (120.0, False), (120.1, True), (90.0, False)],
)
async def test_an_hour_is_silent_if_no_request_may_have_ended_in_it(began: float, *, silent: bool) -> None:
    """Requests take ten minutes at most, and are logged under their beginning."""
    log = Log([entry(began)])
    look = await look_at(log.source, stretch(ended={90: 5}))
    assert look.silent == ((at(60),) if silent else ())


async def test_an_hour_that_the_page_does_not_show_is_asked_for_with_one_entry() -> None:
    log = Log([entry(minute / 1000) for minute in range(1001)] + [entry(65)])
    look = await look_at(log.source, stretch(ended={90: 5}))
    assert (look.more, look.requests, look.silent) == (True, 1000, ())
    assert log.asked[-1] == (Window(at(50), at(120)), REQUEST_FILTER, 1)


async def test_the_first_request_is_one_entry() -> None:
    log = Log([entry(7), entry(9)])
    assert await first_request(log.source, "s", "r", Window(at(0), at(60))) == at(7)
    assert log.asked == [(Window(at(0), at(60)), REQUEST_FILTER, 1)]
    assert await first_request(Log([]).source, "s", "r", Window(at(0), at(60))) is None


async def test_lines_are_those_of_twenty_traces_at_most() -> None:
    log = Log([])
    errors = [entry(number, 500, f"projects/p/traces/{number:02}") for number in range(25)]
    assert await lines_of(log.source, [*errors, entry(30, 500)], Window(at(0), at(60))) == ()
    assert log.asked[0][1].count(" OR ") == 19
    assert '"projects/p/traces/19"' in log.asked[0][1]
    assert await lines_of(log.source, [entry(1, 500)], Window(at(0), at(60))) == ()
    assert len(log.asked) == 1


def test_an_entry_says_what_it_is() -> None:
    it = entry(0, 503, "projects/p/traces/ab")
    assert (it.trace_id, it.project, it.is_request, it.is_foreign) == ("ab", "p", True, False)
    assert (it.has_server_error, it.is_server_error, it.platform_made) == (True, True, False)
    assert [entry(0, status).is_server_error for status in (499, 500, 599, 600)] == [False, True, True, False]
    assert replace(it, timestamp="").moment == EPOCH == datetime(1970, 1, 1, tzinfo=UTC)
    balancer = replace(it, resource_type="http_load_balancer")
    assert (balancer.is_request, balancer.is_foreign, balancer.has_server_error, balancer.is_server_error) == (
        False,
        True,
        True,
        False,
    )
    assert replace(it, resource_type="cloud_run_revision").is_request
    for latency in ("", "0s", "0"):
        assert replace(it, latency=latency, text="no instance").platform_made
        assert not replace(it, latency=latency).platform_made
    assert not replace(it, text="no instance").platform_made
    assert (project_of("projects/a/logs/b"), project_of("folders/a/logs/b")) == ("a", "")


def test_an_entry_counts_once_by_log_id_and_time() -> None:
    one = entry(0)
    later, elsewhere = replace(one, timestamp=at(1).isoformat()), replace(one, log_name="other")
    nameless = [replace(one, insert_id=""), replace(one, insert_id="")]
    assert once([one, one, later, elsewhere]) == ((one, later, elsewhere), 1)
    assert once(nameless) == (tuple(nameless), 0), "without an id each is one of its own"
    assert once([]) == ((), 0)


@pytest.mark.parametrize(
    "given, telling",
    [
        ({}, False),
        ({"status": 500}, True),
        ({"problem": "httpRequest"}, True),
        ({"text": "RuntimeWarning: coroutine 'get_db' was never awaited"}, True),
        ({"text": "Traceback (most recent call last):"}, True),
        ({"text": "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJlc2ln"}, True),
        ({"text": "listing threads took 12 ms"}, False),
    ],
)
def test_a_check_counts_an_entry_for_one_reason_alone(given: dict[str, object], *, telling: bool) -> None:
    assert is_telling(replace(entry(0), **given), KNOWN) is telling  # type: ignore[arg-type]  # fields of an entry
