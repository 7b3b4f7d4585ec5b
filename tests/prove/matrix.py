"""What `make prove` leaves besides its table: `prove.json` for machines and `matrix.html` for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tests.proof.record import Record, leave
from tests.prove.worker import HEALTHY, Shown

STAYED = "stayed green"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Everything that a round of `make prove` found."""

    command: str
    seconds: float
    shown: Sequence[Shown]
    wrong: Mapping[str, Sequence[str]]  # fault -> problems
    complaints: Sequence[str]  # about the table: a check, a case or a fault that stands alone
    kind: str  # of the record for docs/proof.md: the whole, or a share of all faults; empty where some were picked
    faults: list[Shown] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.faults.extend(one for one in self.shown if one.fault != HEALTHY)

    @property
    def counts(self) -> dict[str, int]:
        """How many faults were as expected, missed, caught with a false alarm, or otherwise wrong."""
        missed = [one for one, said in self.wrong.items() if one and any(STAYED in text for text in said)]
        alarms = [one for one, said in self.wrong.items() if one and any(" turned " in text for text in said)]
        others = len([one for one in self.wrong if one]) - len({*missed, *alarms})
        right = len(self.faults) - len([one for one in self.wrong if one])
        counts = {"faults": len(self.faults), "as expected": right, "missed": len(missed)}
        return counts | {"with a false alarm": len(alarms), "otherwise wrong": others, "table": len(self.complaints)}

    @property
    def turned(self) -> dict[str, list[str]]:
        """Every case of the sound twin's runs with the faults that turned it FAILED."""
        cases = sorted({case for one in self.shown if one.fault == HEALTHY for case in one.cases})
        return {case: [one.fault for one in self.faults if one.red.get(case) == "FAILED"] for case in cases}


def write(proof: Proof, folder: Path) -> None:
    """Both files, and the record for docs/proof.md."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = proof.counts
    short = f"{counts['as expected']} of {counts['faults']} faults as expected"
    figures = counts | {"minutes": round(proof.seconds / 60)}
    said = [f"`{one or 'the sound twin'}`: {'; '.join(why)}" for one, why in proof.wrong.items()]
    record = Record(
        proof=proof.kind or "prove.some",
        command=proof.command,
        short=short,
        figures={**figures},
        said=[*said, *proof.complaints],
    )
    document: dict[str, Any] = {"date": record.date, "commit": record.commit, "command": proof.command}
    document |= {"seconds": round(proof.seconds, 1), "counts": counts}
    document |= {"wrong": proof.wrong, "complaints": proof.complaints, "shown": [asdict(one) for one in proof.shown]}
    (folder / "prove.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    here = FileSystemLoader(Path(__file__).parent)
    pages = Environment(loader=here, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = pages.get_template("matrix.html").render(proof=proof, record=record, counts=counts, healthy=HEALTHY)
    (folder / "matrix.html").write_text(page, encoding="utf-8")
    if proof.kind:
        leave(record)
