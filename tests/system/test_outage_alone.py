"""`auth.outage`, run alone: what clients get during the outage is the finding, and not that no token is accepted."""

from pathlib import Path

import httpx
import pytest

from tests.prove.worker import TARGETS
from tests.system.running import ReusedTwin, run, verdict_in

CHECK, LONG_S = "auth.outage", 30.0
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("fault,said", [("auth.outage-is-401", "answered 401"), ("auth.no-recovery", "answered 503")])
def test_an_outage_is_not_blamed_on_the_tokens(reused_twin: ReusedTwin, tmp_path: Path, fault: str, said: str) -> None:
    where = (f"--targets-dir={TARGETS}", f"--report-dir={tmp_path}")
    control = reused_twin.addresses["twin"]["control_url"]
    httpx.put(f"{control}/faults/{fault}", timeout=LONG_S).raise_for_status()
    try:
        _, output = run(
            "pytest",
            "--target=prove",
            *where,
            "--quick",
            f"--check={CHECK}",
            env={"NETRA_ADDRESSES": str(reused_twin.file)},
        )
    finally:
        reused_twin.reset()
    (row,) = [one for one in verdict_in(tmp_path)["checks"] if one["id"] == CHECK]
    assert row["outcome"] == "FAILED", output
    assert said in row["actual"], row
    assert "contract.tokens" not in row["remedy"]
