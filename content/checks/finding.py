"""What a check has to say about the content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to look at, in one line."""

    severity: Literal["error", "warning"]
    """An error must not reach a patient; a warning is for the clinic to know and to decide."""
    place: str
    """File and key: `texts/en/steps.toml: day5.text`."""
    problem: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"


def error(place: str, problem: str) -> Finding:
    return Finding(severity="error", place=place, problem=problem)


def warning(place: str, problem: str) -> Finding:
    return Finding(severity="warning", place=place, problem=problem)


def text_place(language: str, key: str) -> str:
    """Where a text stands: `texts/en/steps.toml: day5.text` for `steps.day5.text`."""
    area, _, inside = key.partition(".")
    return f"texts/{language}/{area}.toml: {inside}"
