"""Find the road: from an id to claim, data, observation, fault and verdict."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.prove.expectations import Expectation, load, matches
from tests.road.source import (
    ROOT,
    Function,
    Place,
    arguments,
    declared_by_helper,
    declared_by_pattern,
    decorated,
    definition,
    files,
    fixtures,
    imported,
    lines_with,
    module_of,
    names_used,
    naming,
    text,
)

Road = dict[str, list[Place]]
EXPECTATIONS = ROOT / "tests/prove/expectations.toml"
CHECKLIST = ROOT / "gate/report/checklist.toml"
PROFILES = ROOT / "targets/profiles.toml"
CONTRACT = ROOT / "targets/contract.toml"
CONTRACT_KEY = re.compile(r"\bcontract\.([a-z_]+(?:\.[a-z_]+)?)")
EVERY_TEST = frozenset({"request", "pytestconfig"})
# What nearly every test asks for, and what its name says: the settings, users and their tokens, the services' clients,
# the run and its evidence.
GIVEN = frozenset(
    {
        ROOT / "fixtures/target.py",
        ROOT / "fixtures/users.py",
        ROOT / "fixtures/tokens.py",
        ROOT / "fixtures/http_services.py",
        ROOT / "gate/session/plugin.py",
    }
)


@cache
def find(wanted: str) -> Road:
    """The road of a check (`family.name`, or one of its cases) or of a fault. Raises KeyError for an unknown id."""
    try:
        path, call, function = declaration(wanted.partition("[")[0])
    except KeyError:
        return _of_fault(wanted)
    return _of_check(wanted, Place(path, function.lineno, _claim(function)), call, function)


@cache
def declaration(check_id: str) -> tuple[Path, ast.Call, Function]:
    """Where a check is declared. Raises KeyError for an unknown id."""
    for path in naming("suites", f'"{check_id}"'):
        for found, call, function in decorated(path, "check"):
            if found == check_id:
                return path, call, function
    raise KeyError(check_id)


def shorten(check_id: str, road: Road) -> Road:
    """What of a check's road has to be opened: its claim, where its data come from, a fault, and what requires it.

    The data come from the fixtures that the test asks for and that no other of them builds on, without those of
    `GIVEN`, and from the contract's values that the test names.
    """
    path, _, function = declaration(check_id)
    asked = [name for name in arguments(function) if name in fixtures()]
    below = {name: {place.what for place in _fixtures_of(fixtures()[name][1])} for name in asked}
    built_on = {inner for name in asked for inner in below[name] - {name}}
    outermost = {name for name in asked if name not in built_on}
    data = [place for place in road["fixtures"] if place.what in outermost and place.path not in GIVEN]
    return {
        "claim": road["declaration"][1:],
        "data": [*data, *_contract([(path, function)])],
        "fault": road["faults"][:1],
        "verdict": road["required by"][:1],
    }


def files_of(road: Road) -> set[Path]:
    """The files that a road leads through."""
    return {place.path for places in road.values() for place in places}


def known() -> list[str]:
    """Every id that has a road: checks first, then faults."""
    checks = [found for path in files("suites") for found, _, _ in decorated(path, "check")]
    faults = [found for path in files("twin/faults") for found, _, _ in decorated(path, "fault")]
    return list(dict.fromkeys([*checks, *faults, *load()]))


def _of_check(wanted: str, declared: Place, call: ast.Call, function: Function) -> Road:
    used = list(_fixtures_of(function))
    bodies = [(declared.path, function), *((place.path, fixtures()[place.what][1]) for place in used)]
    check_id = wanted.partition("[")[0]
    return {
        "declaration": [Place(declared.path, call.lineno, wanted), declared],
        "fixtures": used,
        "probes": _probes(bodies),
        "contract": _contract(bodies),
        "faults": _faults(wanted),
        "required by": _required(check_id),
        "checklist and metrics": _answers(check_id),
        "pages": _pages(check_id),
        "tests": _tests(check_id),
    }


def _of_fault(wanted: str) -> Road:
    place, call, function = _fault(wanted)
    rows = [Place(EXPECTATIONS, number, line) for number, line in lines_with(EXPECTATIONS, _row(wanted))]
    return {
        "declaration": [Place(place.path, call.lineno, wanted), place],
        "replaces": _seams(function),
        "expected": rows,
        "turns": [Place(EXPECTATIONS, rows[0].line if rows else 1, one) for one in _turns(wanted)],
        "pages": _pages(wanted),
        "tests": _tests(wanted),
    }


def _fault(wanted: str) -> tuple[Place, ast.Call, Function]:
    """Where a fault is declared: above its function, or in a loop. Raises KeyError for an unknown id."""
    for path in naming("twin/faults", f'"{wanted}"'):
        for found, call, function in decorated(path, "fault"):
            if found == wanted:
                return Place(path, function.lineno, _claim(function)), call, function
        made_by = declared_by_helper(path, wanted)
        if made_by:
            return Place(path, made_by[1].lineno, _claim(made_by[1]) or "declared by a helper"), *made_by
    for path in naming("twin/faults", 'f"'):
        made = declared_by_pattern(path, "fault", wanted)
        if made and wanted in load():
            return Place(path, made[1].lineno, _claim(made[1]) or "declared in a loop"), *made
    raise KeyError(wanted)


def _fixtures_of(function: Function) -> Iterator[Place]:
    """The fixtures that a test asks for, and those that these ask for, each once, nearest first."""
    waiting, seen = arguments(function), set(EVERY_TEST)
    while waiting:
        name = waiting.pop(0)
        if name in seen or name not in fixtures():
            continue
        seen.add(name)
        path, found = fixtures()[name]
        yield Place(path, found.lineno, name)
        waiting += arguments(found)


def _probes(bodies: list[tuple[Path, Function]]) -> list[Place]:
    places = {}
    for path, function in bodies:
        sources = imported(path)
        for name in sorted(names_used(function) & sources.keys()):
            module = module_of(sources[name])
            if module is not None and module.is_relative_to(ROOT / "probes"):
                places[module, name] = Place(module, definition(module, name), name)
    return sorted(places.values(), key=str)


def _contract(bodies: list[tuple[Path, Function]]) -> list[Place]:
    keys = sorted({key for _, function in bodies for key in CONTRACT_KEY.findall(ast.unparse(function))})
    places = []
    for key in keys:
        section, _, name = key.partition(".")
        found = list(lines_with(CONTRACT, rf"^\[{re.escape(section)}[.\]]")) or [(1, "")]
        inside = [line for line, _ in lines_with(CONTRACT, rf"^{re.escape(name)} *=") if line > found[0][0]]
        places.append(Place(CONTRACT, inside[0] if name and inside else found[0][0], key))
    return places


def _faults(wanted: str) -> list[Place]:
    rows = [one.fault for one in load().values() if _touches(one, wanted)]
    return [Place(place.path, place.line, fault) for fault in rows for place in (_fault(fault)[0],)]


def _touches(row: Expectation, wanted: str) -> bool:
    about = (*row.turns, *row.doubts)
    return any(matches(one, wanted) or ("[" not in wanted and one.startswith(f"{wanted}[")) for one in about)


def _turns(fault: str) -> tuple[str, ...]:
    row = load().get(fault)
    return (*row.turns, *row.doubts) if row else ()


def _required(check_id: str) -> list[Place]:
    return [Place(PROFILES, number, line[:60]) for number, line in lines_with(PROFILES, rf'^"{re.escape(check_id)}"')]


def _answers(check_id: str) -> list[Place]:
    table = tomllib.loads(CHECKLIST.read_text(encoding="utf-8"))
    keys = [
        (item["key"], item["title"])
        for item in (*table["items"], *table["metrics"])
        if any(matches(pattern, check_id) for pattern in item["checks"])
    ]
    return [
        Place(CHECKLIST, next(iter(lines_with(CHECKLIST, rf'^title = "{re.escape(title)}"')))[0], title)
        for _, title in keys
    ]


def _pages(wanted: str) -> list[Place]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [
        Place(page, number, "")
        for page in pages
        if wanted in text(page)
        for number, _ in lines_with(page, rf"(?<![\w.]){re.escape(wanted)}\b")
    ]


def _tests(wanted: str) -> list[Place]:
    return [
        Place(path, number, line[:80])
        for path in naming("tests", wanted)
        for number, line in lines_with(path, rf"(?<![\w.-]){re.escape(wanted)}(?![\w-])")
    ]


def _seams(function: Function) -> list[Place]:
    """What a fault replaces: the attributes of the seams that its body names."""
    path = ROOT / "twin/backend/seams.py"
    used = {one.attr for one in ast.walk(function) if isinstance(one, ast.Attribute)}
    used |= {word.arg for one in ast.walk(function) if isinstance(one, ast.Call) for word in one.keywords if word.arg}
    return [Place(path, number, line) for number, line in lines_with(path, rf"^    ({'|'.join(used) or '-'}):")]


def _row(fault: str) -> str:
    return rf'^\[faults\."{re.escape(fault)}"\]'


def _claim(function: Function) -> str:
    return (ast.get_docstring(function) or "").partition("\n")[0]
