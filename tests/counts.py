"""What long rounds of our own came to, kept on a page by the command that ran them."""

from pathlib import Path

from tests.standing import ROOT

PAGE = ROOT / "docs/hardening.md"
ROUNDS = 6  # whose counts the page keeps, of each kind


def keep(kind: str, round_name: str, text: str, page: Path = PAGE) -> None:
    """Put a line into the page's part for that kind of round, in the place of an older one of the same round.

    Raises:
        ValueError: The page has no such part: `<!-- KIND: begin -->`, and `end`.
    """
    begin, end = f"<!-- {kind}: begin -->", f"<!-- {kind}: end -->"
    head, found, rest = page.read_text(encoding="utf-8").partition(begin)
    lines, ended, tail = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{page} has no part for {kind}")
    others = [one for one in lines.strip().split("\n\n") if one and not one.startswith(f"{round_name}:")]
    kept = "\n\n".join([*others[1 - ROUNDS :], f"{round_name}: {text}"])
    page.write_text(f"{head}{begin}\n\n{kept}\n\n{end}{tail}", encoding="utf-8")
