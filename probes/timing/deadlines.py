"""Every deadline, in seconds. A target overrides them by name in its `[deadlines]`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long each operation may take before it counts as not done."""

    answer: float = 10.0  # an HTTP request, from sending to the last byte: Cloud Run's slowest honest cold start
    health: float = 10.0  # the detailed health answer: it asks three dependencies, each with a deadline of its own
    reach: float = 5.0  # from a name to the first byte of a door, before anything else is asked
    warm_up: float = 60.0  # until the first steady answers after a deploy
    welcome: float = 5.0  # a WebSocket from the handshake to the welcome (contract)
    message: float = 5.0  # a WebSocket answer to one message
    close: float = 3.0  # the closing handshake
    connect_database: float = 8.0  # TCP, TLS and SCRAM through a proxy or a bastion
    statement: float = 20.0  # one of our SQL statements; also set on the server
    lock: float = 1.0  # waiting for a lock: we are never worth making the application wait
    platform: float = 20.0  # one request to a Google API
    scrape: float = 90.0  # until Prometheus has scraped again: an interval of a minute, and a scrape that was missed
    server_lines: float = 8.0  # fetching a failed case's log lines, ingestion delay included
    outage_answer: float = 8.0  # for the answer that a client gets while auth is down
    recovery: float = 30.0  # after a dependency is back, until the service serves again without a restart
    fit_client: float = 30.0  # measuring again what our own lag voided, and waiting for our own loop to be quiet
