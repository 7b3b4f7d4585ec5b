"""`python -m tests.road ID`: print the road of a check or a fault."""

import sys
from difflib import get_close_matches

from tests.road.road import find, known


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
    for part, places in road.items():
        lines = [str(place) for place in places] or ["-"]
        sys.stdout.write(f"{part}\n" + "".join(f"    {line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
