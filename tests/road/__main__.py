"""`python -m tests.road ID`: print the road of a check or a fault."""

import sys
from difflib import get_close_matches

from gate.unread import secure_output
from tests.road.road import Road, files_of, find, known, shorten


def main(words: list[str]) -> int:
    """Print the road; exit code 4, with the nearest ids, where there is none."""
    wanted = words[0] if words else ""
    try:
        road = find(wanted)
    except KeyError:
        near = get_close_matches(wanted, known(), n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        sys.stderr.write(f"There is no check or fault {wanted!r}: make road CHECK=threads.metadata.{hint}\n")
        return 4
    if "fixtures" in road:  # of a check
        short = shorten(wanted.partition("[")[0], road)
        sys.stdout.write(f"in short, {len(files_of(short))} files:\n{_listed(short)}in full:\n")
    sys.stdout.write(_listed(road))
    return 0


def _listed(road: Road) -> str:
    lines = {part: [str(place) for place in places] or ["-"] for part, places in road.items()}
    return "".join(f"  {part}\n" + "".join(f"    {line}\n" for line in lines[part]) for part in road)


if __name__ == "__main__":
    secure_output()  # the reader may have seen enough
    sys.exit(main(sys.argv[1:]))
