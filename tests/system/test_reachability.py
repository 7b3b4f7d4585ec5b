"""A run against what can't be reached from here ends in one sentence, and says nothing of the product."""

import json
from pathlib import Path

import pytest

from tests.serving import Reply, serving_beside
from tests.system.running import run, verdict_in

IAM = b"<title>403 Forbidden</title><h2>Your client does not have permission to get URL <code>/</code></h2>"
GOOD = Reply(body=b"{}", close=True)


def look(folder: Path, backend: str, auth: str) -> tuple[int, dict[str, str], str]:
    """Run the smoke phase against these; the exit code, the outcomes of target.reachable, and the reason."""
    (folder / "mine.toml").write_text(
        f'environment = "staging"\nprofile = "read-only"\n[backend]\nservice = "b"\nurl = {json.dumps(backend)}\n'
        f'[auth]\nservice = "a"\nurl = {json.dumps(auth)}\n'
        '[platform]\nproject = "p"\nregion = "r"\ncredentials = "none"\n'
        'logging_url = ""\nrun_url = ""\nmonitoring_url = ""\n'
    )
    code, said = run(
        "pytest",
        "--target=mine",
        f"--targets-dir={folder}",
        f"--report-dir={folder / 'reports'}",
        "--verdict-only",
        "-k",
        "test_target or test_health_",
        env={"NETRA_TOKENS__SERVICE_KEY": "a-key-of-the-tests"},
    )
    assert "Traceback" not in said, said
    document = verdict_in(folder / "reports")
    rows = {row["name"]: row["outcome"] for row in document["checks"] if row["id"] == "target.reachable"}
    return code, rows, document["reason"]


def test_nothing_reachable_is_one_sentence_and_ends_the_run(tmp_path: Path) -> None:
    code, rows, reason = look(tmp_path, "http://127.0.0.1:9", "http://nobody.invalid")
    assert code == 10
    assert set(rows.values()) == {"BROKEN"}
    assert reason.startswith("nothing of target 'mine' can be reached from here: http://127.0.0.1:9: TCP: ")
    assert "http://nobody.invalid: name: no such name" in reason


def test_one_door_that_is_down_is_that_door_s_failure(tmp_path: Path) -> None:
    with serving_beside(lambda _: GOOD) as server:
        code, rows, _ = look(tmp_path, server.url, "http://127.0.0.1:9")
    assert code == 1
    assert rows["target.reachable[auth]"] == "FAILED"
    assert rows["target.reachable[backend]"] == rows["target.reachable[websocket]"] == "PASSED"


@pytest.mark.parametrize(
    "page,said",
    [
        (Reply(status=403, body=IAM, kind="text/html", close=True), 'identity = "google"'),
        (Reply(status=511, body=b"login", kind="text/html", close=True), "NO_PROXY"),
    ],
    ids=["IAM", "a portal"],
)
def test_a_page_of_what_stands_in_front_is_ours_to_set_right(page: Reply, said: str, tmp_path: Path) -> None:
    with serving_beside(lambda _: page) as server:
        code, rows, reason = look(tmp_path, server.url, server.url)
    assert (code, set(rows.values())) == (10, {"BROKEN"})
    assert said in reason
