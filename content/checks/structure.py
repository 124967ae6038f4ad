"""What can be told from the texts alone: every key, every value asked for, tags, lengths of labels.

Cheap, and what it finds would fail before a patient's eyes: a reminder that cannot be put together,
a message that Telegram refuses, a telephone number that a translation has lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from content.checks import telegram_html
from content.checks.finding import Finding, error, text_place
from content.library import Library
from content.texts import FALLBACK, Texts

MOST_OF_A_LABEL = 40
"""Characters of a button's label: more is cut off on a telephone."""
MOST_OF_A_COMMAND = 256
"""Characters of a command's description (Bot API, BotCommand)."""

_LABEL = re.compile(r"buttons\.(?:topic\.)?\w+|\w+\.button\.\w+(?:\.\w+)?|topics\.\w+\.name")
_COMMAND = re.compile(r"chat\.menu\.\w+")
_LISTED = re.compile(r"said\..*|buttons\.written\..*")
"""Words that are understood, not said: a language has as many as it has."""
FILLED = "x"
"""Stands for every value."""


def structural(library: Library) -> list[Finding]:
    """Errors in any text of any language. Costs milliseconds: content can be refused at a start."""
    found: list[Finding] = []
    for language in library.texts.languages:
        found += _keys(library.texts, language)
        found += _values(library.texts, language)
        found += _tags_and_labels(library.texts, language)
    return found


def _keys(texts: Texts, language: str) -> Iterator[Finding]:
    ours, english = texts.keys(language), texts.keys()
    for key in sorted(english - ours):
        if not _LISTED.fullmatch(key):
            yield error(text_place(language, key), "is missing; English has it")
    for key in sorted(ours - english):
        yield error(text_place(FALLBACK, key), f"is missing; {language} has it")


def _values(texts: Texts, language: str) -> Iterator[Finding]:
    """A value that English gives and the translation does not; `_differences` refuses others."""
    english, ours = texts.variant(FALLBACK), texts.variant(language)
    for key in sorted(texts.keys() & texts.keys(language)):
        for field in english[key].fields:
            if field not in ours[key].fields:
                yield error(text_place(language, key), f"{{{field}}} is lost; English has it")


def _tags_and_labels(texts: Texts, language: str) -> Iterator[Finding]:
    for key in sorted(texts.keys(language)):
        place, text = text_place(language, key), texts.variant(language)[key]
        said = str(text.fill(dict.fromkeys(text.fields, FILLED)))
        for problem in telegram_html.problems(said):
            yield error(place, problem)
        if (length := telegram_html.length(said)) > telegram_html.MOST:
            yield error(place, f"{length} characters; a message has at most {telegram_html.MOST}")
        if _LABEL.fullmatch(key):
            yield from _plain(place, said, "a button", MOST_OF_A_LABEL)
        if _COMMAND.fullmatch(key):
            yield from _plain(place, said, "a command's description", MOST_OF_A_COMMAND)


def _plain(place: str, said: str, what: str, most: int) -> Iterator[Finding]:
    """Of what is shown without formatting."""
    if "<" in said:
        yield error(place, f"{what} has no tags")
    if not said:
        yield error(place, f"{what} cannot be empty")
    if (length := telegram_html.length(said)) > most:
        yield error(place, f"{length} characters; {what} has at most {most}")
