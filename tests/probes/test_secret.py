"""A secret can't be printed, in any of the ways in which values get printed."""

import copy
import dataclasses
import json
import pickle
import pprint
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from probes.auth.forgeries import KINDS, forge
from probes.auth.tokens import Held, Mint, User
from probes.secret import STARS, Secret, reveal, without_frames

CANARY = "canary-of-thirty-two-characters!"


@dataclasses.dataclass(frozen=True)
class Keeps:
    """A dataclass with a secret in it."""

    key: Secret


class Model(BaseModel):
    """A model with a secret in it."""

    key: Secret = Secret()


PRINTED: dict[str, Any] = {
    "repr": repr,
    "str": str,
    "format": lambda secret: f"{secret}{secret!r}{secret:>40}{secret!s}",
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - a way in which logging prints
    "in a list": lambda secret: str([secret, {secret: secret}]),
    "dataclass": lambda secret: repr(Keeps(secret)),
    "asdict": lambda secret: str(dataclasses.asdict(Keeps(secret))),
    "pprint": lambda secret: pprint.pformat({"a": [secret]}),
    "namespace": lambda secret: repr(SimpleNamespace(secret=secret)),
    "JSON": lambda secret: json.dumps({"a": secret}, default=str),
    "pickle": pickle.dumps,
    "pickled dataclass": lambda secret: pickle.dumps(Keeps(secret)),
    "deep copy": lambda secret: repr(copy.deepcopy([secret])),
    "pydantic": lambda secret: repr(Model(key=secret)) + str(Model(key=secret).model_dump()),
    "pydantic JSON": lambda secret: Model(key=secret).model_dump_json(),
    "attributes": lambda secret: str([(name, getattr(secret, name)) for name in dir(secret) if name != "reveal"]),
    "an exception": lambda secret: repr(ValueError(secret)) + str(ValueError(secret)),
}


@pytest.mark.parametrize("way", PRINTED)
def test_it_prints_as_stars(way: str) -> None:
    printed = PRINTED[way](Secret(CANARY))
    assert CANARY not in (printed if isinstance(printed, str) else printed.decode("latin-1"))


def test_its_stars_say_whether_there_is_one() -> None:
    assert (str(Secret(CANARY)), str(Secret()), bool(Secret(CANARY)), bool(Secret())) == (STARS, "", True, False)
    assert (Secret(CANARY) == Secret(CANARY), Secret(CANARY) == CANARY) == (True, False)


def test_a_socket_gets_the_text() -> None:
    header = Secret(CANARY).derive(lambda text: f"Bearer {text}")
    nested = {
        "token": Secret(CANARY),
        "list": [("Authorization", header)],
    }
    assert reveal(nested) == {"token": CANARY, "list": [("Authorization", f"Bearer {CANARY}")]}


def test_a_value_of_another_type_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"key": [CANARY]}, context=None)
    assert "must be a text, got list" in caught.value.errors()[0]["msg"]


def test_what_holds_a_token_prints_none() -> None:
    mint, user = (
        Mint(secret=Secret(CANARY), issuer="issuer", audience="audience", lifetime_s=900.0),
        User("nv-a", "a@netra-verify.invalid"),
    )
    made = [forge(kind, mint, user) for kind in KINDS]
    shown = repr([mint, Held(mint.good(user), "a test"), mint.good(user), made, [one.headers() for one in made]])
    assert CANARY not in shown
    assert "eyJ" not in shown


def test_what_led_to_an_error_carries_no_frames() -> None:
    def fail() -> None:
        try:
            int("x" + CANARY)
        except ValueError as error:
            raise KeyError("outer") from error

    try:
        fail()
    except KeyError as error:
        bare = without_frames(error)
    assert bare.__traceback__ is None
    assert bare.__cause__ is not None
    assert bare.__cause__.__traceback__ is None


REVEALING = {
    "probes/secret.py",
    "probes/auth/tokens.py",
    "probes/http/timing_transport.py",
    "probes/websocket/handshake.py",
    "probes/database/connection.py",
    "probes/browser/page.py",
    "targets/dsn.py",
    "targets/credentials.py",
    "targets/model.py",
    "targets/loading.py",
    "targets/services.py",
    "gate/redaction.py",
    "probes/http/client.py",
    "probes/http/connecting.py",
    "gate/release/seal.py",
    "gate/crash.py",
}


def test_only_sockets_signers_and_redaction_unwrap() -> None:
    root = Path(__file__).resolve().parents[2]
    rooms = ("suites", "fixtures", "probes", "gate", "targets", "commands")
    found = {
        str(path.relative_to(root))
        for room in rooms
        for path in (root / room).rglob("*.py")
        if ".reveal()" in path.read_text(encoding="utf-8")
    }
    assert found <= REVEALING


# Where a probe makes a secret of a text: of one that was acquired, `learn` has it hidden; the others are made by us.
ACQUIRING = {"probes/auth/login.py", "probes/google/adc.py"}
MAKING = {
    "probes/auth/forgeries.py": "forged here, and a JWT by its looks",
    "probes/auth/foreign_keys.py": "forged here, and a JWT by its looks",
    "probes/http/network_path.py": "of the environment's proxies, which the target reads",
    "probes/websocket/handshake.py": "the name of a subprotocol",
    "probes/secret.py": "the type itself",
}


def test_whoever_acquires_a_credential_has_it_hidden() -> None:
    root = Path(__file__).resolve().parents[2]
    texts = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in (root / "probes").rglob("*.py")}
    making = {name for name, text in texts.items() if re.search(r"\bSecret\((?!\))", text)}
    assert making <= ACQUIRING | MAKING.keys()
    assert all("learn(" in texts[name] for name in ACQUIRING)
