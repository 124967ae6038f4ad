"""The treatment's story: a page under an answer, and turning to the next in the same message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.care.people import situation, who_is
from bot.care.values import Button, Desk, Edit, Incoming, Reaction, Rows
from content import pages
from content.replies import Voice

if TYPE_CHECKING:
    from content.answers import Answer
    from content.story import Page
    from storage.database import Transaction

SHORT = 20
"""Letters of a label that leaves room for another beside it."""


def turn(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """A page's button: the message it stands under becomes that page, for this hour."""
    known, story = who_is(tx, incoming.account), desk.library.story
    # A button of an older version may name a page there is not.
    page = story.pages.get(incoming.text.removeprefix("story:"), story.first)
    if page is None:
        return []
    voice = Voice(desk.library, situation(tx, known, now))
    return [Edit(text=pages.text(voice, page), buttons=_of(desk, voice.language, page))]


def leading_on(desk: Desk, language: str, answer: Answer) -> Rows:
    """The buttons of the page that an answer is; else, for what the story tells of, one into it."""
    story = desk.library.story
    if answer.page is not None:
        return _of(desk, language, story.pages[answer.page])
    if answer.level != "info":
        return ()
    page = next(filter(None, map(story.root, answer.topics)), None)
    if page is None:
        return ()
    title = desk.say(language, f"story.{page.key}.title")
    label = desk.say(language, "story.button.more", title=title).unescape()
    return ((Button(label=label, action=_to(page)),),)


def _of(desk: Desk, language: str, page: Page) -> Rows:
    """The pages under it, the commands it speaks of, and the way back and on."""
    story = desk.library.story
    under = (
        Button(label=desk.say(language, f"story.{it.key}.title").unescape(), action=_to(it))
        for it in story.under(page)
    )
    opens = (
        (Button(label=desk.say(language, f"story.button.{it}").unescape(), action=f"{it}:"),)
        for it in page.opens
    )
    back = story.pages[page.under] if page.under else None
    turns = tuple(
        Button(label=desk.say(language, f"story.button.{way}").unescape(), action=_to(to))
        for way, to in (("back", back), ("next", story.after(page)))
        if to is not None
    )
    return (*_paired(under), *opens, *([turns] if turns else []))


def _to(page: Page) -> str:
    return f"story:{page.key}"


def _paired(buttons: Iterable[Button]) -> Iterator[tuple[Button, ...]]:
    """Two short ones beside each other, a long one alone."""
    waiting: Button | None = None
    for button in buttons:
        if waiting is not None and len(button.label) <= SHORT:
            yield waiting, button
            waiting = None
            continue
        if waiting is not None:
            yield (waiting,)
        waiting = button if len(button.label) <= SHORT else None
        if waiting is None:
            yield (button,)
    if waiting is not None:
        yield (waiting,)
