"""An answer as it is sent: with its buttons, and staff told at a warning sign."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.care import alerts
from bot.care.people import Known
from bot.care.values import Button, Desk, Incoming, Outgoing, Reaction, Rows
from bot.chat.patient import story
from storage import questions

if TYPE_CHECKING:
    from content.answers import Answer
    from storage.database import Transaction

HAVE_WHY = ("effect", "care")
MOST_REASONS = 3
ACTION_BYTES = 64
"""What a button's action may hold."""


def said(
    desk: Desk, tx: Transaction, incoming: Incoming, known: Known, answer: Answer, now: datetime
) -> Sequence[Reaction]:
    """The answer to words of a patient; at a warning sign the clinic's staff are told them."""
    told: str = ""
    alarms: Sequence[Outgoing] = ()
    if answer.level in alerts.ALARMING:
        told, alarms = alerts.raised(desk, tx, incoming, known, answer, now)
    question = questions.ask(tx, incoming.account, answer.asks, now) if answer.asks else None
    reply = Outgoing(
        account=incoming.account,
        text=f"{answer.reply}\n\n{told}" if told else answer.reply,
        buttons=under(desk, known.language, answer, question.id if question else None),
    )
    return [reply, *alarms]


def under(desk: Desk, language: str, answer: Answer, question: int | None = None) -> Rows:
    """The buttons under an answer; `question`: the row of the yes/no question it ends in."""

    def button(key: str, action: str) -> Button:
        return Button(label=desk.say(language, key).unescape(), action=action)

    rows = []
    if question is not None:
        choice = f"doubt:{answer.asks}:{{}}:{question}"
        rows.append(tuple(button(f"buttons.{it}", choice.format(it)) for it in ("yes", "no")))
    rows += [(button(f"topics.{it}.name", f"topic:{it}"),) for it in answer.closest]
    rows += story.leading_on(desk, language, answer)
    topics = [it for it in answer.topics or (answer.topic,) if has_why(desk, it)]
    if topics:
        rows.append((button("buttons.why", _as_many_as_fit("why", topics)),))
    return tuple(rows)


def has_why(desk: Desk, topic: str) -> bool:
    """Whether there is a reason to give: for what is medical."""
    known = desk.library.topics.get(topic)
    return topic == "emergency" or (known is not None and known.kind in HAVE_WHY)


def _as_many_as_fit(action: str, topics: Sequence[str]) -> str:
    for topic in topics[:MOST_REASONS]:
        if len(f"{action}:{topic}".encode()) <= ACTION_BYTES:
            action = f"{action}:{topic}"
    return action
