"""Injected faults: every one is seen, and each close is called what it was."""

import asyncio
import signal
from collections import Counter
from dataclasses import replace

import psutil
import pytest

from probes.soak.exposure import Exposure
from probes.soak.held_session import Pace
from probes.soak.steady import SteadyReport, hold_sessions
from probes.timing.waiting import await_steady
from probes.websocket.closes import CloseClass
from tests.probes.websocket.joining import PACE, joiner, named
from tests.probes.websocket.server import AFTER_S, running
from tests.system.waiting import HANGS_S

COUNT = 60
HOUR_COMPRESSED_S = 3600 * AFTER_S / 300


PATIENT = replace(PACE, answer_s=HANGS_S)  # where no server is silent, a late answer is this machine's


async def held(url: str, count: int = COUNT, seconds: float = 2.0, pace: Pace = PACE) -> SteadyReport:
    return await hold_sessions(joiner(url), named, count=count, seconds=seconds, jitter_s=0.8, pace=pace)


CLASSES = {
    "rst": (CloseClass.ABNORMAL, "reset (ConnectionResetError)"),
    "fin": (CloseClass.ABNORMAL, "the TCP connection ended"),
    "silent": (CloseClass.PING_TIMEOUT, "no answer within 1 s"),
    "going-away": (CloseClass.GOING_AWAY, "with code 1001"),
    "restart": (CloseClass.GOING_AWAY, "with code 1012"),
    "policy": (CloseClass.POLICY, "with code 1008"),
    "server-error": (CloseClass.SERVER_ERROR, "with code 1011"),
}


@pytest.mark.parametrize("behaviour", CLASSES)
async def test_every_close_is_called_what_it_was(behaviour: str) -> None:
    with running(behaviour) as (url, _):
        report = await held(url)
    kind, said = CLASSES[behaviour]
    assert report.exposure.closes == {kind: COUNT}
    assert all(said in life.detail for life in report.lives)
    assert all(life.trace for life in report.lives)
    assert not report.breaches


async def test_a_cut_at_300_seconds_of_a_compressed_hour_is_a_cut_off_at_that_age() -> None:
    with running("fin") as (url, _):
        exposure = (await held(url)).exposure
    assert exposure.cluster is not None
    assert exposure.cluster.count == COUNT
    assert exposure.cluster.age_s / HOUR_COMPRESSED_S * 3600 == pytest.approx(300, rel=0.25)
    assert len({round(life.opened_at, 1) for life in exposure.lives}) > 3  # at one age, and not at one moment


async def test_a_server_that_is_stopped_is_one_event_at_one_moment() -> None:
    with running("healthy") as (url, server):

        async def all_are_open() -> str:
            connections = psutil.Process(server.pid).net_connections("tcp")
            number = sum(one.status == psutil.CONN_ESTABLISHED for one in connections)
            return "" if number == COUNT else f"{number} are open"

        async def stop() -> None:
            assert (await await_steady(all_are_open, in_a_row=1, deadline_s=HANGS_S)).steady
            await asyncio.sleep(0.5)  # each has had its welcome, too
            server.send_signal(signal.SIGSTOP)

        report, _ = await asyncio.gather(held(url, seconds=6.0), stop())
    assert report.exposure.closes == {CloseClass.PING_TIMEOUT: COUNT}
    assert report.exposure.moment is not None


async def test_one_percent_lost_is_exactly_those() -> None:
    with running("one-percent") as (url, _):
        # Long enough for those that a busy machine opens late to reach the age at which they are cut.
        report = await held(url, count=300, seconds=8.0, pace=PATIENT)
    assert report.exposure.closes == {CloseClass.ABNORMAL: 3, CloseClass.OURS: 297}


async def test_a_healthy_server_loses_nobody_and_the_bound_says_what_that_is_worth() -> None:
    with running("healthy") as (url, _):
        report = await held(url, pace=PATIENT)
    assert report.exposure.closes == Counter({CloseClass.OURS: COUNT})
    assert report.exposure.early == []
    assert report.times.n > COUNT * 5
    assert report.exposure.hazard_bound() == pytest.approx(2.9957 / report.exposure.hours, rel=0.001)
    assert 0 < report.exposure.survival_bound() < 1
    assert "nothing is known about later ages" in report.exposure.sentence()
    assert isinstance(report.exposure, Exposure)


async def test_nobody_listens() -> None:
    report = await hold_sessions(joiner("ws://127.0.0.1:9"), named, count=3, seconds=0.5, jitter_s=0.1, pace=PACE)
    assert len(report.of_kind("never opened")) == 3
