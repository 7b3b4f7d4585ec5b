"""Methods that no handler was written for, on every route that the contract names."""

from dataclasses import replace

import pytest

from fixtures.http_services import Door, refuse_server_error
from gate.check import check
from gate.evidence import Recorder
from probes.auth.tokens import TokenSource, User
from targets.contract import Contract

ROUTES = ("threads", "health", "liveness", "readiness", "metrics")


@check(
    "api.head-and-options",
    requirement="HEAD and OPTIONS of every offered route are answered, and never with 5xx",
    needs="http token",
    remedy="Answer HEAD as GET without its body, and OPTIONS with Allow; a handler reads no body that is not sent.",
)
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
async def test_a_method_without_a_handler_is_answered(
    backend: Door, contract: Contract, tokens: TokenSource, owner: User, recorder: Recorder, method: str
) -> None:
    """Each of the contract's routes answers it, with a good token and without, and with no 5xx."""
    unrouted = replace(backend, routes={})  # a 404 to these methods is no missing route
    paths = [path for key in ROUTES if (path := getattr(contract.paths, key))]
    said = {}
    for path in [*paths, *([contract.api.document] if contract.api.document else [])]:
        for token in (tokens.good(owner), None):
            answer = await unrouted.ask(method, path, token=token)
            said[f"{path}{' with a token' if token else ''}"] = answer.status
            refuse_server_error(answer, f"{method} {path}: any answer but 5xx")
    recorder.attach("statuses", said)
