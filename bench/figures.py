"""A measured figure and its limit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure; `at_least` turns the limit round."""

    name: str
    value: float
    limit: float
    unit: str = ""
    beside: str = ""
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the figure is within its limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def shown(self, value: float) -> str:
        """A value with its unit."""
        return f"{value:.3g} {self.unit}".strip()

    def shown_limit(self) -> str:
        """The limit with its direction."""
        return f"{'at least' if self.at_least else 'at most'} {self.shown(self.limit)}"
