"""docs/adding-a-target.md holds every key with its default, and its example is a target."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from probes.secret import Secret
from targets.contract import Contract
from targets.contract.parts import Part
from targets.loading import describe_target
from targets.model import Target
from tests.pages import blocks
from tests.standing import ROOT

PAGE = ROOT / "docs/adding-a-target.md"
WALK = re.compile(r"<!-- walk: begin -->(.*)<!-- walk: end -->", re.DOTALL)
ROW = re.compile(r"^\| `([a-z_]+)` \| (needed|`[^`]*`) \| .+ \|$", re.MULTILINE)


def sections() -> Iterator[tuple[str, dict[str, FieldInfo]]]:
    yield (
        "At the top",
        {key: field for key, field in Target.model_fields.items() if key != "name" and not is_section(field)},
    )
    for key, field in Target.model_fields.items():
        if is_section(field):
            assert isinstance(field.annotation, type)
            assert issubclass(field.annotation, Part)
            yield f"`[{key}]`", field.annotation.model_fields


def is_section(field: FieldInfo) -> bool:
    kind = field.annotation
    return isinstance(kind, type) and issubclass(kind, Part) and kind is not Contract


def default_of(field: FieldInfo) -> Any:  # noqa: ANN401 - whatever a key may be
    default = field.get_default(call_default_factory=True)
    if isinstance(default, Secret):
        return default.reveal()
    return default


@pytest.mark.parametrize("name,fields", [*sections()], ids=lambda it: it if isinstance(it, str) else "")
def test_every_key_of_a_section_is_there_with_its_default(name: str, fields: dict[str, FieldInfo]) -> None:
    parts = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    part = next(one for one in parts if name in one.partition("\n")[0])
    told = dict(ROW.findall(part))
    assert told.keys() == fields.keys()
    for key, text in told.items():
        default = default_of(fields[key])
        if text == "needed":
            assert default is PydanticUndefined, key
        elif default == ():
            assert text == "`[]`", key
        else:
            assert tomllib.loads(f"it = {text.strip('`')}")["it"] == default, key


def test_the_example_is_a_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRA_WRITING__CONFIRM", "mine")
    walk = WALK.search(PAGE.read_text(encoding="utf-8"))
    assert walk  # its blocks are one file by themselves: tests/system/test_second_team.py
    texts = [block.text for block in blocks(PAGE) if block.language == "toml" and block.text not in walk[1]]
    example, login, own, deviations, contract = texts
    (tmp_path / "mine.toml").write_text(
        f"{deviations.partition('[[')[0]}{example}\n{login}\n{own}\n[[{deviations.partition('[[')[2]}"
    )
    assert tomllib.loads(contract) == tomllib.loads((ROOT / "targets/contract.toml").read_text(encoding="utf-8"))
    target = describe_target("mine", tmp_path)
    assert target.required_profile == "staging-writing"
    assert target.gone == {"auth.server-timing", "health.detailed", "metrics"}
    assert [one.what for one in target.accepted] == ["auth.cheap-refusal"]
    assert [one.id for one in target.checks] == ["billing.plans"]
    assert (target.contract.auth.latency_clock, target.contract.login.path) == ("client", "/login")


def test_every_variable_of_the_page_sets_a_key() -> None:
    told = set(re.findall(r"NETRA_([A-Z]+__[A-Z_]+)", PAGE.read_text(encoding="utf-8")))
    for name in told - {"SECTION__KEY", "CONTRACT__DATABASE__HEADS"}:
        section, _, key = name.lower().partition("__")
        part = Target.model_fields[section].annotation
        assert isinstance(part, type)
        assert issubclass(part, Part)
        assert key in part.model_fields, name
