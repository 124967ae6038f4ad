"""What a patient asks, by command, by button or in their own words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING

from markupsafe import Markup

from bot.care.alerts import ALARMING
from bot.care.people import Known, numbers_of, situation, who_is
from bot.care.sessions import planned_of
from bot.care.values import Button, Desk, Handle, Incoming, Outgoing, Reaction
from bot.chat.patient import doubts
from bot.chat.patient.said import has_why, said, under
from content import answers, messages
from content.facts import Situation
from content.library import Library
from storage import questions, reminders

if TYPE_CHECKING:
    from content.answers import Answer
    from content.schedule import Planned
    from storage.database import Transaction
    from storage.models import Patient

TellPlan = Callable[[Library, Situation, Sequence["Planned"]], Markup]


def free_text(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """Answer somebody's own words for the hour it is now; tell staff of a warning sign."""
    known = who_is(tx, incoming.account)
    answer = _answer(desk, tx, known, incoming.text, now)
    if reply := doubts.answered_in_words(desk, tx, incoming, answer, now):
        return reply
    questions.pass_by(tx, incoming.account, now)
    if answer.topic == "unknown" and not answer.asks and known.patient is None:
        offered = () if known.staff else under(desk, known.language, answer)
        return [replace(_stranger(desk, known, incoming), buttons=offered)]
    return said(desk, tx, incoming, known, answer, now)


def is_understood(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> bool:
    """Whether somebody's own words say anything to us."""
    answer = _answer(desk, tx, who_is(tx, incoming.account), incoming.text, now)
    return answer.topic != "unknown" or answer.asks is not None


def if_alarming(
    desk: Desk, tx: Transaction, incoming: Incoming, words: str, now: datetime
) -> Sequence[Reaction]:
    """The answer to `words` if they hold a warning sign, or may hold one; else nothing."""
    if not words.strip():
        return []
    known = who_is(tx, incoming.account)
    answer = _answer(desk, tx, known, words, now)
    if answer.level not in ALARMING and answer.asks is None:
        return []
    return said(desk, tx, replace(incoming, text=words), known, answer, now)


def heeding(handle: Handle) -> Handle:
    """A command, unless a warning sign follows it (`/today my throat is closing`)."""

    @wraps(handle)
    def heeded(
        desk: Desk, tx: Transaction, incoming: Incoming, now: datetime
    ) -> Sequence[Reaction]:
        alarm = if_alarming(desk, tx, incoming, incoming.text, now)
        return alarm or handle(desk, tx, incoming, now)

    return heeded


def about(
    desk: Desk, tx: Transaction, incoming: Incoming, now: datetime, topic: str
) -> Sequence[Reaction]:
    """A topic's command (`/makeup`).

    People leaf through the commands, so `/infection` alone alarms nobody: a button under its answer
    does, which is the topic's own (`topic`). To whom no team can be told there is none.
    """
    if alarm := if_alarming(desk, tx, incoming, incoming.text, now):
        return alarm
    known = who_is(tx, incoming.account)
    here = situation(tx, known, now)
    answer = answers.about(desk.library, topic, here)
    if topic == "moisturiser" and (quoted := messages.recommendation(desk.library, here)):
        answer = replace(answer, reply=answer.reply + "\n\n" + quoted)
    buttons = under(desk, known.language, answer)
    if answer.level in ALARMING and known.patient is not None:
        label = desk.say(known.language, "buttons.have_it").unescape()
        buttons = ((Button(label=label, action=f"topic:{topic}"),), *buttons)
    return [Outgoing(account=incoming.account, text=answer.reply, buttons=buttons)]


def topic(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """The button of a topic: offered because the words were not understood, or "I have this now".

    It is what they meant, so it counts as words do: staff are told where that is called for.
    """
    known = who_is(tx, incoming.account)
    key = incoming.text.removeprefix("topic:")
    if key not in desk.library.topics:  # of a version that offered something else
        return contact(desk, tx, replace(incoming, text=""), now)
    answer = answers.about(desk.library, key, situation(tx, known, now))
    label = desk.say(known.clinic.language, f"topics.{key}.name").unescape()
    words = desk.say(known.clinic.language, "alerts.pressed", label=label).unescape()
    return said(desk, tx, replace(incoming, text=words), known, answer, now)


def why(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """`Why?`: the reason for what was said, and where it comes from; a message for each topic."""
    known = who_is(tx, incoming.account)
    here = situation(tx, known, now)
    topics = [it for it in incoming.text.split(":")[1:] if has_why(desk, it)]
    if not topics:
        return contact(desk, tx, replace(incoming, text=""), now)
    reasons = [answers.why(desk.library, it, here) for it in dict.fromkeys(topics)]
    return [Outgoing(account=incoming.account, text=reason) for reason in reasons]


@heeding
def today(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """`/today`: what to do and what not yet, at this hour."""
    known = who_is(tx, incoming.account)
    here = situation(tx, known, now)
    if here.session is None:
        return [_without_session(desk, known, incoming, here)]
    lines = [
        messages.now_text(desk.library, here),
        messages.emergency_lines(desk.library, here),
    ]
    return [Outgoing(account=incoming.account, text=Markup("\n\n").join(lines))]


@heeding
def plan(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """`/plan`: what is allowed from when, and the messages to come."""
    return _of_the_plan(desk, tx, incoming, now, messages.plan_text)


@heeding
def coming_next(
    desk: Desk, tx: Transaction, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """`/next`: the next visit, and the next message."""
    return _of_the_plan(desk, tx, incoming, now, messages.next_text)


def _of_the_plan(
    desk: Desk, tx: Transaction, incoming: Incoming, now: datetime, tell: TellPlan
) -> Sequence[Reaction]:
    known = who_is(tx, incoming.account)
    here = situation(tx, known, now)
    if known.patient is None or here.session is None:
        return [_without_session(desk, known, incoming, here)]
    text = tell(desk.library, here, to_come(desk, tx, known.patient)) + _why_none(desk, known)
    return [Outgoing(account=incoming.account, text=text)]


@heeding
def side_effects(
    desk: Desk, tx: Transaction, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """`/sideeffects`: what is to be expected at this hour, and what is not."""
    here = situation(tx, who_is(tx, incoming.account), now)
    return [Outgoing(account=incoming.account, text=answers.side_effects(desk.library, here))]


@heeding
def contact(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """`/contact`: the numbers, one of them to copy with a tap."""
    known = who_is(tx, incoming.account)
    text = answers.about(desk.library, "contact", situation(tx, known, now)).reply
    copy = Button(label=desk.say(known.language, "chat.button.copy_phone"), copy=known.clinic.phone)
    return [Outgoing(account=incoming.account, text=text, buttons=((copy,),))]


def not_text(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """A picture, a voice message, a file, a place: nobody looks at it here. Its caption is read."""
    known = who_is(tx, incoming.account)
    here = situation(tx, known, now)
    told = Outgoing(
        account=incoming.account,
        text=desk.say(known.language, "chat.not_text", **numbers_of(known.clinic))
        + "\n\n"
        + messages.emergency_lines(desk.library, here),
    )
    if incoming.text.strip():
        return [*free_text(desk, tx, incoming, now), told]
    return [told]


def to_come(desk: Desk, tx: Transaction, patient: Patient) -> list[Planned]:
    """What will be sent, as things stand: nothing that `/stop` ended."""
    if patient.stopped == "everything":
        return []
    rows = planned_of(reminders.ahead(tx, patient.id), desk.library)
    if patient.stopped == "nothing":
        return rows
    return [row for row in rows if desk.library.step(row.key).kind == "appointment"]


def _why_none(desk: Desk, known: Known) -> Markup:
    """Why messages one might expect do not come, and how to have them; empty if all do."""
    state = "asked" if known.invited else known.patient.stopped if known.patient else "nothing"
    if state == "nothing":
        return Markup()
    return Markup("\n\n") + desk.say(known.language, f"chat.off.{state}", clinic=known.clinic.name)


def _answer(desk: Desk, tx: Transaction, known: Known, words: str, now: datetime) -> Answer:
    return answers.answer(desk.library, words, situation(tx, known, now), language=known.language)


def _without_session(desk: Desk, known: Known, incoming: Incoming, here: Situation) -> Outgoing:
    """To a patient whose session was cancelled, and to whoever never had one."""
    if known.patient is None:
        return _stranger(desk, known, incoming)
    return Outgoing(account=incoming.account, text=messages.now_text(desk.library, here))


def _stranger(desk: Desk, known: Known, incoming: Incoming) -> Outgoing:
    key = "chat.staff_only" if known.staff else "chat.stranger"
    return Outgoing(
        account=incoming.account, text=desk.say(known.language, key, **numbers_of(known.clinic))
    )
