"""Recognising words: which word of a phrase a written one may be, misspelt or run together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from content.letters import squeeze

_SHORT = frozenset("i a y my is im it so to of no on in me la el mi se de un ya".split())  # noqa: SIM905


def slips(length: int) -> int:
    """How many letters a word of `length` may be off. Short words must be right."""
    return 0 if length < 5 else 1 if length < 8 else 2


class Lexicon:
    """All words of all phrases; finds which of them a written word may be."""

    def __init__(self, entries: Iterable[str], real: Collection[str]) -> None:
        every = set(entries)
        self._stems = frozenset(entry[:-1] for entry in every if entry.endswith("*"))
        self._words = frozenset(entry for entry in every if not entry.endswith("*"))
        self._real = frozenset(real)
        self._squeezed: dict[str, set[str]] = defaultdict(set)
        for word in self._words:
            self._squeezed[squeeze(word)].add(word)
        self._squeezed_stems: dict[str, set[str]] = defaultdict(set)
        for stem in self._stems:
            self._squeezed_stems[squeeze(stem)].add(stem + "*")
        self._fuzzy_words = tuple(sorted(word for word in self._words if len(word) >= 5))
        self._fuzzy_stems = tuple(sorted(stem for stem in self._stems if len(stem) >= 6))
        self._stems_like = lru_cache(maxsize=None)(self._stems_beginning_like)
        self.recognise = lru_cache(maxsize=20_000)(self._recognise)
        self.split = lru_cache(maxsize=20_000)(self._split)

    def _recognise(self, word: str) -> frozenset[str]:
        """The entries `word` may be; empty for an unknown word."""
        exact = self._exact(word)
        if exact or word in self._real or not word.isalpha() or len(word) > 40:
            return exact
        return self._doubled(word) or self._misspelt(word)

    def _exact(self, word: str) -> frozenset[str]:
        found = {start + "*" for start in _starts(word) if start in self._stems}
        if word in self._words:
            found.add(word)
        return frozenset(found)

    def _doubled(self, word: str) -> frozenset[str]:
        squeezed = squeeze(word)
        if squeezed in self._real and squeezed != word:
            return self._exact(squeezed)
        found = set(self._squeezed.get(squeezed, ()))
        for start in _starts(squeezed):
            found |= self._squeezed_stems.get(start, set())
        return frozenset(found)

    def _misspelt(self, word: str) -> frozenset[str]:
        if not slips(len(word)):
            return frozenset()
        near = process.extract(
            word, self._fuzzy_words, scorer=OSA.distance, score_cutoff=slips(len(word)), limit=8
        )
        found: set[tuple[float, str]] = {
            (distance, entry)
            for entry, distance, _ in near
            if _plausible(word, entry) and distance <= slips(min(len(word), len(entry)))
        }
        found |= set(self._misspelt_stems(word))
        best = min((distance for distance, _ in found), default=0)
        return frozenset(entry for distance, entry in found if distance == best)

    def _misspelt_stems(self, word: str) -> Iterator[tuple[float, str]]:
        for stem in self._stems_like(word[:2]):
            allowed = slips(min(len(word), len(stem)) - 1)  # a stem stands for many words already
            if not allowed:
                continue
            distance = min(
                OSA.distance(word[:size], stem, score_cutoff=allowed)
                for size in range(len(stem) - 1, len(stem) + 2)
            )
            if distance <= allowed:
                yield distance, stem + "*"

    def _stems_beginning_like(self, start: str) -> tuple[str, ...]:
        return tuple(stem for stem in self._fuzzy_stems if _begins_like(start, stem))

    def _split(self, word: str) -> tuple[str, ...]:
        """`word`, or the words run together in it ("cantbreathe")."""
        if len(word) < 7 or len(word) > 80 or word in self._real or self._recognise(word):
            return (word,)
        best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
        for end in range(1, len(word) + 1):
            for start in range(max(0, end - 14), end):
                before, piece = best[start], word[start:end]
                if before is None or not self._whole(piece):
                    continue
                if best[end] is None or len(before) + 1 < len(best[end] or ()):
                    best[end] = (*before, piece)
        pieces = best[-1] or (word,)
        is_said = max(map(len, pieces)) >= 5 and len(word) >= 3.5 * len(pieces)
        return pieces if is_said else (word,)

    def _whole(self, piece: str) -> bool:
        """Whether `piece` may be a word inside a longer one; few short ones are."""
        if len(piece) < 3:
            return piece in _SHORT
        return piece in self._words or any(
            start in self._stems for start in _starts(piece) if len(piece) - len(start) <= 4
        )


def _starts(word: str) -> Iterator[str]:
    return (word[:size] for size in range(1, len(word) + 1))


def _begins_like(start: str, stem: str) -> bool:
    """Whether the first letter is the same, or was left out, added or swapped with the second."""
    return start[0] in stem[:2] or start[1:2] == stem[0]


def _plausible(word: str, entry: str) -> bool:
    # Whoever misspells a short word gets its first letter right.
    return word[0] == entry[0] or (len(entry) >= 6 and word[1:2] in entry[:3])
