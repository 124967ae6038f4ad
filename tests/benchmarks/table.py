"""Figures of several rounds, and the tables they are shown in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles


@dataclass(frozen=True)
class Table:
    """One benchmark's results: a heading, what was done, and rows of words."""

    title: str
    note: str
    head: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def as_markdown(self) -> str:
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        shown = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"## {self.title}\n\n{self.note}\n\n{shown}\n"


def several(figures: Sequence[float], style: str = ",.0f") -> str:
    """The median, and between what the rounds lay."""
    shown = f"{median(figures):{style}}"
    if len(figures) == 1:
        return shown
    return f"{shown} ({min(figures):{style}}..{max(figures):{style}})"


def percentile(figures: Sequence[float], percent: int) -> float:
    """The value that so many of a hundred do not exceed."""
    if len(figures) == 1:
        return figures[0]
    return quantiles(figures, n=100, method="inclusive")[percent - 1]
