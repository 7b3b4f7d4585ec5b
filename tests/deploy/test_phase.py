"""A pipeline's variables become the entry point's words, or one sentence that names the variable."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.running import ROOT, clean_environment
from tests.system.waiting import HANGS_S

SMOKE = {"PHASE": "smoke", "TARGET": "ours"}
OF = "projects/p/secrets/netra-verify"
# In the entry point's place: it says what it was given.
SAYS = """
import json, os, sys
mine = {name: value for name, value in os.environ.items() if name.startswith(("NETRA_", "OURS_"))}
print(json.dumps({"words": sys.argv[1:], "variables": mine}))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The script beside an entry point that says what it was given, and a calling repository."""
    (tmp_path / "phase.py").write_text((ROOT / "deploy/container/phase.py").read_text(encoding="utf-8"))
    (tmp_path / "entrypoint.py").write_text(SAYS)
    (tmp_path / "calling/checks").mkdir(parents=True)
    (tmp_path / "calling/known.toml").touch()
    return tmp_path


def begin(place: Path, given: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, place / "phase.py"], cwd=place, env={**clean_environment(), "CALLING": "calling", **given},
        text=True, check=False, timeout=HANGS_S, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    "given, words",
    [
        (SMOKE, ["--target=ours", "--phase=smoke"]),
        ({**SMOKE, "QUICK": "true"}, ["--target=ours", "--phase=smoke", "--quick"]),
        ({**SMOKE, "QUICK": "false", "TAG": "verify", "SHARE": "10"}, ["--target=ours", "--phase=smoke"]),
        ({"PHASE": "candidate", "TARGET": "t"}, ["--target=t", "--phase=candidate", "--tag=verify", "--share=0"]),
        ({"PHASE": "candidate", "TARGET": "t", "TAG": "x", "SHARE": "10"}, None),
        ({"PHASE": "gate", "TARGET": "t", "QUICK": "true", "KNOWN_FAILURES": "known.toml"}, ["gate", "--target=t"]),
    ],
)
def test_a_phase_is_asked_for_as_the_variables_say(place: Path, given: dict[str, str], words: list[str] | None) -> None:
    code, said = begin(place, given)
    assert code == 0, said
    assert json.loads(said)["words"] == (words or ["--target=t", "--phase=candidate", "--tag=x", "--share=10"])


def test_the_callers_own_files_are_found_from_its_repositorys_root(place: Path) -> None:
    _, said = begin(place, {**SMOKE, "TARGETS_DIR": "checks", "KNOWN_FAILURES": "known.toml"})
    assert json.loads(said)["words"][2:] == [
        f"--targets-dir={place}/calling/checks",
        f"--known-failures={place}/calling/known.toml",
    ]


@pytest.mark.parametrize(
    "way, name, ending",
    [
        ("", "NETRA_TOKENS__SIGNING_SECRET", "signing-secret"),
        ("sign", "NETRA_TOKENS__SIGNING_SECRET", "signing-secret"),
        ("login", "NETRA_TOKENS__LOGIN_KEY", "login-key"),
        ("given", "NETRA_TOKENS__GIVEN", "token"),
    ],
)
def test_secrets_are_named_by_the_way_to_a_token(place: Path, way: str, name: str, ending: str) -> None:
    _, said = begin(place, {**SMOKE, "SECRETS_OF": OF, "TOKEN_WAY": way})
    assert json.loads(said)["variables"] == {
        name: f"secret:{OF}-{ending}/versions/latest",
        "NETRA_TOKENS__SERVICE_KEY": f"secret:{OF}-service-key/versions/latest",
        "NETRA_DATABASE__URL": f"secret:{OF}-database-url/versions/latest",
    }


def test_the_callers_own_variables_win(place: Path) -> None:
    extra = "NETRA_DATABASE__URL=\n\n  OURS_CA=/etc/ours=1.pem\n"
    _, said = begin(place, {**SMOKE, "SECRETS_OF": OF, "WRITE": "true", "EXTRA": extra})
    variables = json.loads(said)["variables"]
    assert (variables["NETRA_DATABASE__URL"], variables["OURS_CA"]) == ("", "/etc/ours=1.pem")
    assert variables["NETRA_WRITING__CONFIRM"] == "ours"


@pytest.mark.parametrize(
    "given, said",
    [
        ({"PHASE": "somke"}, "PHASE is 'somke': one of candidate, smoke, soak, day, gate"),
        ({"TARGET": ""}, "TARGET is empty"),
        ({"QUICK": "quick"}, "QUICK is 'quick': write true or false"),
        ({"TOKEN_WAY": "mint"}, "TOKEN_WAY is 'mint': one of sign, login, given"),
        ({"SECRETS_OF": "netra"}, "SECRETS_OF is 'netra': write projects/PROJECT/secrets/PREFIX"),
        ({"TARGETS_DIR": "chekcs"}, "TARGETS_DIR is 'chekcs', but there is no "),
        ({"EXTRA": "a secret: hunter2"}, "EXTRA has a line that is not NAME=value"),
    ],
)
def test_what_can_not_be_used_is_named_before_anything_begins(place: Path, given: dict[str, str], said: str) -> None:
    code, log = begin(place, {**SMOKE, **given})
    assert code == 4
    assert log.startswith(f"VERDICT: INCONCLUSIVE exit_code=4 reason={said}")
    assert "hunter2" not in log
