"""A revision before it has traffic: its address, how it is compared, and what may differ by design."""

import re
from collections.abc import Collection

from pydantic import Field, field_validator

from targets.addresses import what_is_wrong
from targets.contract.parts import Fraction, Part, Waiting
from targets.deviations import Accepted

TAG = re.compile(r"[a-z]([a-z0-9-]{0,44}[a-z0-9])?")  # as Cloud Run accepts it


class Candidate(Part):
    """How a tagged revision is reached; empty: at the URL that Cloud Run gives the tag."""

    url: str = ""  # contains {tag}, if the tags have their own hosts
    warm_s: Waiting = 60.0  # how long the first request may take: at 0 % of traffic there is no instance yet

    @field_validator("url")
    @classmethod
    def _names_the_tag(cls, url: str) -> str:
        if url and not (url.startswith(("http://", "https://")) and "{tag}" in url):
            raise ValueError("must begin with http:// or https:// and have {tag} in it")
        if wrong := what_is_wrong(url.replace("{tag}", "tag")) if url else "":
            raise ValueError(wrong)
        return url


class Compare(Part):
    """How the candidate is compared with the revision that serves."""

    latency_ratio: float = Field(1.25, gt=1, le=1000)  # how many times as long the candidate may take
    rounds: int = Field(6, ge=5, le=1000)  # of every request: twice to the serving revision, once to the candidate
    pairs: int = Field(40, ge=20, le=10_000)  # of each timed request; up to three times as many if those don't decide
    volatile: tuple[str, ...] = ()  # fields and headers, besides [refusal] volatile, whose values are not compared
    expected: tuple[Accepted, ...] = ()  # differences by design, by their names in the report; * matches anything

    def intended(self, name: str) -> Accepted | None:
        """The entry of `expected` that lists a difference, `request: place kind`; None: it is not expected."""
        return next((one for one in self.expected if _fits(one.what, name)), None)

    def no_longer(self, asked: Collection[str], named: Collection[str]) -> list[Accepted]:
        """The entries whose requests were made (`asked` has their names) but whose differences were not found."""
        return [
            one
            for one in self.expected
            if any(_fits(one.what.rpartition(": ")[0], request) for request in asked)
            and not any(_fits(one.what, name) for name in named)
        ]


def _fits(pattern: str, name: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) is not None


class Rollout(Part):
    """How traffic moves to the candidate, and what a step must prove. Only the TOML may set `may_shift`."""

    may_shift: bool = False  # whether `make rollout` may move traffic; it always prints the commands
    confirm: str = ""  # the target's name, from the environment
    error_rate: Fraction = 0.01  # the upper limit for users' requests, with 95 % confidence
    latency_ratio: float = Field(1.25, gt=1, le=1000)
    wait_s: Waiting = 900.0  # how long to wait for enough users' requests at a step
