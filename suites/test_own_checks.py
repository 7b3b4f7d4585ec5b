"""The target's own checks: `[[checks]]` in its TOML, each a case here with the id, claim and remedy given there."""

from fixtures.own_checks import Declared, OwnDoors, judge
from gate.evidence import Recorder


async def test_own_check(own: Declared, own_doors: OwnDoors, recorder: Recorder) -> None:
    """Every answer, for each repetition of the request, is what the TOML expects."""
    for _ in range(own.own.repetitions):
        judge(own.own, await own_doors.ask(own.own))
    slowest = max(own_doors.times_ms)
    limit = own.own.expected.within_ms or None
    recorder.figures(rule="slowest answer", n=len(own_doors.times_ms), value=slowest, unit="ms", limit=limit)
