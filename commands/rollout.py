"""Traffic in steps: the exact commands, what each step has to prove, and, where that is allowed, the steps themselves.

Nothing is moved unless the target's TOML says `[rollout] may_shift = true` and the environment confirms it by the
target's name. Then each step is moved, judged by a run of the suite, and taken back on NO-GO; every call is kept in an
account.
"""

import asyncio
import json
import math
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from commands.console import say
from gate.redaction import Redactor
from gate.run import new_run_id
from probes.comparison.share import requests_needed
from probes.errors import SourceRefused
from probes.google.access_tokens import Given, no_token
from probes.google.adc import find_adc
from probes.google.cloud_run import CloudRun, ServiceDescription
from probes.google.google_api import Authorize, GoogleApi
from probes.google.shifting import request_of, shift
from probes.http.client import HttpClient
from probes.http.network_path import find_path
from probes.identity import RunIdentity
from probes.timing.deadlines import Deadlines
from probes.timing.waiting import await_steady
from targets.loading import ConfigurationError
from targets.model import ENV_PREFIX, Target

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TREE = Path(__file__).parents[1]  # a checkout, or what the wheel installed
WHOLE = 100
GO, NO_GO = 0, 1
IN_FORCE_S = 120.0  # until a change of traffic must have taken effect
Judge = Callable[[int], Awaitable[int]]  # the exit code of a verdict at that share of the traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a rollout."""

    target: Target
    tag: str
    steps: tuple[int, ...]
    report_dir: Path
    words: tuple[str, ...] = ()  # for every run of the suite


@dataclass(slots=True)
class Account:
    """Every call that changed something, and every verdict, written to a file as it happens."""

    path: Path
    lines: list[dict[str, Any]] = field(default_factory=list)

    def note(self, what: str, **more: object) -> None:
        """Add a line."""
        self.lines.append({"at": datetime.now(UTC).isoformat(), "what": what, **more})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.lines, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A service with two revisions: `new`, the candidate that gets the traffic, and `old`, which has the rest."""

    api: GoogleApi
    cloud_run: CloudRun
    described: ServiceDescription
    new: str
    old: str
    place: str  # the full name of the service

    @property
    def share(self) -> int:
        """What the candidate had of the traffic when the rollout began, in per cent."""
        return self.described.traffic.get(self.new, 0)

    def split(self, percent: int) -> dict[str, int]:
        """The traffic with that share for the candidate."""
        shares = {self.new: percent, self.old: WHOLE - percent}
        return {name: share for name, share in shares.items() if share}


def steps_of(text: str) -> tuple[int, ...]:
    """`1,10,50,100` as numbers. Raises ConfigurationError."""
    try:
        steps = tuple(int(one) for one in text.split(","))
    except ValueError as error:
        raise ConfigurationError(f"--steps are whole numbers with commas (1,10,50,100), got {text!r}.") from error
    if list(steps) != sorted(set(steps)) or not all(0 < one <= WHOLE for one in steps):
        raise ConfigurationError(f"--steps must rise from above 0 to at most 100 %, got {text!r}.")
    return steps


async def rollout(question: Question, judge: Judge | None = None) -> int:
    """Print the steps, and take them where that is allowed; returns the exit code of the step that ended it.

    `judge` gives the exit code of a verdict at a share; None: a run of the suite in a process of its own.

    Raises:
        SourceRefused: There are no two revisions to move traffic between, or the platform refused a call.
    """
    target = question.target
    async with _admin(target) as (api, cloud_run):
        described = await cloud_run.describe(target.backend.service)
        new, old = _pair(described, question.tag)
        where = target.platform
        place = f"projects/{where.project}/locations/{where.region}/services/{described.service}"
        release = Release(api=api, cloud_run=cloud_run, described=described, new=new, old=old, place=place)
        _print_plan(question, release)
        if not target.rollout.may_shift:
            say("\nNothing was moved: [rollout] may_shift is not set in the target's TOML. The commands above do it.")
            return GO
        if target.environment != "local" and target.rollout.confirm != target.name:
            say(f"\nNothing was moved: confirm it with {ENV_PREFIX}ROLLOUT__CONFIRM={target.name}.")
            return GO
        return await _go(question, release, judge or _run_of(question))


def _pair(described: ServiceDescription, tag: str) -> tuple[str, str]:
    """The candidate under a tag, and the one other revision that has traffic. Raises SourceRefused."""
    tagged = described.tags.get(tag)
    if tagged is None:
        raise SourceRefused(f"service {described.service}", f"has no tag {tag!r}: {sorted(described.tags)}")
    revision = described.revision(tagged.revision)
    if revision is None or not revision.ready:
        raise SourceRefused(f"tag {tag}", f"{tagged.revision} is not ready")
    others = [name for name in described.traffic if name != revision.name]
    if not others:
        raise SourceRefused(f"tag {tag}", f"{revision.name} has all of the traffic already")
    if len(others) > 1:
        raise SourceRefused(
            f"service {described.service}",
            f"splits its traffic among {', '.join(sorted(others))} beside the candidate: give it all to one of them, "
            "then traffic can be moved from that one to the candidate",
        )
    return revision.name, others[0]


def _print_plan(question: Question, release: Release) -> None:
    target, rules = question.target, question.target.rollout
    where = f"--region={target.platform.region} --project={target.platform.project}"
    move = f"gcloud run services update-traffic {release.described.service}"
    judge = f"make candidate TARGET={target.name} TAG={question.tag}"
    needed = requests_needed(rules.error_rate)
    say(f"# {release.new} (tag {question.tag}) beside {release.old}")
    say(f"{judge} SHARE={release.share}" if release.share else judge)
    for step in _ahead(question, release):
        split = ",".join(f"{name}={share}" for name, share in release.split(step).items())
        say(f"\n# {step} %")
        say(f"{move} --to-revisions={split} {where}")
        if step == WHOLE:
            say(f"make verify-staging TARGET={target.name}\nmake soak-staging TARGET={target.name}")
        else:
            say(
                f"# {needed} requests of users to the candidate without a failure, {math.ceil(needed * WHOLE / step)} "
                f"of all, prove that less than {rules.error_rate:.1%} fail; with fewer the answer is INCONCLUSIVE"
            )
            say(f"{judge} SHARE={step}")
    say(f"\n# back, on NO-GO\n{move} --to-revisions={release.old}={WHOLE} {where}")


def _ahead(question: Question, release: Release) -> list[int]:
    """The steps above the share that the candidate has already: a rollout that stopped there goes on from it."""
    return [step for step in question.steps if step > release.share]


async def _go(question: Question, release: Release, judge: Judge) -> int:
    target, share = question.target, release.share
    account = Account(question.report_dir / target.name / f"rollout-{new_run_id()}.json")
    account.note("begun", revision=release.new, beside=release.old, percent=share, steps=list(question.steps))
    say(f"\nEvery call is kept in {account.path}.")
    code = await _judged(judge, share, account)
    for step in _ahead(question, release) if code == GO else ():
        await _move(release, share, step, account)
        share = step
        code = await _judged(judge, share, account)
        if code != GO:
            break
    if code == NO_GO and share:
        await _move(release, share, 0, account)
    traffic = (await release.cloud_run.describe(release.described.service)).traffic
    account.note("ended", exit_code=code, traffic=dict(traffic))
    if code not in {GO, NO_GO}:
        say("Not decided: the traffic stays where it is. The same command goes on from there; back is printed above.")
    say(f"ROLLOUT: {'done' if code == GO else 'stopped'} traffic={dict(traffic)} exit_code={code}")
    return code


async def _move(release: Release, before: int, percent: int, account: Account) -> None:
    """Put a share in force and wait until it is.

    Raises SourceRefused, also where more traffic would go to a candidate of which somebody else has moved the traffic
    or the tag meanwhile; the way back is taken in any case.
    """
    asked, split = request_of(release.place), release.split(percent)
    now = await release.cloud_run.describe(release.described.service)
    tags = {tag: tagged.revision for tag, tagged in now.tags.items()}
    if percent and (dict(now.traffic) != release.split(before) or release.new not in tags.values()):
        account.note("not sent", why="changed by somebody else", traffic=dict(now.traffic), tags=tags)
        raise SourceRefused(
            asked, f"not sent: somebody else changed the traffic or the tags, which are {dict(now.traffic)}, {tags}"
        )
    account.note(asked, traffic=split)  # before it is sent: the account alone then says what may be in force
    try:
        answer = await shift(release.api, release.place, split, tags)
    except SourceRefused as error:
        account.note("refused", why=f"{error}")
        raise
    account.note("answered", operation=answer.get("name"), done=answer.get("done"))
    await _await_split(release, split, account)
    say(f"\n{percent} % on {release.new}")


async def _await_split(release: Release, split: dict[str, int], account: Account) -> None:
    """Wait until the platform says that this is the traffic. Raises SourceRefused."""

    async def look() -> str:
        now = (await release.cloud_run.describe(release.described.service)).traffic
        return "" if dict(now) == split else f"{dict(now)}"

    if not (await await_steady(look, in_a_row=1, deadline_s=IN_FORCE_S)).steady:
        account.note("not in force", after_s=IN_FORCE_S)
        raise SourceRefused(request_of(release.place), f"{split} is not in force after {IN_FORCE_S:g} s")


async def _judged(judge: Judge, percent: int, account: Account) -> int:
    code = await judge(percent)
    account.note("judged", percent=percent, exit_code=code)
    return code


def _run_of(question: Question) -> Judge:
    """Judges by a run of the suite: below 100 % as a candidate, then as the revision that serves."""

    async def run(percent: int) -> int:
        of_phase = ["--phase=candidate", f"--tag={question.tag}", *([f"--share={percent}"] if percent else [])]
        words = of_phase if percent < WHOLE else ["--phase=smoke"]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gate.session",
            "-c",
            str(TREE / "pytest.ini"),
            f"--rootdir={TREE}",
            f"--target={question.target.name}",
            f"--report-dir={question.report_dir}",
            *words,
            *question.words,
            str(TREE / "suites"),
            env=os.environ | {"PYTHONPATH": str(TREE)},
        )
        try:
            return await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()

    return run


@asynccontextmanager
async def _admin(target: Target) -> AsyncIterator[tuple[GoogleApi, CloudRun]]:
    place, identity = target.platform, RunIdentity("rollout")
    way = find_path(place.run_url, ca_file=target.network.ca_file)
    async with HttpClient(place.run_url, identity, deadline_s=Deadlines().platform, path=way) as client:
        api = GoogleApi(client, _authorize(target))
        yield api, CloudRun(api, api, place.project, place.region)


def _authorize(target: Target) -> Authorize:
    if target.platform.credentials == "none":
        return no_token
    if target.platform.access_token:
        return Given(target.platform.access_token)
    try:
        return find_adc(SCOPE, target.network.ca_file, Redactor(target.secrets).learn)
    except SourceRefused as error:
        raise ConfigurationError(
            f"No Google credentials ({error.detail}): gcloud auth application-default login, or "
            "NETRA_PLATFORM__ACCESS_TOKEN."
        ) from error
