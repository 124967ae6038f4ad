"""What reading a message gives: its words recognised, and the phrases found in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from content.letters import Token

SENTENCE_GAP = 3
"""What the end of a sentence counts as, in words, between two parts of a phrase."""

Span = tuple[int, int]
"""First token and the one after the last."""

Why = Literal["denied", "past", "over", "hypothetical", "someone_else", "harmless"]
"""Why a phrase that is said does not count. "over": it was, and is gone; what needs an ambulance
counts all the same."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found."""

    key: str
    phrase: str
    spans: tuple[Span, ...]
    ignored: Why | None = None

    @property
    def kind(self) -> str:
        return self.key.partition(":")[0]

    @property
    def name(self) -> str:
        return self.key.partition(":")[2]

    @property
    def start(self) -> int:
        return min(start for start, _ in self.spans)

    @property
    def end(self) -> int:
        """The token after the last."""
        return max(end for _, end in self.spans)

    @property
    def tokens(self) -> frozenset[int]:
        return frozenset(i for start, end in self.spans for i in range(start, end))


@dataclass
class Reading:
    """A message, its words recognised."""

    tokens: tuple[Token, ...]
    entries: tuple[frozenset[str], ...]
    positions: dict[str, list[int]]
    fluff: frozenset[int]
    groups: dict[str, list[Span]] = field(default_factory=dict)
    """Where each group of words stands that is there at all."""

    def gap(self, first: Span, second: Span) -> int:
        """What stands between two spans, in words that mean something."""
        left, right = sorted((first, second))
        if right[0] < left[1]:
            return 10_000
        words = sum(1 for i in range(left[1], right[0]) if i not in self.fluff)
        return words + SENTENCE_GAP * (self.sentences[right[0]] - self.sentences[left[1] - 1])

    @cached_property
    def sentences(self) -> tuple[int, ...]:
        """The number of the sentence each token stands in."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[int]:
        sentence = 0
        for token in self.tokens:
            yield sentence
            sentence += token.end in {".", "?"}
