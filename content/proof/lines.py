"""The sheet that a clinician proof-reads, as lines of plain text: `plan`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from textwrap import wrap

from markupsafe import Markup

from content.preview import plain
from content.proof.sheet import Message, Sheet, Value
from content.proof.words import Words

QUOTED = "    | "
BESIDE = "      "
WIDTH = 120


def lines(sheet: Sheet) -> Iterator[str]:
    """The head, the messages hour by hour with what they rest on, and what is sent elsewhere."""
    words = Words(sheet)
    yield _said(words.label("head.title")).upper()
    yield _said(words.label("head.intro"))
    yield _said(words.approved())
    for title, facts in words.facts():
        yield ""
        yield f"{_said(title)}: {' · '.join(map(_said, facts))}"
    yield from _changes(words)
    yield from _headed(words.label("messages.title"))
    for day, messages in groupby(sheet.messages, key=lambda message: message.day):
        yield ""
        yield _said(words.label("messages.day", day=day))
        for message in messages:
            yield from _message(words, message)
    yield from _elsewhere(words)


def _changes(words: Words) -> Iterator[str]:
    if words.sheet.changed:
        yield ""
        yield f"{_said(words.label('profile.changes'))}:"
    for value in words.sheet.changed:
        yield f"    {value.rule.key}: {_said(words.change(value))}"


def _elsewhere(words: Words) -> Iterator[str]:
    if not words.sheet.elsewhere:
        return
    yield from _headed(words.label("messages.elsewhere"))
    yield _said(words.label("messages.elsewhere_why"))
    for case, message in words.sheet.elsewhere:
        yield ""
        yield _said(words.label(f"messages.case_{case}"))
        yield from _message(words, message)


def _headed(title: Markup) -> list[str]:
    return ["", _said(title).upper()]


def _message(words: Words, message: Message) -> Iterator[str]:
    yield ""
    yield f"  {' · '.join(map(_said, words.heading(message)))}"
    yield from (f"{QUOTED}{line}".rstrip() for line in plain(message.text).splitlines())
    yield f"    {_said(words.label('messages.rests_on'))}:"
    if not (message.says or message.lists or message.sources):
        yield f"{BESIDE}{_said(words.label('messages.nothing'))}"
    for value in message.says:
        yield from _value(words, value)
    if message.lists:
        yield f"    {_said(words.label('messages.listed'))}:"
    for value in message.lists:
        yield from _value(words, value)
    if message.warns:
        yield f"    {_said(words.label('messages.warns'))}:"
        yield from _wrapped(_said(words.warnings(message)))
    if message.sources:
        yield f"    {_said(words.label('messages.sources'))}:"
        yield from _wrapped("; ".join(f"{it.key}: {it.title}" for it in message.sources))


def _value(words: Words, value: Value) -> list[str]:
    parts = (words.hours(value), words.status(value), words.found(value))
    said = "; ".join(map(_said, parts))
    return _wrapped(f"{value.rule.key}: {said} [{', '.join(value.rule.sources)}]")


def _wrapped(text: str) -> list[str]:
    return wrap(
        text,
        WIDTH,
        initial_indent=BESIDE,
        subsequent_indent=f"{BESIDE}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _said(text: Markup | str) -> str:
    return plain(text) if isinstance(text, Markup) else text
