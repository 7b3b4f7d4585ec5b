"""Reading a target: the contract, the target's TOML, the addresses overlay and the environment; the last one wins."""

import json
import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsError

from targets import google_credentials, names
from targets.contract import WHOLE
from targets.credentials import what_is_wrong, wrong_claims, wrong_evidence_key
from targets.explaining import explain, refuse_unknown_sections
from targets.leave import LeaveError, flat, nested, refuse_addresses, refuse_elsewhere, refuse_variables, variable
from targets.model import ENV_PREFIX, Target
from targets.overrides import list_overrides

HERE = Path(__file__).parent
ADDRESSES_VARIABLE = "NETRA_ADDRESSES"
GIVEN_TOKEN = "TOKEN"  # noqa: S105 - the name of a variable
BYTE_ORDER_MARK = "\ufeff"
HEADS = "contract.database.heads"
NEEDED_TO_READ: dict[str, type] = {"contract": dict, "requires": dict, "contract_of": str, "addresses": str}
NOT_TARGETS = frozenset({"contract", "needs", "profiles"})


class ConfigurationError(Exception):
    """The configuration can't be used; the text is one paragraph with the key and what to do."""


class UnknownTarget(ConfigurationError):
    """There is no target with this name."""


def target_names(folder: Path = HERE) -> list[str]:
    """Every target in the folder."""
    return sorted(path.stem for path in folder.glob("*.toml") if path.stem not in NOT_TARGETS)


@dataclass(frozen=True, slots=True)
class _Sources:
    """What each source says about a target."""

    path: Path
    described: dict[str, Any]  # the TOML, over the contract's defaults
    overlay: dict[str, Any] = field(repr=False)  # a running twin's addresses
    given: dict[str, Any] = field(repr=False)  # the environment, including credentials

    @property
    def below(self) -> dict[str, Any]:
        return _merge(self.described, self.overlay)

    @property
    def overrides(self) -> dict[str, bool]:
        return list_overrides(flat(self.below), self.given, self.described.get("requires", {}), _defaults_of(Target))


def load_target(name: str, folder: Path | None = None, needed: Collection[str] | None = None) -> Target:
    """Read a target by name from `folder` (None: ours). Raises ConfigurationError, contacts nothing.

    Everything that its file requires must be configured; with `needed`, only these keys.
    """
    sources = _read(name, folder, with_addresses=True)
    target = _build(sources, sources.given)
    try:
        if target.may_write:
            _refuse_elsewhere(target, sources)
    except LeaveError as error:
        raise ConfigurationError(str(error)) from error
    _require(target, needed)
    _look_at_credentials(target)
    return target


def describe_target(name: str, folder: Path | None = None) -> Target:
    """A target for judging stored results, without contacting anything: nothing has to be configured.

    Settings in the environment that weaken a run (`overrides_of`) are ignored.
    """
    sources = _read(name, folder, with_addresses=False)
    weaker = {one for one, weakens in sources.overrides.items() if weakens}
    heard = {key: value for key, value in flat(sources.given).items() if variable(key) not in weaker}
    return _build(sources, nested(heard))


def overrides_of(name: str, folder: Path | None = None) -> dict[str, bool]:
    """The variables that differ from the target's file, and whether each weakens a run."""
    return _read(name, folder, with_addresses=True).overrides


def described_by(name: str, folder: Path | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A target as its file describes it, and the suite's defaults by dotted key. Raises ConfigurationError."""
    contract = flat({"contract": _default_contract()})
    return _read(name, folder, with_addresses=False).described, _defaults_of(Target) | contract


def _read(name: str, folder: Path | None, *, with_addresses: bool) -> _Sources:
    path = _find(name, folder)
    described = read_toml(path)
    for key, kind in NEEDED_TO_READ.items():
        if not isinstance(described.get(key, kind()), kind):
            what = "a table" if kind is dict else "a text"
            raise ConfigurationError(f"The target in {path} can't be used: `{key}` must be {what}. Correct that line.")
    contract = _contract(described, folder)
    addresses = described.pop("addresses", "")
    try:
        refuse_unknown_sections(os.environ, Target)
        given = EnvSettingsSource(Target)()
        refuse_variables(flat(given))
        overlay = _addresses(addresses, described) if with_addresses else {}
    except SettingsError as error:
        raise ConfigurationError(
            f"{_unreadable(os.environ)} can't be read: it is not JSON, and nothing was contacted. "
            'A variable for a section or for headers is a JSON object ({"X-Key": "..."}), one for a list a JSON list '
            '(["..."]).'
        ) from error
    except LeaveError as error:
        raise ConfigurationError(str(error)) from error
    if os.environ.get(GIVEN_TOKEN):
        given = _merge({"tokens": {"given": os.environ[GIVEN_TOKEN]}}, given)
    return _Sources(path, {"name": name} | described | {"contract": contract}, overlay, given)


def _unreadable(environ: Mapping[str, str]) -> str:
    """The variables that can't be read even alone, separated by commas."""
    found = []
    for name, value in sorted(environ.items()):
        source = EnvSettingsSource(Target)
        source.env_vars = {name.lower(): value} if name.upper().startswith(ENV_PREFIX) else {}
        try:
            source()
        except SettingsError:
            found.append(name)
    return ", ".join(found)


@cache
def _default_contract() -> Mapping[str, Any]:
    """The contract of the suite's own file, which a run needs several times."""
    return read_toml(HERE / "contract.toml")


def _contract(described: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """The contract's defaults, overridden by the target in `contract_of` and then by this one."""
    contract = _default_contract()
    like = described.pop("contract_of", "")
    if like:
        contract = _merge(contract, read_toml(_find(like, folder)).get("contract", {}), WHOLE)
    return _merge(contract, described.pop("contract", {}), WHOLE)


def _build(sources: _Sources, given: Mapping[str, Any]) -> Target:
    try:
        return _from_values(_merge(sources.below, given))
    except ValidationError as error:
        raise ConfigurationError(explain(error, sources.path, given, Target)) from error


def _refuse_elsewhere(target: Target, sources: _Sources) -> None:
    places = {
        "backend.url": target.backend.url,
        "auth.url": target.auth.url,
        "database.url": target.database.url.reveal(),
    }
    confirmed = target.writing.confirm == target.name
    refuse_elsewhere(target.environment, flat(sources.described), flat(sources.given), places, confirmed=confirmed)


def _defaults_of(model: type[BaseModel], below: str = "") -> dict[str, Any]:
    """The defaults of a model and its parts, by dotted key."""
    found: dict[str, Any] = {}
    for name, described in model.model_fields.items():
        part = described.annotation
        if isinstance(part, type) and issubclass(part, BaseModel):
            found |= _defaults_of(part, f"{below}{name}.")
        elif not described.is_required():
            found[below + name] = described.get_default(call_default_factory=True)
    return found


def _merge(
    below: Mapping[str, Any], above: Mapping[str, Any], whole: Collection[str] = (), at: str = ""
) -> dict[str, Any]:
    """Lay one mapping over another, table by table; the tables in `whole` (by dotted key) are replaced."""
    merged = dict(below)
    for key, value in above.items():
        under, name = merged.get(key), f"{at}{key}"
        tables = isinstance(under, dict) and isinstance(value, dict) and name not in whole
        merged[key] = _merge(under or {}, value, whole, f"{name}.") if tables else value
    return merged


def _find(name: str, folder: Path | None) -> Path:
    if wrong := names.wrong_folder(folder):
        raise ConfigurationError(f"--targets-dir {wrong}.")
    for place in () if names.what_is_wrong(name) or name in NOT_TARGETS else (folder, HERE):
        if (path := (place or HERE) / f"{name}.toml").is_file():
            return path
    known = sorted({*target_names(HERE), *(target_names(folder) if folder else [])})
    hint = "".join(f" Did you mean {near!r}?" for near in get_close_matches(name, known, n=1))
    raise UnknownTarget(
        f"There is no target {name!r} (--target): known are {', '.join(known)}.{hint} "
        "Your own target is a file NAME.toml in a folder given with --targets-dir."
    )


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file. Raises ConfigurationError naming the file and the line."""
    try:
        text = path.read_text(encoding="utf-8")
        if text.startswith(BYTE_ORDER_MARK):
            raise ConfigurationError(f"{path} begins with a byte order mark: save it as UTF-8 without one (no BOM).")
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of too many digits, and tables in tables
        raise ConfigurationError(f"{path} is not valid TOML: {error}. Correct that line.") from error
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}.") from error


def _addresses(default: str, described: Mapping[str, Any]) -> dict[str, Any]:
    """The overlay that a running twin writes; only targets with an `addresses` key have one."""
    if not default:
        return {}
    path = Path(os.environ.get(ADDRESSES_VARIABLE) or default)
    try:
        overlay: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no {path}: this target (`local` unless --target names another) is the embedded twin, which "
            "isn't up. In a checkout start it with `make up`, or use `make verify-local`, which starts and stops its "
            "own. An installed suite has no twin: name your target with --target."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} can't be used as the twin's addresses: {error}.") from error
    if not isinstance(overlay, dict):
        raise ConfigurationError(f"{path} can't be used as the twin's addresses: it is not an object.")
    refuse_addresses(overlay, described, path)
    return overlay


def _from_values(values: Mapping[str, Any]) -> Target:
    class Sourced(Target):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del settings_cls, env_settings, dotenv_settings, file_secret_settings
            return (init_settings,)  # they already include the relevant settings from the environment

    return Sourced(**values)


def _require(target: Target, needed: Collection[str] | None) -> None:
    """Refuse a target without what its file requires: everything, or only these keys."""
    values = {key: _value(target, key) for key in target.requires}
    if needed is None and target.token_alone:
        return  # whatever it can't access is listed as not proved
    missing = {
        f"{ENV_PREFIX}{key.upper().replace('.', '__')}": why
        for key, why in target.requires.items()
        if not values[key] and not (key == HEADS and target.database.alembic) and (needed is None or key in needed)
    }
    if needed is None and target.platform.lacks_google:
        missing[google_credentials.VARIABLE] = (
            "for reading logs and revisions; or gcloud auth application-default login, "
            f"or {ENV_PREFIX}PLATFORM__ACCESS_TOKEN with an access token"
        )
    if missing:
        lines = "\n".join(f"  {name}  {why}" for name, why in missing.items())
        raise ConfigurationError(
            f"Target {target.name!r} is not configured, and nothing was contacted. "
            f"Set in the environment:\n{lines}\nWhat each is for: docs/adding-a-target.md."
        )


def _look_at_credentials(target: Target) -> None:
    claims = target.contract.tokens
    used = target.token_way == "given"  # noqa: S105 - the name of a way
    wrong = what_is_wrong(target.credentials, token_is_used=used, algorithm=claims.algorithm)
    wrong += wrong_evidence_key(os.environ)
    wrong += [why] if _uses_google(target) and (why := google_credentials.what_is_wrong()) else []
    wrong += wrong_claims({"contract.tokens.audience": claims.audience, "contract.tokens.issuer": claims.issuer})
    if wrong:
        raise ConfigurationError(f"Target {target.name!r} can't be used, and nothing was contacted. {' '.join(wrong)}")


def _uses_google(target: Target) -> bool:
    """Whether anything is read with Google's application default credentials."""
    place = target.platform
    reads = bool(place.project) and place.credentials == "google" and not place.access_token
    passes = any(service.identity == "google" for service in (target.backend, target.auth))
    return reads or passes or target.prometheus.credentials == "google" or target.database.login == "google"


def _value(target: Target, key: str) -> object:
    """The value of a dotted key. Raises ConfigurationError for one that no target has."""
    value: object = target
    for part in key.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, BaseModel) and part in type(value).model_fields:
            value = getattr(value, part)
        else:
            raise ConfigurationError(
                f"Target {target.name!r} can't be used: [requires] names `{key}`, which is not a key of a target. "
                "Correct or remove that line; the keys are in docs/adding-a-target.md."
            )
    return value
