"""Chat, mail, pagers and webhooks, by the URLs of Apprise (https://github.com/caronc/apprise/wiki).

    NETRA_TELL="slack://… gchat://… mailto://… pagerduty://… json://hooks.example/path"

The URLs are credentials: no part of them is ever printed.
"""

import logging
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gate.extras import how_to_install
from gate.telling.message import Message

if TYPE_CHECKING:
    from apprise import Apprise

VARIABLE = "NETRA_TELL"


def notify_messengers(message: Message, urls: str, within_s: float) -> Iterator[str]:
    """Send the message to every URL concurrently; yields a sentence for each failure."""
    try:
        messengers = _load(urls.split())
    except ImportError:
        yield f"no notification was sent: {VARIABLE} is set, but apprise is not installed ({how_to_install('tell')})"
        return
    known = {place: messenger for place, messenger in messengers.items() if messenger is not None}
    yield from (
        f"Apprise does not recognise the {_nth(place)} URL in {VARIABLE}" for place in messengers.keys() - known
    )
    done = _send(message, known, within_s)
    for place in known:
        if not done.get(place):
            why = "refused the message" if place in done else f"did not answer within {within_s:g} s"
            yield f"the {_nth(place)} messenger in {VARIABLE} {why}"


def _send(message: Message, messengers: Mapping[int, "Apprise"], within_s: float) -> dict[int, bool]:
    """Whether each messenger accepted the message; one that did not answer in time is left out."""
    done: dict[int, bool] = {}

    def send(place: int, messenger: "Apprise") -> None:
        kind = "success" if message.good else "failure"
        try:
            done[place] = bool(messenger.notify(title=message.title, body=message.body, notify_type=kind))
        except Exception:  # noqa: BLE001 - any error: its text may contain the URL, and the note names the messenger
            done[place] = False

    until = time.monotonic() + within_s
    senders = [threading.Thread(target=send, args=pair, daemon=True) for pair in messengers.items()]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(max(0.0, until - time.monotonic()))
    return dict(done)


def _load(urls: list[str]) -> dict[int, "Apprise | None"]:
    """One messenger per URL, by its position from 1; None for a URL that Apprise does not know. Raises ImportError."""
    with warnings.catch_warnings(action="ignore"):  # of modules that it imports, on some Pythons
        from apprise import Apprise  # noqa: PLC0415 - an extra, and as slow to import as a report to render

        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs the URLs that it could not reach
        messengers = {place: Apprise() for place in range(1, len(urls) + 1)}
        return {place: one if one.add(urls[place - 1]) else None for place, one in messengers.items()}


def _nth(place: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(place, f"{place}th")
