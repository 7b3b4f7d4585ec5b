"""Only the TOML permits writing: which keys no variable may set, and where a permission does not apply.

The target's own file comes first. The environment confirms (`NETRA_WRITING__CONFIRM`) and provides credentials;
it can neither decide what kind of target this is nor move a permission from one place to another.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

PREFIX = "NETRA_"
# What decides about writing: what target this is, its name, and the permission itself.
TOML_ALONE = frozenset(
    {
        "name",
        "environment",
        "profile_when_writing",
        "writing.allowed",
        "backend.service",
        "auth.service",
        "platform.project",
        "rollout.may_shift",
    }
)
PLACES = ("backend.url", "auth.url", "database.url")
# What a running twin overrides in its target: its addresses and its secrets, created at boot.
OVERLAID = frozenset(
    {
        *PLACES,
        "tokens.signing_secret",
        "tokens.service_key",
        "tokens.login_key",
        "platform.project",
        "platform.region",
        "platform.credentials",
        "platform.logging_url",
        "platform.run_url",
        "platform.monitoring_url",
        "platform.bigquery_url",
        "twin.control_url",
        "twin.hour_s",
        "twin.turns",
        "twin.users",
    }
)
UNREADABLE = "unreadable"
PASSWORD = re.compile(r"\bpassword\s*=\s*('(?:[^'\\]|\\.)*'|\S+)")


class LeaveError(Exception):
    """Something other than the TOML would decide about writing; the text is one paragraph that says what to do."""


def flat(values: Mapping[str, Any], below: str = "") -> dict[str, Any]:
    """Nested values by dotted key."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{below}{key}.") if isinstance(value, Mapping) else {f"{below}{key}": value}
    return found


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The opposite of `flat`."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        *above, last = key.split(".")
        part = found
        for one in above:
            part = part.setdefault(one, {})
        part[last] = value
    return found


def variable(key: str) -> str:
    """The environment variable for a dotted key."""
    return PREFIX + key.upper().replace(".", "__")


def refuse_variables(given: Mapping[str, Any]) -> None:
    """Refuse variables for keys that only the TOML may set. `given`: the environment's values, by dotted key.

    Raises:
        LeaveError: There is one.
    """
    for key in sorted(TOML_ALONE & given.keys()):
        hint = (
            f"; the environment only confirms the permission to write ({variable('writing.confirm')}=<target>)"
            if key == "writing.allowed"
            else ""
        )
        raise LeaveError(
            f"{variable(key)} is set, but `{key}` decides about writing, so only the target's TOML may set it{hint}. "
            "Unset it; describe another service, project or environment as another target."
        )


def refuse_addresses(overlay: Mapping[str, Any], described: Mapping[str, Any], path: object) -> None:
    """Refuse addresses that a twin of this target would never write: other keys, another machine, another project.

    Raises:
        LeaveError: There is one.
    """
    addresses = flat(overlay)
    for key in sorted(addresses.keys() - OVERLAID):
        raise LeaveError(f"{path} can't be used as the twin's addresses: only the TOML may set `{key}`.")
    project = flat(described).get("platform.project")
    if addresses.get("platform.project", project) != project:
        raise LeaveError(
            f"{path} can't be used as the twin's addresses: its project is {addresses['platform.project']!r}, but the "
            f"target's TOML has {project!r}."
        )
    for key in PLACES:
        away = [host for host in hosts(str(addresses.get(key, ""))) if not is_here(host)]
        if away:
            raise LeaveError(
                f"{path} can't be used as the twin's addresses: `{key}` is on {away[0]!r}, but a twin is on this "
                "machine. Describe another service as another target."
            )


def refuse_elsewhere(
    environment: str,
    described: Mapping[str, Any],
    given: Mapping[str, Any],
    places: Mapping[str, str],
    *,
    confirmed: bool,
) -> None:
    """Refuse a permission to write to any other place than the one that it was given for.

    Args:
        environment: The target's.
        described: What the TOML says, by dotted key.
        given: What the environment says, by dotted key.
        places: The addresses in force, by dotted key.
        confirmed: Whether the environment confirms writing.

    Raises:
        LeaveError: The environment moves an address that the TOML names; a target that needs no confirmation is not
            on this machine, or the environment names its database; the database's address leaves host or name
            to other variables (PGHOST, PGDATABASE).
    """
    _refuse_moved(described, given)
    if environment == "local" and not confirmed:
        _refuse_unconfirmed(given, places)
    _refuse_incomplete(places["database.url"])


def _refuse_moved(described: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    for key in PLACES:
        if described.get(key) and key in given and given[key] != described[key]:
            raise LeaveError(
                f"{variable(key)} moves this target to another place than its TOML says, but permission to write is "
                "for one place only. Unset the variable or the confirmation, or describe that place as another target."
            )


def _refuse_incomplete(database: str) -> None:
    if database and not (hosts(database) and database_name(database)):
        raise LeaveError(
            f"{variable('database.url')} has no host or no database name, so PGHOST or PGDATABASE would decide where "
            "rows are written. Write postgresql://user:password@host/database."
        )


def _refuse_unconfirmed(given: Mapping[str, Any], places: Mapping[str, str]) -> None:
    confirm = f"Unset it, or confirm with {variable('writing.confirm')}=<target>."
    if "database.url" in given:
        raise LeaveError(
            f"{variable('database.url')} sets the database of a local target, which is written to without "
            f"confirmation. {confirm}"
        )
    for key, place in places.items():
        away = [host for host in hosts(place) if not is_here(host)]
        if away:
            raise LeaveError(
                f"`{key}` is on {away[0]!r}, but a local target, written to without confirmation, is on this machine. "
                "Describe a service on another machine as a target with another `environment`."
            )


def hosts(address: str) -> list[str]:
    """Every host in a URL or a database's address: separated by commas, in the query, or as keywords."""
    if "://" not in address:
        return [host for one in _keywords(address, "host", "hostaddr") for host in one.split(",") if host]
    parts = _split(address)
    netloc = parts.netloc.rpartition("@")[2]  # as the drivers read it
    named = [re.sub(r":\d*$", "", one).strip("[]") for one in netloc.split(",")]
    query = parse_qs(parts.query)
    also = [host for key in ("host", "hostaddr") for value in query.get(key, []) for host in value.split(",")]
    return [unquote(host) for host in (*named, *also) if host]


def database_name(address: str) -> str:
    """The name of the database in an address; empty if it has none."""
    if "://" not in address:
        return next(_keywords(address, "dbname", "database"), "")
    parts = _split(address)
    query = parse_qs(parts.query)
    return unquote(parts.path).strip("/") or next(
        (value for key in ("dbname", "database") for value in query.get(key, [])), ""
    )


def names_in(address: str) -> list[str]:
    """Everything in an address except the password."""
    if "://" not in address:
        return [PASSWORD.sub("", address)]
    user, at, place = address.partition("://")[2].partition("@")
    return [unquote(user.partition(":")[0]) if at else "", unquote(PASSWORD.sub("", place if at else user))]


def is_here(host: str) -> bool:
    """Whether a host is this machine: loopback, or a socket's folder."""
    if host.startswith("/") or host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _split(address: str) -> SplitResult:
    """The parts of a URL. One that can't be read gets a host that is not this machine: nothing is written there."""
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("", UNREADABLE, UNREADABLE, "", "")


def _keywords(text: str, *keys: str) -> Iterator[str]:
    for match in re.finditer(r"\b(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))", text):
        if match[1] in keys:
            yield match[2] or match[3] or ""
