"""A drawn chart as a reader sees it: values are read off by the axes' ticks, not by the code that placed them."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET  # what is read was drawn by this test

LEFT, RIGHT, TOP, FLOOR = 62.0, 630.0, 8.0, 214.0  # pixels: where the axes are
COLOURS = {"var(--accent)": "accent", "var(--bad)": "bad", "var(--faint)": "faint"}

Place = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One drawn thing: its SVG element, its colour, its places in the units of the axes, and its width in pixels."""

    kind: str
    colour: str
    places: list[Place]
    dashed: bool = False
    width: float = 0.0


class Picture:
    """The ticks and labels of a chart's axes, and its marks in the axes' units, rounded to what a pixel can tell."""

    def __init__(self, svg: str, *, x_ticks: Mapping[str, float] | None = None, digits: int = 1) -> None:
        self.root = ET.fromstring(svg)  # noqa: S314 - what is read was drawn by this test
        self._digits = digits
        texts = self.root.findall("text")
        centred = [text for text in texts if text.get("text-anchor") == "middle"]
        self.labels = [text.text or "" for text in centred if _is_label(text)]
        self.x_ticks = {text.text or "": float(text.get("x", "")) for text in centred if not _is_label(text)}
        self.y_ticks = {
            text.text or "": float(text.get("y", "")) - 4 for text in texts if text.get("text-anchor") == "end"
        }
        self._x = _scale(self.x_ticks, x_ticks)
        self._y = _scale(self.y_ticks, None)

    @property
    def reach(self) -> tuple[float, ...]:
        """From where to where the axes go: the lowest and highest x, and the lowest and highest y."""
        return (*self._at(LEFT, FLOOR), *self._at(RIGHT, TOP))

    def marks(self, kind: str = "", colour: str = "") -> list[Mark]:
        """What is drawn, in the order in which it was."""
        found = [self._mark(one) for one in self.root.find("g") or ()]
        return [one for one in found if kind in {"", one.kind} and colour in {"", one.colour}]

    def _at(self, x: float, y: float) -> Place:
        return round(self._x[0] + self._x[1] * x, self._digits), round(self._y[0] + self._y[1] * y, self._digits)

    def _mark(self, one: ET.Element) -> Mark:
        value = {
            name: float(text) for name, text in one.attrib.items() if text.replace(".", "").replace("-", "").isdigit()
        }
        match one.tag:
            case "polyline":
                places = [tuple(map(float, pair.split(","))) for pair in one.get("points", "").split()]
            case "circle":
                places = [(value["cx"], value["cy"])]
            case "path":
                left, top = one.get("d", "").partition("l")[0].removeprefix("M").split()
                places = [(float(left) + 3, float(top) + 3)]
            case "rect":
                x, y = value["x"], value["y"]
                places = [(x, y + value["height"]), (x + value["width"], y)]
            case _:
                places = [(value["x1"], value["y1"]), (value["x2"], value["y2"])]
        paint = [COLOURS[text] for name in ("stroke", "fill") if (text := one.get(name, "")) in COLOURS]
        return Mark(
            kind=one.tag if one.get("fill") != "none" or one.tag != "circle" else "ring",
            colour=paint[0],
            places=[self._at(x, y) for x, y in places],
            dashed="stroke-dasharray" in one.attrib,
            width=value.get("stroke-width", value.get("r", 0.0)),
        )


def _is_label(text: ET.Element) -> bool:
    """Whether a centred text names an axis: x's stands below the ticks, y's is turned and has no y of its own."""
    return text.get("y") in {"252", "", None}


def _scale(ticks: Mapping[str, float], values: Mapping[str, float] | None) -> Place:
    """The value at pixel 0, and what a pixel is worth, by the outermost ticks."""
    at = {(values[text] if values else float(text.replace(",", ""))): place for text, place in ticks.items()}
    low, high = min(at), max(at)
    worth = (high - low) / (at[high] - at[low])
    return low - worth * at[low], worth
