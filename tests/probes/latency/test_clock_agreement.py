"""A server's clock is believed as far as ours bears it out."""

from dataclasses import replace

from probes.http.connecting import ConnectionSteps
from probes.latency.clock_agreement import unexplained_ms
from probes.latency.open_loop import Call, LatencySample


def call(client_ms: float, server_ms: float | None, lag_ms: float = 0.0, own_ms: float = 0.0) -> Call:
    return Call(
        due_s=0.0,
        lag_ms=lag_ms,
        own_ms=own_ms,
        standstill_ms=0.0,
        client_ms=client_ms,
        server_ms=server_ms,
        opened=None,
        first_byte_ms=0.0,
        trace_id="",
        failure="",
    )


def sample(*calls: Call) -> LatencySample:
    return LatencySample(calls, 50.0, 2.0)


def test_what_the_server_and_the_way_explain_is_no_gap() -> None:
    honest = sample(*(call(90.0 + n, 10.0 + n) for n in range(9)))
    assert unexplained_ms(honest, 80.0) == 0.0


def test_a_server_that_says_less_than_we_waited_leaves_a_gap() -> None:
    lying = sample(*(call(200.0, 5.0) for _ in range(9)))
    assert unexplained_ms(lying, 80.0) == 115.0


def test_our_own_lag_is_not_the_servers_gap() -> None:
    lagging = sample(*(call(200.0, 5.0, lag_ms=60.0, own_ms=50.0) for _ in range(9)))
    assert unexplained_ms(lagging, 80.0) == 5.0


def test_where_no_call_says_the_servers_time_nothing_is_contradicted() -> None:
    assert unexplained_ms(sample(call(200.0, None)), 80.0) is None


def test_a_server_without_keep_alive_is_judged_less_the_time_to_open_each_connection() -> None:
    opened = ConnectionSteps(name_s=0.001, tcp_s=0.02, tls_s=0.04)
    honest, lying = replace(call(151.0, 10.0), opened=opened), replace(call(251.0, 10.0), opened=opened)
    assert round(unexplained_ms(sample(honest), 80.0) or 0.0, 6) == 0.0
    assert round(unexplained_ms(sample(lying), 80.0) or 0.0, 6) == 100.0
    assert unexplained_ms(sample(lying, call(90.0, 10.0)), 80.0) == 0.0  # one on an open connection says more
