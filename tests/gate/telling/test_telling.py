"""Who is notified of a verdict, of what, once, and in time: against a small real server on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from gate.outcomes import Outcome, Verdict
from gate.report.checklist import Report, answered
from gate.telling.message import MOST_DESCRIPTION, compose, is_news
from gate.telling.notify import notify
from tests.gate.documents import make_document
from tests.gate.telling.forge import Forge, forge
from tests.stopwatch import Stopwatch

ROLLBACK = ["gcloud run services update-traffic b --to-revisions=b-1=100"]


@pytest.fixture
def server() -> Iterator[Forge]:
    with forge() as held:
        yield held


def report(folder: Path, *outcomes: Outcome, selection: str = "") -> Report:
    document = make_document(folder, {f"a.check{n}": outcome for n, outcome in enumerate(outcomes)})
    return answered(replace(document, release={"rollback": ROLLBACK}, selection=selection))


@pytest.fixture
def failed(tmp_path: Path) -> Report:
    return report(tmp_path, Outcome.FAILED, Outcome.PASSED)


def on_github(server: Forge, folder: Path, event: object) -> dict[str, str]:
    path = folder / "event.json"
    path.write_text(json.dumps(event))
    return {
        "GITHUB_API_URL": server.url,
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_SHA": "merge",
        "GITHUB_TOKEN": "t-1",
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_SERVER_URL": "https://github.invalid",
        "GITHUB_RUN_ID": "7",
    }


def test_the_message_names_the_causes_what_to_do_and_the_way_back(failed: Report) -> None:
    message = compose(failed, "https://ci.invalid/7")
    assert message.title == "NO-GO: mini, revision service-00001-abc"
    assert "1. 1 case: " in message.body
    assert "what to do: Fix 1" in message.body
    assert f"go back: {ROLLBACK[0]}" in message.body
    assert message.body.endswith("https://ci.invalid/7")
    assert len(message.brief) <= MOST_DESCRIPTION


@pytest.mark.parametrize(
    "now,before,news",
    [
        (Verdict.NO_GO, None, True),
        (Verdict.NO_GO, Verdict.NO_GO, True),
        (Verdict.GO, Verdict.NO_GO, True),
        (Verdict.GO, Verdict.GO, False),
        (Verdict.GO, None, False),
        (Verdict.INCONCLUSIVE, Verdict.NO_GO, False),
    ],
)
def test_people_are_disturbed_by_no_go_and_by_the_first_go_after_it(
    server: Forge, tmp_path: Path, now: Verdict, before: Verdict | None, *, news: bool
) -> None:
    outcome = {Verdict.GO: Outcome.PASSED, Verdict.NO_GO: Outcome.FAILED}.get(now, Outcome.BROKEN)
    assert is_news(now, before) is news
    hook = f"{server.url.replace('http://', 'json://')}/hook"
    assert list(notify(report(tmp_path, outcome), before, {"NETRA_TELL": hook})) == []
    assert [path for _, path, _ in server.posted] == (["/hook"] if news else [])
    if news:
        assert str(now) in server.posted[0][2]["title"]


def test_github_hears_it_on_the_commit_the_pull_request_and_the_deployment(
    server: Forge, tmp_path: Path, failed: Report
) -> None:
    event = {"pull_request": {"number": 5, "head": {"sha": "abc"}}, "deployment": {"id": 9}}
    environ = on_github(server, tmp_path, event)
    assert list(notify(failed, None, environ)) == []
    (status, comment, deployment) = server.posted
    assert status[:2] == ("POST", "/repos/o/r/statuses/abc")
    assert status[2]["state"] == "failure"
    assert status[2]["target_url"] == "https://github.invalid/o/r/actions/runs/7"
    assert comment[:2] == ("POST", "/repos/o/r/issues/5/comments")
    assert deployment[:2] == ("POST", "/repos/o/r/deployments/9/statuses")
    assert set(server.tokens) == {"Bearer t-1"}


def test_the_comment_is_updated_and_not_repeated_however_many_others_there_are(
    server: Forge, tmp_path: Path, failed: Report
) -> None:
    comments = "/repos/o/r/issues/5/comments"
    server.remarks[comments] = [{"id": number, "body": "looks good"} for number in range(150)]
    server.remarks["/repos/o/r/commits/merge/pulls"] = [
        {"number": 4, "state": "closed"},
        {"number": 5, "state": "open"},
    ]
    environ = on_github(server, tmp_path, {})
    list(notify(failed, None, environ))
    list(notify(report(tmp_path / "next", Outcome.PASSED), Verdict.NO_GO, environ))
    ours = [remark for remark in server.remarks[comments] if "netra-verify/mini/smoke" in remark["body"]]
    assert len(ours) == 1
    assert "# GO: mini" in ours[0]["body"]


def test_gitlab_has_one_note(server: Forge, tmp_path: Path, failed: Report) -> None:
    environ = {
        "CI_API_V4_URL": f"{server.url}/api/v4",
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "8",
        "NETRA_GITLAB_TOKEN": "t-2",
    }
    assert list(notify(failed, None, environ)) == []
    assert list(notify(report(tmp_path / "next", Outcome.PASSED), None, environ)) == []
    (note,) = server.remarks["/api/v4/projects/3/merge_requests/8/notes"]
    assert "# GO: mini" in note["body"]
    assert set(server.tokens) == {"t-2"}


def test_who_can_not_be_told_is_a_sentence_without_a_credential(server: Forge, tmp_path: Path, failed: Report) -> None:
    server.answers = 403
    environ = on_github(server, tmp_path, {}) | {
        "NETRA_TELL": f"jsons://user:secret@127.0.0.1:9/x nonsense://secret {server.url}"
    }
    notes = list(notify(failed, None, environ))
    assert any("was answered 403" in note for note in notes)
    assert any("first messenger" in note for note in notes)
    assert any("second URL" in note for note in notes)
    assert not [note for note in notes if "secret" in note or "t-1" in note]


def test_who_hangs_is_given_up(server: Forge, tmp_path: Path, failed: Report) -> None:
    server.hangs_s = 3.0
    hook = f"{server.url.replace('http://', 'json://')}/hook?rto=60"
    watch = Stopwatch()
    notes = list(notify(failed, None, on_github(server, tmp_path, {}) | {"NETRA_TELL": hook}, within_s=0.5))
    assert any("did not answer within 0.5 s" in note for note in notes)
    assert any("GitHub was not notified" in note for note in notes)
    assert watch.seconds < server.hangs_s * 3, "each of five requests would have hung"


def test_nobody_hears_of_a_selected_run(server: Forge, tmp_path: Path) -> None:
    selected = report(tmp_path, Outcome.FAILED, selection="--check=a.*")
    assert list(notify(selected, None, on_github(server, tmp_path, {}))) == []
    assert server.posted == []
