"""What a patient asks, by command or in their own words, and the alarm at a warning sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING

from markupsafe import Markup

from bot.care.people import Known, numbers_of, situation, who_is
from bot.care.sessions import planned_of
from bot.care.values import Button, Desk, Handle, Incoming, Outgoing, Reaction
from content import answers, messages, wording
from content.facts import Situation
from content.library import Library
from storage import audit, people, reminders

if TYPE_CHECKING:
    from content.answers import Answer
    from content.schedule import Planned
    from storage.database import Transaction
    from storage.models import Patient

TellPlan = Callable[[Library, Situation, Sequence["Planned"]], Markup]
ALARMING = ("today", "emergency")
WORDS_SHOWN = 1000
"""Characters of a patient's words that staff are shown."""


def free_text(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """Answer somebody's own words for the hour it is now; tell staff of a warning sign."""
    known = who_is(tx, incoming.account)
    answer = answers.answer(
        desk.library, incoming.text, situation(tx, known, now), language=known.language
    )
    if answer.level in ALARMING:
        return _alarming(desk, tx, incoming, known, answer, now)
    if answer.topic == "unknown" and known.patient is None:
        return [_stranger(desk, known, incoming)]
    return [Outgoing(account=incoming.account, text=answer.reply)]


def is_understood(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> bool:
    """Whether somebody's own words say anything to us."""
    known = who_is(tx, incoming.account)
    here = situation(tx, known, now)
    answer = answers.answer(desk.library, incoming.text, here, language=known.language)
    return answer.topic != "unknown"


def if_alarming(
    desk: Desk, tx: Transaction, incoming: Incoming, words: str, now: datetime
) -> Sequence[Reaction]:
    """The answer to `words` if they hold a warning sign, else nothing."""
    if not words.strip():
        return []
    known = who_is(tx, incoming.account)
    answer = answers.answer(desk.library, words, situation(tx, known, now), language=known.language)
    if answer.level not in ALARMING:
        return []
    return _alarming(desk, tx, replace(incoming, text=words), known, answer, now)


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
    """A topic's command (`/makeup`)."""
    if alarm := if_alarming(desk, tx, incoming, incoming.text, now):
        return alarm
    known = who_is(tx, incoming.account)
    here = situation(tx, known, now)
    text = answers.about(desk.library, topic, here).reply
    if topic == "moisturiser" and (quoted := messages.recommendation(desk.library, here)):
        text = text + "\n\n" + quoted
    return [Outgoing(account=incoming.account, text=text)]


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


def _alarming(
    desk: Desk, tx: Transaction, incoming: Incoming, known: Known, answer: Answer, now: datetime
) -> Sequence[Reaction]:
    """The answer first, then the clinic's staff: who, which day, the words."""
    reply = Outgoing(account=incoming.account, text=answer.reply)
    if known.patient is None:
        return [reply]  # nobody the clinic knows; the answer holds the numbers
    team = [it for it in people.team(tx, known.clinic.id) if it.account != incoming.account]
    audit.note(
        tx,
        clinic_id=known.clinic.id,
        at=now,
        actor=f"patient:{known.patient.id}",
        action=f"alert {answer.level}",
        patient_id=known.patient.id,
    )
    alarm = _alarm(desk, incoming, known, answer, situation(tx, known, now))
    alarms = [Outgoing(account=it.account, text=alarm, protect=True) for it in team]
    if not alarms:
        return [reply]
    told = desk.say(known.language, "chat.alert.told", **numbers_of(known.clinic))
    return [Outgoing(account=incoming.account, text=answer.reply + "\n\n" + told), *alarms]


def _alarm(desk: Desk, incoming: Incoming, known: Known, answer: Answer, here: Situation) -> str:
    language = known.clinic.language
    words = incoming.text
    if len(words) > WORDS_SHOWN:
        words = words[:WORDS_SHOWN] + "…"
    if here.hours is None:
        day = desk.say(language, "chat.alert.no_session")
    elif here.hours < 0:
        day = desk.say(language, "chat.alert.before_end")
    else:
        since = wording.duration(int(here.hours), language)
        day = desk.say(language, "chat.alert.day", day=here.day, since=since)
    return desk.say(
        language,
        "chat.alert.staff",
        level=desk.say(language, f"chat.alert.level.{answer.level}"),
        name=known.patient.name if known.patient else "",
        day=day,
        moment=wording.moment(incoming.written_at, here.zone, language),
        words=words,
        consent="" if not known.invited else desk.say(language, "chat.alert.not_agreed"),
    )


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
