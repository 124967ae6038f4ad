"""How many years of school a text asks for, by public formulas.

English: the Flesch-Kincaid grade (Kincaid, Fishburne, Rogers, Chissom 1975, Navy Research Branch
Report 8-75): 0.39 x words per sentence + 11.8 x syllables per word - 15.59.

Spanish: Crawford's grade (Crawford 1989, Lectura y Vida 10(4): 18-24), made from and for texts of
Spanish primary schools: 0.049 x syllables per 100 words - 0.205 x sentences per 100 words - 3.407.

Both give a school grade, so one bound means the same in both: clinical.md, part H, aims at grade 5
to 6 and never above 7. A sentence ends at a full stop, a question or exclamation mark, or with its
line. Flesch (1949, The Art of Readable Writing) lets colons and semicolons end one too; we do not,
which makes the grade higher, never lower. Names, numbers, dates, addresses and commands are left
out: no wording changes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cache, lru_cache
from typing import NamedTuple

import pyphen
from babel import Locale

from content.checks.telegram_html import seen

MOST = 7.0
"""Grade of the hardest text."""
MOST_ON_AVERAGE = 6.0
LEAST_WORDS = 20
"""The formulas were made for passages: of fewer words one long one decides everything."""

_LEFT_OUT = re.compile(r"https?://\S+|(?<!\w)[/@]\w+|\d+(?:[.,:/]\d+)*")
_SENTENCE = re.compile(r"[.!?…](?=\s|$|[\"”»)])|\n")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")  # noqa: RUF001


class Counts(NamedTuple):
    """What the formulas are made of."""

    sentences: int
    words: int
    syllables: int


def _flesch_kincaid(of: Counts) -> float:
    return 0.39 * of.words / of.sentences + 11.8 * of.syllables / of.words - 15.59


def _crawford(of: Counts) -> float:
    per_100 = 100 / of.words
    return 0.049 * of.syllables * per_100 - 0.205 * of.sentences * per_100 - 3.407


_FORMULAS: dict[str, Callable[[Counts], float]] = {"en": _flesch_kincaid, "es": _crawford}


def is_measured(language: str) -> bool:
    """Whether there is a formula for it."""
    return language in _FORMULAS


def grade(text: str, language: str, *, names: Collection[str] = ()) -> float | None:
    """The school grade that `text` (Telegram HTML) asks for; `names` in it are left out.

    None: too short to tell, or a language without a formula.
    """
    if not is_measured(language):
        return None
    counted = counts(text, language, names=names)
    return _FORMULAS[language](counted) if counted.words >= LEAST_WORDS else None


def counts(text: str, language: str, *, names: Collection[str] = ()) -> Counts:
    """Sentences, words and syllables of `text`, without what no wording changes."""
    plain = seen(text)
    for name in names:
        plain = plain.replace(name, " ")
    calendar = _calendar(language)
    sentences = [
        words
        for sentence in _SENTENCE.split(_LEFT_OUT.sub(" ", plain))
        if (words := [word for word in _WORD.findall(sentence) if word.lower() not in calendar])
    ]
    words = [word for sentence in sentences for word in sentence]
    return Counts(len(sentences), len(words), sum(syllables(word, language) for word in words))


@lru_cache(maxsize=10_000)
def syllables(word: str, language: str) -> int:
    """At least one. Hyphens miss some syllables, and counting vowels others: the more count."""
    plain = re.sub(r"['’]", "", word.lower())  # noqa: RUF001
    return sum(
        max(_hyphenated(part, language), _VOWELS[language](part), 1) for part in plain.split("-")
    )


def _hyphenated(word: str, language: str) -> int:
    """How many parts with a vowel it can be cut into at the end of a line."""
    parts = _hyphens(language).inserted(word).split("-")
    return sum(1 for part in parts if re.search(r"[aeiouyáéíóúü]", part))


@cache
def _hyphens(language: str) -> pyphen.Pyphen:
    return pyphen.Pyphen(lang={"en": "en_US"}.get(language, language), left=2, right=2)


def _english_vowels(word: str) -> int:
    """Groups of vowels, without an ending that is not heard: "use", "called", "times"."""
    groups = len(re.findall(r"[aeiouy]+", word))
    heard = r"[^aeiouy]le$|[td]ed$|(?:[sxzcg]|ch|sh)es$|[^aeiouy]les$|ee$"
    silent = re.search(r"[^aeiouy](?:e|ed|es)$", word) and not re.search(heard, word)
    return groups - 1 if silent else groups


def _spanish_vowels(word: str) -> int:
    """The rules of Spanish: each strong or stressed vowel, and weak ones that stand alone."""
    heard = re.sub(r"gu(?=[eiéí])", "g", word.replace("qu", "q"))
    return len(re.findall(r"[aeoáéíóú]|(?<![aeoáéíóú])[iuüy](?![aeoáéíóúiuüy])", heard))


_VOWELS: dict[str, Callable[[str], int]] = {"en": _english_vowels, "es": _spanish_vowels}


@cache
def _calendar(language: str) -> frozenset[str]:
    """The names of days and months."""
    locale = Locale.parse(language)
    tables = (locale.days["format"]["wide"], locale.months["format"]["wide"])
    return frozenset(name.lower() for table in tables for name in table.values())
