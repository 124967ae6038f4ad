"""The words and patterns that a session's line is read by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from bot.care.session_line.values import Field
from content.facts import Area, Device
from content.spoken import nearly

Word = TypeVar("Word", Area, Device)

LABELS: dict[Field, str] = {
    "name": r"name|patient",
    "ended": r"ended|ends|end|end time|finished|done|time|date",
    "area": r"area|zone",
    "device": r"device|with",
    "depth": r"depth|needle depth|needle",
    "number": r"session|session no|session number|number|visit|no",
    "next": r"next|next visit|next session|next appointment|follow[ -]?up|follow[ -]?up visit",
    "use": r"use|recommended|recommendations?",
}
BARE: tuple[Field, ...] = ("ended", "area", "device", "depth", "next")
"""Fields whose label may stand without its colon."""


def _any_label(fields: tuple[Field, ...]) -> str:
    """One named group a field, longer labels first."""
    groups = []
    for name in fields:
        words = sorted(LABELS[name].split("|"), key=len, reverse=True)
        groups.append(f"(?P<{name}>{'|'.join(words)})")
    return rf"(?:{'|'.join(groups)})"


LABEL = re.compile(rf"(?<!\w){_any_label(tuple(LABELS))}\s*:", re.IGNORECASE)
BARE_LABEL = re.compile(rf"{_any_label(BARE)}\b[ .]*", re.IGNORECASE)
USE = re.compile(rf"(?<!\w)(?:{LABELS['use']})\s*:", re.IGNORECASE)
GLUED_NEXT = re.compile(
    r"(?:(?<=[\d)])|(?<=\S)(?<!\bno)\s+)(?=(?:next|follow[ -]?up)\b)", re.IGNORECASE
)
SEPARATOR = re.compile(r"[,\n\r，،、]")  # noqa: RUF001  the commas of other keyboards
DECIMAL = re.compile(
    r"(?<![\d.:/-])(?<!of )(\d{1,2}),(?=\d{1,2}\s*(?:mm|millim)|\d{1,2}\s*(?:[,;\n]|$))",
    re.IGNORECASE,
)
KEPT_COMMA = "\0"
"""Stands for a decimal comma while the pieces are taken apart."""

_MM = r"(?:mm|millimet(?:er|re)s?|milimetros?|milímetros?)\b\.?"
DEPTH = re.compile(
    rf"(?<![\w.,:/])(?P<mm>[-\u2212]?\s?\d{{0,3}}(?:[.,]\d{{1,2}}|\d))\s*{_MM}", re.IGNORECASE
)
BARE_NUMBER = re.compile(r"[-\u2212]?\d{0,3}(?:[.,]\d{1,2}|\d)")
COUNT = re.compile(
    r"(?<![\w/.:-])(?:(?:session|visit|number|no)\b\.?\s*|#)?"
    r"(?P<number>\d{1,2})\s*(?:/|of|out of|de)\s*(?P<of>\d{1,2})(?![\w/:-]|\.\d)",
    re.IGNORECASE,
)
NUMBER_ALONE = re.compile(r"(?:(?:session|visit|number|no)\b\.?\s*|#)\d{1,2}", re.IGNORECASE)
COUNT_BESIDE_TIME = re.compile(r"(?<![\d/.-])(\d{1,2})/(\d{1,2})(?![\d/.-])")
TIMELIKE = re.compile(
    r"\d[:.h]\d\d(?!\d)|\d\s*[ap]\.?m\b|\b(?:today|yesterday|now|hoy|ayer|ahora)\b", re.IGNORECASE
)
DECIMAL_ALONE = re.compile(r"\d[.,]\d|0?[.,]\d{1,2}")
USE_NO_COLON = re.compile(r"(?:use|recommend(?:ed|ations?)?)\s", re.IGNORECASE)
NO_VISIT_WORDS = re.compile(
    r"(?:next |follow[ -]?up )?(?:none|no|-|nothing|remove|cancel)"
    r"|no (?:next(?: visit)?|follow[ -]?up)",
    re.IGNORECASE,
)
NOT_KNOWN_WORDS = re.compile(r"unknown|not known|\?+|-", re.IGNORECASE)
AND = re.compile(r"\s*(?:\band\b|\by\b|&|\+|/)\s*", re.IGNORECASE)

_AREA_WORDS: dict[Area, str] = {
    "face": "face|the face|full face|whole face|facial|cheek|cheeks|forehead|chin|jaw|jawline"
    "|cara|rostro",
    "neck": "neck|the neck|cuello",
    "body": "body|back|belly|tummy|abdomen|stomach|chest|arm|arms|hand|hands|leg|legs|thigh"
    "|thighs|buttocks|knees|cuerpo|espalda",
    "scalp": "scalp|head|hair|hairline|cuero cabelludo",
    "eyes": "eyes|eye|eye area|around eyes|around the eyes|under eyes|under the eyes|under-eyes"
    "|ojos|contorno de ojos",
}
_DEVICE_WORDS: dict[Device, str] = {
    "needling": "needling|microneedling|micro-needling|micro needling|needles|dermapen|skinpen"
    "|dermaroller",
    "RF": "rf|r.f.|radiofrequency|radio frequency|radio-frequency|rf needling|rf microneedling"
    "|rf micro-needling|microneedling rf|needling rf|radiofrecuencia|morpheus8|morpheus 8",
}
AREAS = {word: area for area, words in _AREA_WORDS.items() for word in words.split("|")}
DEVICES = {word: device for device, words in _DEVICE_WORDS.items() for word in words.split("|")}


def _one_of(words: Mapping[str, object]) -> re.Pattern[str]:
    longest_first = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{longest_first})(?![\w-])", re.IGNORECASE)


AREA_IN = _one_of(AREAS)
DEVICE_IN = _one_of(DEVICES)


def several_areas(phrase: str) -> bool:
    """Whether it names more than one: "face and neck"."""
    areas = {AREAS.get(word) for word in AND.split(phrase)}
    return len(areas) > 1 and None not in areas


def may_hold_count(phrase: str) -> bool:
    """Whether it is like 2/4 14:30: the second of April, or of four sessions."""
    match = COUNT_BESIDE_TIME.search(phrase)
    return match is not None and int(match[1]) <= int(match[2]) <= 12


def misspelt(phrase: str) -> list[tuple[Field, str]]:
    """An area or a device that is one letter off."""
    if nearly_one_of(phrase, AREAS):
        return [("area", phrase)]
    return [("device", phrase)] if nearly_one_of(phrase, DEVICES) else []


def nearly_one_of(phrase: str, words: Mapping[str, Word]) -> Word | None:
    """The meaning of the word, or of the only words a letter away."""
    return nearly(" ".join(phrase.casefold().split()), words)
