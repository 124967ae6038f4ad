"""The answer to a yes/no question about a red flag in doubt: pressed, or written right after."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.care.alerts import ALARMING
from bot.care.people import numbers_of, situation, who_is
from bot.care.values import Desk, Edit, Incoming, Outgoing, Reaction, Toast
from bot.chat.patient.said import said
from content import answers
from storage import people, questions
from storage.models import Question

if TYPE_CHECKING:
    from content.answers import Answer
    from storage.database import Transaction

PRESSED = re.compile(r"doubt:(\w+):(yes|no):([0-9]{1,18})", re.ASCII)
GOOD_FOR = timedelta(hours=24)
"""How long the buttons answer: later they may be about another trouble than the question was."""
IN_WORDS = timedelta(minutes=30)
"""How long a written "yes" is meant for the question."""
CLOCKS_DIFFER = timedelta(seconds=2)
"""Telegram's moments are whole seconds of its own clock. Earlier words do not answer it."""


def press(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """Yes or No was pressed. The first press counts; an old one asks how it is now."""
    known = who_is(tx, incoming.account)
    pressed = PRESSED.fullmatch(incoming.text)
    question = questions.get(tx, incoming.account, int(pressed[3])) if pressed else None
    if (
        pressed is None
        or question is None
        or question.doubt not in desk.library.doubts
        or now - question.asked_at > GOOD_FOR
    ):
        text = desk.say(known.language, "alerts.question.old", **numbers_of(known.clinic))
        return [Edit(), Outgoing(account=incoming.account, text=text)]
    if question.answered_at is not None:
        return [Edit(), Toast(text=desk.say(known.language, "alerts.question.answered"))]
    label = desk.say(known.clinic.language, f"buttons.{pressed[2]}").unescape()
    said_so = replace(incoming, text=label)
    return [Edit(), *_settled(desk, tx, said_so, question, pressed[2] == "yes", now)]


def answered_in_words(
    desk: Desk, tx: Transaction, incoming: Incoming, answer: Answer, now: datetime
) -> Sequence[Reaction]:
    """The reply if the words say yes or no to what was just asked, else nothing.

    `answer` is what the words mean without a question: a warning sign in them comes first.
    """
    question = questions.just_asked(tx, incoming.account, incoming.written_at - IN_WORDS)
    if (
        question is None
        or question.doubt not in desk.library.doubts
        or question.asked_at > incoming.written_at + CLOCKS_DIFFER
        or answer.level in ALARMING
    ):
        return []
    understood = answer.topic != "unknown"
    yes = _yes_or_no(desk, incoming.text, understood=understood)
    if yes is not None:
        return _settled(desk, tx, incoming, question, yes, now)
    if understood or answer.asks:
        return []
    # "Maybe", "not sure": neither a yes nor a no, and not to be lost.
    known = who_is(tx, incoming.account)
    again = answers.asked(desk.library, question.doubt, situation(tx, known, now))
    return said(desk, tx, incoming, known, again, now)


def _settled(
    desk: Desk, tx: Transaction, incoming: Incoming, question: Question, yes: bool, now: datetime
) -> Sequence[Reaction]:
    question.answered_at = now
    known = who_is(tx, incoming.account)
    answer = answers.settled(desk.library, question.doubt, yes, situation(tx, known, now))
    staffs = known.clinic.language
    words = desk.say(
        staffs,
        "alerts.asked",
        question=desk.say(
            staffs, f"doubts.{question.doubt}.question", **numbers_of(known.clinic)
        ).striptags(),
        answer=incoming.text,
    )
    return said(desk, tx, replace(incoming, text=words.unescape()), known, answer, now)


def _yes_or_no(desk: Desk, text: str, *, understood: bool) -> bool | None:
    """What the words say to a yes/no question. "Yes, a bit" is a yes; only a bare no is a no."""
    words = _plain(text)
    if words in _ways(desk, "no"):
        return False
    ways = _ways(desk, "yes")
    is_yes = words in ways or (not understood and words.partition(" ")[0] in ways)
    return True if is_yes else None


def _ways(desk: Desk, answer: str) -> frozenset[str]:
    """How people write it, in any language: somebody may answer in another than they read."""
    texts, key = desk.library.texts, f"buttons.written.{answer}"
    return frozenset(
        _plain(one)
        for language in texts.languages
        if texts.has(key, language)
        for one in texts.say(language, key).split(",")
    )


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", people.plain(re.sub(r"['\u2019]", "", text))))
