"""The contract is data: a target replaces, adds and takes away, and each of its mistakes is named by its key."""

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from probes.database.layout import Layout
from probes.websocket.dialect import Dialect
from targets.deviations import ABSENT, CORE
from targets.loading import ConfigurationError, describe_target, load_target
from targets.profiles import load_required, refuse_unknown, required_of
from tests.standing import ROOT
from tests.system.running import run
from tests.targets.test_loading import MINE, write

CONTRACT = tomllib.loads((ROOT / "targets/contract.toml").read_text(encoding="utf-8"))
OFFERS = frozenset({"json"})


def toml(key: str, value: str) -> str:
    table, _, name = key.rpartition(".")
    return f"[contract.{table}]\n{name} = {value}\n"


BAD = {
    "a number for a path": (toml("paths.threads", "5"), "contract.paths.threads"),
    "a path that is none": (toml("paths.liveness", '""'), "contract.paths.liveness"),
    "a path without its slash": (toml("paths.metrics", '"metrics"'), "contract.paths.metrics"),
    "an algorithm that is not signed with": (toml("tokens.algorithm", '"none"'), "contract.tokens.algorithm"),
    "a text for a bound": (toml("threads.max_limit", '"many"'), "contract.threads.max_limit"),
    "a status that is none": (toml("refusal.rest.bad", "[4010]"), "contract.refusal.rest.bad"),
    "a default out of bounds": (toml("threads.default_limit", "500"), "contract.threads"),
    "a schema that is none": (toml("threads.item", '{ type = "objekt" }'), "contract.threads.item"),
    "a schema of a wrong type": (toml("health.detailed", '"object"'), "contract.health.detailed"),
    "an unknown presence": (toml("database.columns.title.presence", '"gone"'), "columns.title.presence"),
    "a column's name with SQL in it": (toml("database.layout.owner", '"x; DROP TABLE y"'), "layout.owner"),
    "an owner in a column that is absent": (
        toml("database.layout.owner_in", '"column"') + '[contract.database.columns.user_id]\npresence = "absent"\n',
        "layout.owner_in",
    ),
    "a refusal that looks like a validation": (toml("refusal.auth.bad", "[200]"), "validation.bad"),
    "an operation that can't be asked": (toml("api.for_users", '["GET /a/{id}"]'), "contract.api.for_users"),
    "an operation that changes something": (toml("api.for_anyone", '["POST /a"]'), "contract.api.for_anyone"),
    "an operation without its method": (toml("api.required", '["/api/agents"]'), "contract.api.required"),
    "what must follow, in other words": (toml("websocket.after.binary", '"a shrug"'), "websocket.after.binary"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_mistake_in_the_contract_is_named_by_its_key(tmp_path: Path, what: str) -> None:
    more, key = BAD[what]
    with pytest.raises(ConfigurationError) as caught:
        describe_target("mine", write(tmp_path, more))
    assert key in str(caught.value)


PRINTED = ["0004_message_times (head)", " 0005_b (threads, other) (head)\n", "0006_c (effective head)", "0007_d"]
IDS = frozenset({"0004_message_times", "0005_b", "0006_c", "0007_d"})


@pytest.mark.parametrize("by", ["variable", "TOML"])
def test_heads_are_taken_as_alembic_prints_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    written = json.dumps(PRINTED)
    if by == "variable":
        monkeypatch.setenv("NETRA_CONTRACT__DATABASE__HEADS", written)
    more = toml("database.heads", written) if by == "TOML" else ""
    assert load_target("mine", write(tmp_path, more)).contract.database.heads == IDS


@pytest.mark.parametrize("head", ["", " ", "0004 0005", "Rev: 0004 (head)", "(head)", "0004 (head"])
def test_what_is_no_revision_is_refused_and_names_where_it_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"contract\.database\.heads.*alembic heads"):
        load_target("mine", write(tmp_path, toml("database.heads", json.dumps([head]))))
    monkeypatch.setenv("NETRA_CONTRACT__DATABASE__HEADS", json.dumps([head]))
    with pytest.raises(ConfigurationError, match=r"NETRA_CONTRACT__DATABASE__HEADS.*alembic heads"):
        load_target("mine", write(tmp_path))


def test_a_schema_and_a_table_of_headers_are_replaced_as_a_whole_and_other_tables_key_by_key(tmp_path: Path) -> None:
    more = (
        '[contract.threads.item]\nrequired = ["uuid"]\n'
        '[contract.validation]\nheaders = { X-Caller = "{service_key}" }\n[contract.paths]\nthreads = "/v1/notes"\n'
        '[contract.websocket.error_codes]\nbad_json = ["FORMAT_ERROR"]\n'
    )
    contract = describe_target("mine", write(tmp_path, more)).contract
    assert contract.threads.item == {"required": ["uuid"]}
    assert contract.validation.headers == {"X-Caller": "{service_key}"}
    assert contract.websocket.error_codes == {"bad_json": {"FORMAT_ERROR"}, "refused": {"AUTH_FAILED"}}
    assert (contract.paths.threads, contract.paths.liveness) == ("/v1/notes", CONTRACT["paths"]["liveness"])


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_what_is_absent_is_not_offered_and_not_required(tmp_path: Path, name: str) -> None:
    text = MINE.replace('profile = "read-only"', f'profile = "full"\nabsent = ["{name}"]')
    target = describe_target("mine", write(tmp_path, text=text))
    offers, lacking = target.offers()
    assert ABSENT[name] not in offers
    assert name in lacking[ABSENT[name]]
    whole = load_required("full", "smoke", offers={ABSENT[name]})
    left = required_of(target, "smoke", None, offers)
    lost = {(check, case) for check, cases in whole.items() for case in set(cases) - set(left.get(check, ())) or ()}
    assert set(whole) - set(left) or lost


@pytest.mark.parametrize(
    "more,name",
    [
        ('[contract.paths]\nhealth = ""\n', "health.detailed"),
        ('[contract.paths]\nmetrics = ""\n', "metrics"),
        ('[contract.paths]\nwebsocket = ""\n', "websocket"),
        ('[contract.logs]\ntrace_field = ""\n', "logs.trace"),
        ("[contract.validation]\nheaders = {}\n", "auth.service-credentials"),
        ("[contract.tokens]\nrefresh_claims = {}\n", "tokens.refresh"),
    ],
)
def test_an_empty_value_takes_away_what_absent_takes_away(tmp_path: Path, more: str, name: str) -> None:
    before = describe_target("mine", write(tmp_path)).gone
    assert describe_target("mine", write(tmp_path, more)).gone - before == {name}


@pytest.mark.parametrize("name", sorted(CORE))
def test_what_a_required_check_is_about_can_not_be_absent(tmp_path: Path, name: str) -> None:
    text = MINE.replace('profile = "read-only"', f'profile = "full"\nabsent = ["{name}"]')
    target = describe_target("mine", write(tmp_path, text=text))
    with pytest.raises(ConfigurationError, match=rf"`absent` has '{name}', but profile 'full' requires"):
        required_of(target, "smoke", None, target.offers()[0])


def test_an_absent_that_nobody_knows_names_the_nearest(tmp_path: Path) -> None:
    text = MINE.replace("[backend]", 'absent = ["health.detail"]\n[backend]')
    with pytest.raises(ConfigurationError, match=r"did you mean 'health\.detailed'"):
        describe_target("mine", write(tmp_path, text=text))


def accepted(what: str, until: str) -> str:
    return f'[[accepted]]\nwhat = "{what}"\nowner = "team"\nreason = "known"\nuntil = {until}\n'


def test_what_is_accepted_until_a_day_that_is_past_is_refused_by_its_key(tmp_path: Path) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    with pytest.raises(ConfigurationError, match=r"accepted\.0.*threads\.deleted: accepted until .* has passed"):
        describe_target("mine", write(tmp_path, accepted("threads.deleted", yesterday)))


def test_what_is_accepted_is_a_check_or_one_case_of_it() -> None:
    refuse_unknown(["threads.deleted", "threads.metadata[1 MiB]", "threads.metadata[NUL escape]"])
    with pytest.raises(ConfigurationError, match=r"threads\.metadata\["):
        refuse_unknown(["threads.metadata"])
    with pytest.raises(ConfigurationError, match=r"threads\.deleted"):
        refuse_unknown(["threads.delete"])


def test_the_probes_words_are_the_contracts() -> None:
    assert Layout(**CONTRACT["database"]["layout"]) == Layout()
    assert Dialect(**CONTRACT["websocket"]["dialect"]).pong == CONTRACT["websocket"]["dialect"]["pong"]


def test_stagings_target_asks_for_no_route_that_its_service_lacks() -> None:
    target = describe_target("staging")
    unseen = {"database.messages", "websocket.agent.in_thread"}  # it is not recorded what becomes of a message
    assert target.gone == {"auth.server-timing", "health.detailed", "metrics", "logs.trace"} | unseen
    assert target.contract.paths.auth_validate == "/auth/validate"
    assert "json" in target.offers()[0]
    required = required_of(target, "smoke", None, OFFERS)
    assert [check for check in required if check.startswith("health.")] == ["health.probes", "health.together"]
    assert "NUL escape" in load_required("staging-writing", "smoke", offers=OFFERS)["threads.metadata"]


def test_two_places_of_one_service_say_its_contract_once(tmp_path: Path) -> None:
    text = MINE.replace("[backend]", 'contract_of = "staging"\n[backend]')
    mine = describe_target("mine", write(tmp_path, "[contract.paths]\nthreads = '/v2/threads'\n", text))
    staging = describe_target("staging").contract
    assert mine.contract.threads == staging.threads
    assert mine.contract.paths == staging.paths.model_copy(update={"threads": "/v2/threads"})
    with pytest.raises(ConfigurationError, match="no target 'nowhere'"):
        describe_target("mine", write(tmp_path, text=text.replace('"staging"\n[', '"nowhere"\n[')))


EXIT_4 = {
    "a key of a wrong type": (toml("threads.max_limit", '"many"'), "contract.threads.max_limit"),
    "a schema that is none": (toml("threads.item", '{ type = "objekt" }'), "contract.threads.item"),
    "an absent that a required check needs": ('absent = ["threads"]\n', "`absent` has 'threads'"),
    "an accepted that has expired": (accepted("threads.deleted", "2025-01-01"), "accepted.0"),
}


@pytest.mark.parametrize("what", EXIT_4)
def test_bad_input_is_exit_code_4_and_one_paragraph_with_its_key(tmp_path: Path, what: str) -> None:
    more, key = EXIT_4[what]
    at_the_top = more.startswith("absent")
    write(tmp_path, text=more + MINE if at_the_top else MINE + more)
    where = (f"--targets-dir={tmp_path}", f"--report-dir={tmp_path / 'reports'}")
    code, output = run("pytest", "-c", "pytest.ini", "--target=mine", *where)
    assert code == 4, output
    assert key in output
    assert "Traceback" not in output
