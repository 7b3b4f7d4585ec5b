"""A target's own deadlines: only those that something waits for."""

from typing import Annotated

from pydantic import AfterValidator

from probes.timing.deadlines import Deadlines
from targets.contract.parts import Waiting
from targets.explaining import nearest

KNOWN = frozenset(Deadlines.__dataclass_fields__)


def _known(deadlines: dict[str, float]) -> dict[str, float]:
    unknown = min(deadlines.keys() - KNOWN, default="")
    if unknown:
        raise ValueError(f"{unknown!r} is not a deadline (known: {', '.join(sorted(KNOWN))}){nearest(unknown, KNOWN)}")
    return deadlines


DeadlinesByName = Annotated[dict[str, Waiting], AfterValidator(_known)]
