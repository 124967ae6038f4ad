"""The line taken apart: its recommendation, the pieces between commas, the field each names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from bot.care.session_line.values import Field
from bot.care.session_line.words import (
    BARE_LABEL,
    DECIMAL,
    GLUED_NEXT,
    KEPT_COMMA,
    LABEL,
    SEPARATOR,
    TIMELIKE,
    USE,
)

if TYPE_CHECKING:
    from bot.care.session_line.reader import Reader

Piece = tuple[Field | None, str]
"""A label, if there was one, and what was written."""


def parts(text: str, reader: Reader) -> list[tuple[Field, str]]:
    """Every phrase of the line with the field it belongs to; the rest are `reader`'s problems."""
    rest, uses = _take_use(text.replace(KEPT_COMMA, ""))
    raw = list(split(rest))
    found: list[tuple[Field, str]] = [("use", use) for use in uses]
    if raw and _may_be_name(raw[0]) and not reader.reads_as_field(raw[0]):
        found.append(("name", raw.pop(0)))
    pieces = [label_of(piece) or (None, piece) for piece in raw]
    for label, phrase in _joined_dates([piece for piece in pieces if piece[1]], reader):
        found += [(label, phrase)] if label else reader.fields_of(phrase)
    return found


def _may_be_name(piece: str) -> bool:
    """Not labelled: "ended 14:30" is, "Date Kenji" is a person."""
    bare = BARE_LABEL.match(piece) and (re.search(r"\d", piece) or TIMELIKE.search(piece))
    return not (LABEL.match(piece) or bare)


def _take_use(text: str) -> tuple[str, list[str]]:
    """The line without its recommendations, and those: each up to the next label or line."""
    uses = []
    while start := USE.search(text):
        line_end = text.find("\n", start.end())
        label = LABEL.search(text, start.end())
        end = min(line_end if line_end >= 0 else len(text), label.start() if label else len(text))
        uses.append(text[start.end() : end].strip(" \t\r,;"))
        text = f"{text[: start.start()]}\n{text[end:]}"
    return text, [use for use in uses if use]


def split(text: str) -> Iterator[str]:
    """The pieces between commas, none empty; `;` separates in a line without commas only."""
    text = DECIMAL.sub(rf"\1{KEPT_COMMA}", text)
    if not SEPARATOR.search(text):
        text = text.replace(";", "\n")
    text = LABEL.sub(lambda label: f"\n{label[0]}", text)
    for n, piece in enumerate(p for p in SEPARATOR.split(text) if p.strip()):
        for part in GLUED_NEXT.split(piece) if n else [piece]:
            yield part.replace(KEPT_COMMA, ",").strip()


def label_of(piece: str) -> tuple[Field, str] | None:
    """The field a piece names and its value; a bare "next" stays, "next Tuesday" needs it."""
    if match := LABEL.match(piece):
        return cast(Field, match.lastgroup), piece[match.end() :].strip()
    if (match := BARE_LABEL.match(piece)) and match.end() < len(piece):
        name = cast(Field, match.lastgroup)
        return name, piece if name == "next" else piece[match.end() :]
    return None


def _joined_dates(pieces: list[Piece], reader: Reader) -> list[Piece]:
    """Puts "today", "14:30" and "next Dec 20", "2026", "10:00" together again."""
    joined: list[Piece] = []
    for n, (label, phrase) in enumerate(pieces):
        if label is None and joined and (before := joined[-1])[0] in (None, "ended", "next"):
            others = [*joined[:-1], *pieces[n + 1 :]]
            if reader.goes_with(before, phrase, others):
                joined[-1] = (before[0], f"{before[1]}, {phrase}")
                continue
        joined.append((label, phrase))
    return joined
