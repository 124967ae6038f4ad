"""How staff say that a session differs from the usual: "no sauna 10 days", "marks easily".

The words are texts (`said.toml`), so that a new language needs files only; those of every language
are understood, whatever the clinic's own is. Read as strictly as the rest of a session's line:
a phrase is understood whole, or it is named with what is wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeVar

from rapidfuzz.distance import OSA

from content.letters import folded
from content.rules import Rule
from content.texts import Texts

LEAST_HOURS = 4
"""Nothing is allowed within the first hours (clinical.md, part A1)."""
MOST_HOURS = 90 * 24
UNIT_HOURS = {"hours": 1, "days": 24, "weeks": 168}

SpokenFault = Literal["rule_no_time", "rule_unknown", "rule_too_soon", "rule_too_late"]
Meaning = TypeVar("Meaning")

_NUMBER = r"(?P<count>\d{1,4}(?:[.,]\d{1,2})?)"


class Spoken:
    """The words of all languages, ready to be looked for."""

    def __init__(self, texts: Texts, rules: Mapping[str, Rule]) -> None:
        self._texts = texts
        units = {word: unit for unit in UNIT_HOURS for word in self._words(f"unit.{unit}")}
        no, since = _any_of(self._words("no")), _any_of(self._words("from"))
        filler = _any_of(self._words("for"))
        time = rf"{_NUMBER}\s*(?P<unit>{_any_of(units)})"
        self._units = units
        self._marks = frozenset(self._words("marks_easily"))
        self._and = re.compile(rf"\s*(?:\b(?:{_any_of(self._words('and'))})\b|[&+/])\s*")
        self._no_for = re.compile(rf"(?:{no})\s+(?P<things>.+?)\s+(?:(?:{filler})\s+)?{time}")
        self._from = re.compile(rf"(?P<things>.+?)\s+(?:{since})\s+{time}")
        self._timeless = re.compile(rf"(?:{no})\s+(?P<things>.+)|(?P<since>.+?)\s+(?:{since})\b.*")
        self._rules: dict[str, frozenset[str]] = {}
        for key in (rule.key for rule in rules.values() if rule.until_then != "do"):
            for word in {plain(key), *self._words(f"rule.{key}")}:
                self._rules[word] = self._rules.get(word, frozenset()) | {key}

    def says_marks_easily(self, phrase: str) -> bool:
        """Whether it says that the skin marks easily."""
        return nearly(plain(phrase), dict.fromkeys(self._marks, True)) is not None

    def read(self, phrase: str) -> dict[str, float] | SpokenFault | None:
        """Rule -> hours after the session; what is wrong with it; or None: it says no such thing.

        Hours are whole ones, from 4 to 90 days.
        """
        said = plain(phrase)
        match = self._no_for.fullmatch(said) or self._from.fullmatch(said)
        if match is None:
            return self._without_time(said)
        found = [self._named(thing) for thing in self._and.split(match["things"])]
        count = float(match["count"].replace(",", "."))
        hours = math.ceil(count * UNIT_HOURS[self._units[match["unit"]]])
        if not all(found):
            return "rule_unknown"
        if hours < LEAST_HOURS:
            return "rule_too_soon"
        if hours > MOST_HOURS:
            return "rule_too_late"
        return {key: float(hours) for keys in found for key in sorted(keys)}

    def _without_time(self, said: str) -> SpokenFault | None:
        match = self._timeless.fullmatch(said)
        if match is None:
            return None
        things = self._and.split(match["things"] or match["since"])
        return "rule_no_time" if all(map(self._begins_with_one, things)) else None

    def _begins_with_one(self, thing: str) -> bool:
        """Whether it names something, whatever follows: "sauna until Friday"."""
        words = thing.split()
        return any(self._named(" ".join(words[:n])) for n in range(1, len(words) + 1))

    def _named(self, thing: str) -> frozenset[str]:
        return nearly(thing.strip(), self._rules) or frozenset()

    def _words(self, key: str) -> Iterator[str]:
        """The words of all languages for `said.<key>`; some have none."""
        for language in self._texts.languages:
            if self._texts.has(f"said.{key}", language):
                said = str(self._texts.say(language, f"said.{key}").unescape())
                yield from (plain(word) for word in said.split(";") if word.strip())


def nearly(phrase: str, words: Mapping[str, Meaning]) -> Meaning | None:
    """The meaning of the word, or of the only words a letter away."""
    if phrase in words or len(phrase) < 3:
        return words.get(phrase)
    near = {
        meaning
        for word, meaning in words.items()
        if len(word) > 2 and OSA.distance(phrase, word, score_cutoff=1) == 1
    }
    return near.pop() if len(near) == 1 else None


def _any_of(words: Iterable[str]) -> str:
    """Longer ones first; nothing at all where there are none."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) or r"(?!)"


def plain(text: str) -> str:
    """Small letters, without accents; hyphens and underscores are spaces."""
    return " ".join(re.sub(r"[_-]", " ", folded(text)).split())
