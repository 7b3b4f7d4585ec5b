#!/usr/bin/env python3
"""What is installed with the suite: `supply_chain.py sbom FILE`, `supply_chain.py audit`, from the locks.

`sbom` writes CycloneDX 1.6 of requirements-suite-extras.lock, what CI and the container install, with licences and
hashes. `audit` asks PyPI's advisories about every package of every lock: 0 if none is known, 1 if one is,
2 if PyPI did not answer about every package, which proves nothing.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any
from uuid import UUID

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = ROOT / "requirements-suite-extras.lock"
LOCKS = (INSTALLED, ROOT / "requirements.lock")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z,-]+\])?==([^ ;\\]+)", re.MULTILINE)
ENTRY = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z,-]+\])?==[^\n]*\n((?:    --hash=[^\n]*\n)+)", re.MULTILINE)
HASH = re.compile(r"sha256:([0-9a-f]{64})")
LICENCES = LicenseFactory()
EPOCH, ZERO = datetime.fromtimestamp(0, UTC), UUID(int=0)  # fixed, because the document must depend only on the lock
CLASSIFIER = "License :: OSI Approved :: "
KNOWN, NOT_ASKED = 1, 2
LONGEST_NAME = 60
AUDIT_S = 600.0


class NotAsked(Exception):
    """PyPI did not answer about every package; the text says why in a sentence."""


def pins(lock: Path) -> dict[str, str]:
    """Each package of a lock with its version."""
    return dict(PIN.findall(lock.read_text(encoding="utf-8")))


def licence_of(package: str, listed: Mapping[str, str]) -> tuple[str, ...]:
    """A package's licences: its SPDX expression or its classifiers; else the one in `listed`; or none."""
    try:
        about = metadata(package)
    except PackageNotFoundError:
        return (listed[package],) if package in listed else ()
    if "License-Expression" in about:
        return (about["License-Expression"],)
    named = [one.removeprefix(CLASSIFIER) for one in about.get_all("Classifier") or [] if one.startswith(CLASSIFIER)]
    older = about["License"] if "License" in about else ""  # noqa: SIM401 - the type of a message has no `get`
    named += [older] if not named and older and len(older) < LONGEST_NAME else []  # some have the whole text there
    return tuple(named) or ((listed[package],) if package in listed else ())


def licences(lock: Path) -> dict[str, tuple[str, ...]]:
    """Each package in a lock with its licences."""
    listed = tomllib.loads((ROOT / "deploy/licences.toml").read_text(encoding="utf-8"))["of"]
    return {package: licence_of(package, listed) for package in pins(lock)}


def describe(lock: Path) -> str:
    """The lock as a CycloneDX document with licences and hashes; the same lock and packages give the same document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named, hashes = licences(lock), dict(ENTRY.findall(lock.read_text(encoding="utf-8")))
    suite = Component(
        name=project["name"], version=project["version"], type=ComponentType.APPLICATION, bom_ref=project["name"],
        licenses=[LICENCES.make_from_string(project["license"])],
    )  # fmt: skip
    parts = [
        Component(
            name=name, version=version, bom_ref=f"{name}=={version}", purl=PackageURL("pypi", None, name, version),
            licenses=[LICENCES.make_from_string(one) for one in named[name]],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in HASH.findall(hashes[name])],
        )
        for name, version in pins(lock).items()
    ]  # fmt: skip
    document = Bom(components=parts, metadata=BomMetaData(component=suite, timestamp=EPOCH), serial_number=ZERO)
    document.register_dependency(suite, parts)
    return str(JsonV1Dot6(document).output_as_string(indent=1)) + "\n"


def audit(locks: Iterable[Path]) -> list[str]:
    """One line per advisory on a package in these locks. Raises NotAsked if PyPI did not answer about one."""
    found: dict[str, None] = {}
    for lock in locks:
        for one in _asked(lock):
            name = f"{one['name']} {one.get('version', '')}".strip()
            if "skip_reason" in one:
                raise NotAsked(f"{lock.name}: {name} was not checked ({one['skip_reason']})")
            for advisory in one["vulns"]:
                fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
                found[f"{name}: {advisory['id']}, fixed in {fixed}"] = None
    return list(found)


def _asked(lock: Path) -> list[dict[str, Any]]:
    command = ["-r", str(lock), "--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", *command], check=False, capture_output=True, text=True, timeout=AUDIT_S
    )
    try:
        answered: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError) as error:
        last = (done.stderr.strip().splitlines() or ["pip-audit printed nothing"])[-1]
        raise NotAsked(f"{lock.name}: PyPI's advisories can't be reached ({last[:300]})") from error
    missing = pins(lock).keys() - {one["name"].lower().replace("_", "-") for one in answered}
    if missing:
        raise NotAsked(f"{lock.name}: no answer about {', '.join(sorted(missing))}")
    return answered


def main(words: list[str]) -> int:
    """Run one command; return its exit code."""
    if words[:1] == ["sbom"] and len(words) == 2:  # noqa: PLR2004 - a word and a file
        path = Path(words[1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(describe(INSTALLED), encoding="utf-8")
        return _say(f"{path}: {len(pins(INSTALLED))} packages, CycloneDX 1.6", 0)
    if words != ["audit"]:
        return _say("supply_chain.py sbom FILE, or supply_chain.py audit", 4)
    try:
        found = audit(LOCKS)
    except NotAsked as error:
        why = f"{error}. Try again with access to PyPI."
        return _say(f"Nothing is known about the packages' vulnerabilities: {why}", NOT_ASKED)
    for line in found:
        _say(line, 0)
    return _say(
        f"{len(found)} known vulnerabilities in {sum(len(pins(one)) for one in LOCKS)} pins", KNOWN if found else 0
    )


def _say(text: str, code: int) -> int:
    print(text, flush=True)  # noqa: T201 - a command's output
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
