"""What comes of a mutant: in a scratch copy, by the self-tests of its room or by the suite against a mutated twin."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutants.candidates import Mutant
from tests.proof.scratch import spoiled
from tests.prove.worker import run_proof
from tests.standing import ROOT, own_folder, run_within, standing_twin

KILLED, SURVIVED, UNVIABLE, OVERDUE = "killed", "survived", "not viable", "over time"
IMPORT_S, TESTS_S, SMOKE_S = 60.0, 1_200.0, 240.0  # no set of tests takes half as long
PASSED = frozenset({0, 5})  # all passed, or none was collected
NO_GO, GO = 1, 0
FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)  # a name may have blanks
PYTEST = ("-m", "pytest", "-c", "tests/pytest.ini", "--rootdir=.", "-x", "-q", "-rfE", "--no-header", "--tb=no")


@dataclass(slots=True, kw_only=True)
class Bench:
    """A scratch copy to mutate, one that stays as it is, and the tests that fail there or now and then."""

    tree: Path
    sound: Path
    unsound: set[str] = field(default_factory=set)

    async def try_out(self, mutant: Mutant) -> tuple[str, str]:
        """What came of it, and by what: `killed` with the test or case, `survived`, `not viable` or `over time`."""
        path = self.tree / mutant.module
        source = path.read_text(encoding="utf-8")
        changed = mutant.applied(source)
        if changed is None:
            return UNVIABLE, "the operator changes nothing there"
        with spoiled(path, changed):
            if not await self._imports(mutant.module):
                return UNVIABLE, "the module can't be imported"
            twin = mutant.module.startswith("twin/")
            return await (self._by_the_suite() if twin else self._by_self_tests(mutant.module))

    async def _imports(self, module: str) -> bool:
        name = module.removesuffix(".py").replace("/", ".")
        code, _ = await _python(self.tree, IMPORT_S, "-c", f"import {name}")
        return code == 0

    async def _by_self_tests(self, module: str) -> tuple[str, str]:
        for tests in stages(module, self.sound):
            try:
                by = await self.killer(tests)
            except TimeoutError:
                return OVERDUE, " ".join(tests)
            if by:
                return KILLED, by
        return SURVIVED, ""

    async def killer(self, tests: Sequence[str]) -> str:
        """The first test that fails with the mutant, each time, and not without it; empty if there is none."""
        while True:
            left_out = [f"--deselect={one}" for one in sorted(self.unsound)]
            code, output = await _python(self.tree, TESTS_S, *PYTEST, *tests, *left_out)
            if code in PASSED:
                return ""
            found = FAILED.search(output.decode(errors="replace"))
            if found is None:  # nothing was run: the mutant breaks the session
                return f"exit code {code} of {' '.join(tests)}"
            if await self._is_sound(found.group(1)):
                return found.group(1)
            self.unsound.add(found.group(1))

    async def _is_sound(self, test: str) -> bool:
        """Whether a test that failed fails once more, and passes without the mutant."""
        (again, _), (without, _) = [await _python(tree, TESTS_S, *PYTEST, test) for tree in (self.tree, self.sound)]
        return again not in PASSED and without in PASSED

    async def _by_the_suite(self) -> tuple[str, str]:
        folder = own_folder("netra-mutant-")
        try:
            async with standing_twin(folder / "addresses.json", tree=self.tree):
                code, red = await _smoke(folder, "-x")  # ended at the first case that does not pass
                if code not in {GO, NO_GO}:
                    code, red = await _smoke(folder)  # no GO, and nothing refuted: whatever it was, all have a say
        except RuntimeError:
            return UNVIABLE, "the twin does not come up"
        except TimeoutError:
            return OVERDUE, f"a run, or the twin's start, took over {SMOKE_S:.0f} s"
        return (SURVIVED, "") if code == GO else (KILLED, f"exit code {code}: {', '.join(red[:3])}")


async def _python(tree: Path, within_s: float, *words: str) -> tuple[int, bytes]:
    return await run_within(within_s, sys.executable, *words, environment=_environment(), tree=tree)


async def _smoke(folder: Path, *options: str) -> tuple[int, list[str]]:
    code, _ = await run_proof(folder, SMOKE_S, *options)
    verdict = folder / "reports/latest/verdict.json"
    if not verdict.exists():
        return code, ["no verdict"]
    rows = json.loads(await asyncio.to_thread(verdict.read_text, "utf-8"))["checks"]
    bad = [row for row in rows if row["required"] and row["outcome"] in {"FAILED", "BROKEN", "PENDING"}]
    ran = sorted(bad, key=lambda row: row["outcome"] != "FAILED")
    return code, [f"{row['name']} {row['outcome']}" for row in ran]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("NETRA_", "PYTEST_"))}


def stages(module: str, tree: Path = ROOT) -> list[tuple[str, ...]]:
    """The tests to run for one of our modules: its own file or folder, then every importer, then all of its room.

    They are those of the `tree` in which they run: tests may be added to another one meanwhile.
    """
    room, *inner = Path(module).with_suffix("").parts
    own = [tree / "tests" / room / "/".join(inner[:-1]) / f"test_{inner[-1]}.py"] if inner else []
    own += [tree / "tests" / room / inner[0]] if len(inner) > 1 else []
    nearest = next((one for one in own if one.exists()), None)
    name = module.removesuffix(".py").replace("/", ".")
    importing = tuple(sorted(str(one.relative_to(tree)) for one in _tests_near(name, tree)))
    near = (str(nearest.relative_to(tree)),) if nearest else ()
    return [one for one in dict.fromkeys((near, importing, (f"tests/{room}",))) if one]


def _tests_near(name: str, tree: Path) -> list[Path]:
    """Test files that import a module, or another of our modules that does; what is further away is the suite's."""
    asked = (*(tree / "tests" / room for room in ("gate", "probes", "targets", "fuzz", "fixtures")),)
    direct = {name} | {
        ".".join(path.relative_to(tree).with_suffix("").parts).removesuffix(".__init__")
        for room in ("gate", "probes", "targets")
        for path in (tree / room).rglob("*.py")
        if _imports(path, {name})
    }
    return [path for folder in asked for path in folder.rglob("test_*.py") if _imports(path, direct)]


def _imports(path: Path, names: set[str]) -> bool:
    text = path.read_text(encoding="utf-8")
    return any(re.search(rf"^\s*(?:from|import) {re.escape(name)}\b(?!\.)", text, re.MULTILINE) for name in names)
