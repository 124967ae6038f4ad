"""What a receptionist wrote after /newsession, read into one session or asked about.

    text -> recommendation taken out -> pieces between commas -> (field, phrase) -> values checked

Everything is read at once: what was understood, what to ask with buttons, what was not understood.
A button's answer, and every value understood, is a canonical phrase (`Line.fields`): the line is
read again with the answers, and from the fields alone the same session comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.care.session_line.moments import Moments
from bot.care.session_line.pieces import label_of, parts
from bot.care.session_line.reader import Reader
from bot.care.session_line.values import (
    NO_VISIT,
    Choice,
    ChoiceKey,
    Line,
    Problem,
    ProblemKey,
    Understood,
    Visit,
)
from content.library import Library

__all__ = [
    "Choice",
    "ChoiceKey",
    "Line",
    "Problem",
    "ProblemKey",
    "Understood",
    "Visit",
    "read_line",
    "read_visit",
]


def read_line(
    text: str,
    *,
    written_at: datetime,
    zone: ZoneInfo,
    language: str = "en",
    answers: Mapping[str, str] | None = None,
    library: Library | None = None,
) -> Line:
    """Read what follows /newsession, written at `written_at` (aware, UTC) in a clinic in `zone`.

    `answers` (field -> canonical phrase) take the place of what the text says of those fields.
    "No sauna 10 days" and "marks easily" are understood in the words of the `library`, if there is
    one.
    """
    reader = Reader(written_at=written_at, zone=zone, language=language, library=library)
    reader.read(parts(text, reader), answers or {})
    return reader.line()


def read_visit(
    phrase: str,
    *,
    written_at: datetime,
    zone: ZoneInfo,
    language: str = "en",
    after: datetime | None = None,
) -> Visit:
    """Read "next 2026-12-20 10:00", "20 Dec 10:00", "remove"; `after` is the session's end, UTC."""
    reader = Moments(written_at=written_at, zone=zone, language=language)
    label, value = label_of(phrase.strip().rstrip(",")) or ("next", phrase)
    if label != "next":
        reader.problem("not_understood", phrase.strip(), "next")
    else:
        reader.ended = after
        reader.read_next(value)
    return Visit(
        next=reader.visit,
        removed=reader.fields.get("next") == NO_VISIT,
        choices=tuple(reader.choices),
        problems=tuple(reader.problems),
    )
