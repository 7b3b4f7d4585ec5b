"""Reading a target: contract, the target's TOML, the addresses overlay and the environment, in rising order."""

import json
import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from targets.model import ENV_PREFIX, Target

HERE = Path(__file__).parent
ADDRESSES_VARIABLE = "NETRA_ADDRESSES"
GIVEN_TOKEN = "TOKEN"  # noqa: S105 - the name of a variable
HEADS = "contract.database.heads"
ON_GOOGLE = ("K_SERVICE", "CLOUD_RUN_JOB", "GCE_METADATA_HOST", "CLOUD_BUILD")  # there the metadata server gives them
NOT_TARGETS = frozenset({"contract", "needs", "profiles"})


class ConfigurationError(Exception):
    """The configuration can't be used; the text is one paragraph that names the key and what to do."""


def target_names(folder: Path = HERE) -> list[str]:
    """Every target that the folder describes."""
    return sorted(path.stem for path in folder.glob("*.toml") if path.stem not in NOT_TARGETS)


def load_target(name: str, folder: Path | None = None) -> Target:
    """Read a target by name from `folder` (ours when None). Raises ConfigurationError, contacts nothing."""
    target = _load(name, folder, with_addresses=True)
    _require(target)
    return target


def describe_target(name: str, folder: Path | None = None) -> Target:
    """A target for those who contact nothing: as its TOML and the environment say, whatever is not configured."""
    return _load(name, folder, with_addresses=False)


def _load(name: str, folder: Path | None, *, with_addresses: bool) -> Target:
    path = _find(name, folder)
    described = read_toml(path)
    contract = _merge(read_toml(HERE / "contract.toml"), described.pop("contract", {}))
    addresses = described.pop("addresses", "")
    overlay = _addresses(addresses) if with_addresses else {}
    values = _merge({"name": name} | described, overlay) | {"contract": contract}
    if os.environ.get(GIVEN_TOKEN):
        values = _merge(values, {"tokens": {"given": os.environ[GIVEN_TOKEN]}})
    _refuse_env_leave()
    try:
        return _from_sources(values)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, path)) from error


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another, table by table."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _find(name: str, folder: Path | None) -> Path:
    for place in (folder, HERE):
        path = (place or HERE) / f"{name}.toml"
        if name not in NOT_TARGETS and path.is_file():
            return path
    known = sorted({*target_names(HERE), *(target_names(folder) if folder else [])})
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ConfigurationError(
        f"There is no target {name!r} (--target): known are {', '.join(known)}.{hint} "
        f"A target of your own is a file {name}.toml in a folder given with --targets-dir."
    )


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file. Raises ConfigurationError naming the file and the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}. Correct that line.") from error
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}.") from error


def _addresses(default: str) -> dict[str, Any]:
    """The overlay that a running twin writes; only targets with an `addresses` key take one."""
    if not default:
        return {}
    path = Path(os.environ.get(ADDRESSES_VARIABLE) or default)
    try:
        return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no {path}: the twin isn't up. Start it with `make up`, or use `make verify-local`, "
            "which starts and stops one of its own."
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} can't be used as the twin's addresses: {error}.") from error


def _refuse_env_leave() -> None:
    if f"{ENV_PREFIX}WRITING__ALLOWED" in os.environ:
        raise ConfigurationError(
            f"{ENV_PREFIX}WRITING__ALLOWED is set, but leave to write is given by the target's TOML "
            f"(`[writing] allowed`) and only confirmed by the environment ({ENV_PREFIX}WRITING__CONFIRM=<target>). "
            "Unset it."
        )


def _from_sources(values: Mapping[str, Any]) -> Target:
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
            del settings_cls, dotenv_settings, file_secret_settings
            return env_settings, init_settings  # the environment wins, key by key

    return Sourced(**values)


def _explain(error: ValidationError, path: Path) -> str:
    said = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        what = "is not a key that a target has" if problem["type"] == "extra_forbidden" else problem["msg"]
        said.append(f"`{key}` {what}")
    return (
        f"The target in {path} can't be used: {'; '.join(said)}. Keys and their meaning are in targets/model.py "
        f"and docs/adding-a-target.md; the environment sets them as {ENV_PREFIX}SECTION__KEY."
    )


def _require(target: Target) -> None:
    missing = {
        f"{ENV_PREFIX}{key.upper().replace('.', '__')}": why
        for key, why in target.requires.items()
        if not _value(target, key) and not (key == HEADS and target.database.alembic)
    }
    if target.platform.credentials == "google" and not _has_google_credentials(target):
        missing["GOOGLE_APPLICATION_CREDENTIALS"] = (
            "reads logs and revisions; or gcloud auth application-default login, "
            f"or {ENV_PREFIX}PLATFORM__ACCESS_TOKEN with an access token"
        )
    if missing:
        lines = "\n".join(f"  {name}  {why}" for name, why in missing.items())
        raise ConfigurationError(
            f"Target {target.name!r} is not configured, and nothing was contacted. "
            f"Set in the environment:\n{lines}\nWhat each enables: docs/adding-a-target.md."
        )


def _has_google_credentials(target: Target) -> bool:
    """Whether application default credentials can be expected; looks at files and variables, contacts nothing."""
    given = target.platform.access_token.get_secret_value() or os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    folder = Path(os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config/gcloud")
    on_google = any(name in os.environ for name in ON_GOOGLE)
    return bool(given) or on_google or (folder / "application_default_credentials.json").is_file()


def _value(target: Target, key: str) -> object:
    value: object = target
    for part in key.split("."):
        value = getattr(value, part)
    return value.get_secret_value() if isinstance(value, SecretStr) else value
