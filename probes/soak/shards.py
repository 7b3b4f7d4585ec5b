"""Which share of a soak this process holds: a Cloud Run job's task, a Kubernetes indexed job's pod, or all of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

GROUP = "NETRA_SOAK_GROUP"
PLACES = (("CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT"), ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"))
EXECUTION = "CLOUD_RUN_EXECUTION"  # names one execution of a Cloud Run job, alike in all of its tasks


class ShardError(ValueError):
    """The variables that name the share contradict each other; the text says which."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Share `index` (from 0) of `count`; `group` names the soak that all shares belong to."""

    index: int = 0
    count: int = 1
    group: str = ""


def shard_of(environment: Mapping[str, str]) -> Shard:
    """Read the share from the environment. Raises ShardError."""
    group = environment.get(GROUP) or environment.get(EXECUTION, "")
    for index_name, count_name in PLACES:
        if index_name not in environment:
            continue
        if count_name not in environment:
            raise ShardError(f"{index_name} is set and {count_name} is not: we can't know how many shares there are.")
        index, count = _number(environment, index_name), _number(environment, count_name)
        if not index < count:
            raise ShardError(f"{index_name}={index} is not below {count_name}={count}: shares are numbered from 0.")
        if count > 1 and not group:
            raise ShardError(f"{count} shares need a name in common: set {GROUP} to the same text in all of them.")
        return Shard(index, count, group)
    return Shard(group=group)


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment[name]
    if not re.fullmatch(r"\d{1,6}", text):
        raise ShardError(f"{name}={text!r} is not a number.")
    return int(text)
