"""What a clinician's recommendation names that a rule still forbids: staff are asked from when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from content.facts import Session
from content.letters import folded
from content.rules import hours

if TYPE_CHECKING:
    from content.library import Library


class Names(BaseModel):
    """The words that name what a rule is about (`words`), and those that only look so (`but`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    words: tuple[str, ...] = Field(min_length=1)
    but: tuple[str, ...] = ()


def forbidden_until(library: Library, recommendation: str, session: Session) -> float:
    """The hour after the session from which everything the recommendation names is allowed.

    0 where it names nothing that a rule forbids. The rule's own hour for this session.
    """
    plain = _plain(recommendation)
    return max(
        (
            hours(library.rules[names.key], session)
            for names in library.names.values()
            if _names(plain, names)
        ),
        default=0,
    )


def _names(plain: str, names: Names) -> bool:
    for innocent in names.but:
        plain = plain.replace(innocent, " ")
    return any(re.search(_pattern(word), plain) for word in names.words)


def _pattern(word: str) -> str:
    # Short ones stand alone ("aha" is not in "ahaha"); longer ones may go on ("retin": retinol).
    return rf"\b{re.escape(word)}" + (r"\b" if len(word) <= 4 else "")


def _plain(text: str) -> str:
    return re.sub(r"[\s\-_./]+", " ", folded(text))
