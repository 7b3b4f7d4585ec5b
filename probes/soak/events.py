"""What happens in a soak, as its journal keeps it: one struct per kind of event, tagged by `t`; unix times."""

from typing import Any

import msgspec

from probes.client_health.vitals import Vitals
from probes.soak.exposure import Life

Frame = dict[str, Any]  # what a soak is about, as JSON values: compared as a whole, and shown as it is


class _Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="t"):
    at: float


class Begin(_Event, frozen=True, kw_only=True, tag="begin"):
    """A run of the soak begins."""

    frame: Frame
    run: str = ""


class Gap(_Event, frozen=True, kw_only=True, tag="gap"):
    """A run was killed; nothing was observed from `since` to now."""

    since: float


class Open(_Event, frozen=True, kw_only=True, tag="open"):
    """A connection was welcomed."""

    line: int
    number: int
    since: float  # of the session
    silent: float  # how many seconds it is silent on purpose


class Close(_Event, frozen=True, kw_only=True, tag="close"):
    """A connection ended."""

    life: Life


class Back(_Event, frozen=True, kw_only=True, tag="back"):
    """A session is back."""

    line: int
    took: float
    attempts: int


class Breach(_Event, frozen=True, kw_only=True, tag="breach"):
    """A promise was broken."""

    line: int
    kind: str
    detail: str


class Unfit(_Event, frozen=True, kw_only=True, tag="unfit"):
    """Our own side could not go on."""

    reason: str


class Moment(_Event, frozen=True, kw_only=True, tag="tick"):
    """The state at one moment, and what was added since the previous one."""

    open: int
    p50: float | None
    p95: float | None
    rtt: dict[str, int]  # step of `probes.soak.round_trips` -> how many round trips
    held: float  # seconds
    vitals: Vitals


class End(_Event, frozen=True, kw_only=True, tag="end"):
    """The run ended by itself."""

    why: str


Event = Begin | Gap | Open | Close | Back | Breach | Unfit | Moment | End
