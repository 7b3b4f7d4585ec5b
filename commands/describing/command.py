"""`make target`: look at a service, and write a first TOML for a target with what was found and what was not."""

import os
from dataclasses import dataclass
from pathlib import Path

from commands.console import say, write_file
from commands.describing.answers import Asker, find_document, look_at_operations, look_at_refusals, look_at_routes
from commands.describing.findings import Findings, as_toml, key_of, plain
from commands.describing.published import read_published
from commands.describing.table import look_at_table
from probes.database.connection import connect
from probes.http.client import HttpClient
from probes.http.network_path import UnusablePath
from probes.identity import RunIdentity
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from targets.addresses import what_is_wrong
from targets.loading import NOT_TARGETS, ConfigurationError, describe_target
from targets.names import what_is_wrong as wrong_name
from targets.pasted_dsn import read_pasted

DSN = "NETRA_DATABASE__URL"
NEVER = {  # what can't be seen from outside
    "tokens.algorithm": "HS256, or RS256 with the private key as PEM in NETRA_TOKENS__SIGNING_SECRET",
    "tokens.key_id": "`kid` of a token's header, if the service uses it to find its key",
    "tokens.issuer": "`iss` of a valid token",
    "tokens.audience": "`aud` of a valid token",
    "tokens.lifetime_s": "how long an access token lives",
    "tokens.extra_claims": "what claims an access token has besides sub, email, iss, aud, iat, exp and jti",
    "tokens.refresh_claims": "the claims that distinguish a refresh token; {}: none",
    "paths.auth_logout": 'POST with the token as Bearer; "": no such route',
    "auth.latency_clock": '"server" (Server-Timing, or the request log), or "client"',
    "browser.frontend": 'the origin of the pages that call this service; "": none',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which target to write, in which folder, and its service's addresses."""

    name: str
    folder: Path
    backend: str
    auth: str
    document: str


async def run(wanted: Wanted) -> int:
    """Look, write the TOML, and report what could not be found. Raises ConfigurationError, ProbeError."""
    path = wanted.folder / f"{wanted.name}.toml"
    _refuse(wanted, path)
    findings = Findings()
    try:
        async with HttpClient(wanted.backend, RunIdentity("target"), deadline_s=Deadlines().answer) as client:
            await client.send("GET", "/")  # an unreachable service is reported at once, with the reason
            await _look(Asker(client), wanted.document, findings)
    except (UnusablePath, ValueError) as error:
        raise ConfigurationError(f"BACKEND ({wanted.backend!r}) can't be used: {error}.") from error
    route = findings.found.get("paths.threads", ("", ""))[0]
    await _look_at_database(route, findings)
    for key, what in NEVER.items():
        findings.miss(key, what)
    write_file(path, text_of(wanted, findings), "folder with DIR")
    describe_target(wanted.name, wanted.folder)  # the result must load
    _report(path, findings)
    return 0


def _refuse(wanted: Wanted, path: Path) -> None:
    if wrong := wrong_name(wanted.name):
        raise ConfigurationError(f"NAME ({wanted.name!r}) {wrong}.")
    if wanted.name in NOT_TARGETS:
        raise ConfigurationError(f"NAME ({wanted.name!r}) is taken by a file of the suite's own: give another.")
    for name, url in (("BACKEND", wanted.backend), ("AUTH", wanted.auth)):
        if wrong := what_is_wrong(url):
            raise ConfigurationError(f"{name} {wrong}.")
    if path.exists():
        raise ConfigurationError(f"{path} already exists and is not overwritten: give another NAME or another DIR.")


async def _look(asker: Asker, given: str, findings: Findings) -> None:
    document = await find_document(asker, given)
    if document is None:
        findings.see(
            "api.document",
            "",
            f"{given or 'none of the usual paths'} is not an OpenAPI document: give its path with DOCUMENT=/path",
        )
        findings.miss("paths.threads", "which route lists a user's items?")
    else:
        read_published(document[1], document[0], findings)
        await look_at_operations(asker, document[1], findings)
    await look_at_routes(asker, findings)
    if "paths.threads" in findings.found:
        await look_at_refusals(asker, findings.found["paths.threads"][0], findings)


async def _look_at_database(route: str, findings: Findings) -> None:
    given = os.environ.get(DSN, "")
    if not given:
        findings.miss("database.table", f"{DSN} is not set: set it to inspect the table")
        return
    read = read_pasted(given)
    if read.advice:
        raise ConfigurationError(f"{DSN} {read.advice}.")
    async with connect(Secret(read.url), "target", Deadlines(), pgbouncer=read.pgbouncer) as connection:
        await look_at_table(connection, route, findings)


def text_of(wanted: Wanted, findings: Findings) -> str:
    """The TOML: what was found, with its source, and what was not, as comments."""
    lines = [
        f"# Written by `make target` from what {wanted.backend} shows. Lines with a ? could not be found out: until",
        "# you set them, the values in targets/contract.toml apply. See docs/adding-a-target.md.",
        'environment = "staging"',
        'profile = "service"                    # on Cloud Run, with [platform] project and region: "read-only"',
        'profile_when_writing = "service-writing"   # "staging-writing"',
        "",
        "[backend]",
        f"url = {as_toml(wanted.backend)}",
        f"service = {as_toml(wanted.name)}",
        "",
        "[auth]",
        f"url = {as_toml(wanted.auth)}",
        f"service = {as_toml(wanted.name)}",
        "",
        "[writing]",
        "allowed = false                        # true: rows are seeded if NETRA_WRITING__CONFIRM confirms it",
    ]
    for section, found, unknown in findings.sections():
        lines += ["", f"[contract.{section}]"]
        lines += [f"{key_of(key)} = {as_toml(value)}   # {plain(where)}" for key, (value, where) in found.items()]
        lines += [f"# ? {key}: {plain(what)}" for key, what in unknown.items()]
    return "\n".join(lines) + "\n"


def _report(path: Path, findings: Findings) -> None:
    say(f"{path}: {len(findings.found)} keys of the contract were found, {len(findings.unknown)} were not:")
    for key, what in findings.unknown.items():
        say(f"  contract.{key}: {plain(what)}")
