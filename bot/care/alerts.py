"""Trouble a patient writes of: staff are told at once, and one of them says "I'm on it"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from markupsafe import Markup

from bot.care.people import Known, numbers_of, situation
from bot.care.values import Button, Desk, Edit, Incoming, Outgoing, Reaction, Toast, numbers
from content import wording
from content.flags import rank
from storage import alerts, audit, outgoing, people
from storage.models import Alert, Clinic, Patient, Staff

if TYPE_CHECKING:
    from content.answers import Answer
    from content.facts import Situation
    from content.flags import Level
    from storage.database import Transaction

ALARMING = ("today", "emergency")
ONE_TROUBLE = timedelta(hours=24)
"""What is written within it, while nobody is on it, is one alert. Later it is another trouble."""
WORDS_SHOWN = 1000
"""Characters of a patient's words that staff are shown."""
LONGEST = 4096
"""What Telegram takes in one message, in UTF-16 units."""


class Held(Outgoing):
    """An alarm whose words the one that waits for the same reader holds: not sent by itself."""

    def dumps(self) -> str:
        return ""


def raised(
    desk: Desk, tx: Transaction, incoming: Incoming, known: Known, answer: Answer, now: datetime
) -> tuple[Markup, Sequence[Outgoing]]:
    """Tell the clinic's staff; what the patient is told of that, and what they are told.

    Both are nothing for whom the clinic does not know: the answer holds the numbers.
    """
    if known.patient is None:
        return Markup(), []
    alert = _alert(tx, incoming, known.patient, answer, now)
    audit.note(
        tx,
        clinic_id=alert.clinic_id,
        at=now,
        actor=f"patient:{alert.patient_id}",
        action=f"alert {answer.level}",
        patient_id=alert.patient_id,
    )
    text = _alarm(desk, incoming, known, answer, situation(tx, known, now))
    on_it = Button(
        label=desk.say(known.clinic.language, "buttons.on_it").unescape(), action=f"onit:{alert.id}"
    )
    team = [it for it in people.team(tx, known.clinic.id) if it.account != incoming.account]
    heard = any(it.unreachable_at is None for it in team)
    told = desk.say(
        known.language, f"alerts.{'told' if heard else 'nobody'}", **numbers_of(known.clinic)
    )
    alarms = [
        Outgoing(
            account=it.account,
            text=text,
            buttons=((on_it,),),
            protect=True,
            # Tried all the same; but the patient was told already that it will not arrive.
            alert=alert.id if it.unreachable_at is None else None,
        )
        for it in team
    ]
    return told, [_with_the_waiting(tx, it, answer.level, now) for it in alarms]


def take(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """`I'm on it`: the first to press has it; the others and the patient are told who."""
    clinic = people.clinic(tx, staff.clinic_id)
    alert = alerts.get(tx, numbers(incoming.text)[0])
    if alert is None or alert.clinic_id != clinic.id:
        return [Toast(text=desk.say(clinic.language, "alerts.taken.gone"))]
    patient = people.patient(tx, alert.patient_id)
    if alert.taken_at is not None:
        return [Edit(), _taken_already(desk, tx, clinic, staff, alert)]
    alert.taken_by, alert.taken_at = staff.id, now
    audit.note(
        tx,
        clinic_id=clinic.id,
        at=now,
        actor=f"staff:{staff.id}",
        action=f"took alert {alert.id}",
        patient_id=patient.id,
    )
    yours = desk.say(clinic.language, "alerts.taken.by_you", patient=patient.name)
    return [
        Edit(),
        Outgoing(account=staff.account, text=yours, protect=True),
        Outgoing(
            account=alert.account,
            text=desk.say(
                patient.language, "alerts.taken.patient", name=staff.name, **numbers_of(clinic)
            ),
        ),
        *_tell_others(desk, tx, clinic, staff, alert),
    ]


def unheard(desk: Desk, tx: Transaction, alert_id: int) -> Outgoing | None:
    """What the patient is told once every message to staff came to nothing."""
    alert = alerts.get(tx, alert_id)
    if alert is None or alert.taken_at is not None:
        return None
    patient, clinic = people.patient(tx, alert.patient_id), people.clinic(tx, alert.clinic_id)
    text = desk.say(patient.language, "alerts.unheard", **numbers_of(clinic))
    return Outgoing(account=alert.account, text=text)


def _with_the_waiting(tx: Transaction, alarm: Outgoing, level: Level, now: datetime) -> Outgoing:
    """The alarm; or, if one of its alert still waits for its reader, that one says this as well.

    So somebody who writes a hundred times does not keep another's alarm from the team.
    """
    if alarm.alert is None:
        return alarm
    waiting = outgoing.waiting_alarm(tx, alarm.alert, alarm.account)
    if waiting is None:
        return alarm
    try:
        before = Outgoing.loads(waiting.payload).text
    except (ValueError, TypeError, KeyError):  # of a version that is not ours
        return alarm
    both = [alarm.text, before] if level == "emergency" else [before, alarm.text]
    whole = "\n\n".join(both)
    if _length(whole) > LONGEST:
        return alarm  # no word is dropped: it comes after the full one
    waiting.payload = replace(alarm, text=whole).dumps()
    waiting.expires_at = now + outgoing.GOOD_FOR_OTHERS
    return Held(account=alarm.account, text=alarm.text, alert=alarm.alert)


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _alert(
    tx: Transaction, incoming: Incoming, patient: Patient, answer: Answer, now: datetime
) -> Alert:
    """The writer's open alert of today, as bad as the worst that was written, or a new one."""
    alert = alerts.open_of(tx, patient.id, incoming.account, since=now - ONE_TROUBLE)
    if alert is None:
        return alerts.add(
            tx,
            Alert(
                clinic_id=patient.clinic_id,
                patient_id=patient.id,
                account=incoming.account,
                level=answer.level,
                topic=answer.topic,
                written_at=incoming.written_at,
                created_at=now,
            ),
        )
    if rank(answer.level) > rank(cast("Level", alert.level)):
        alert.level, alert.topic = answer.level, answer.topic
    return alert


def _alarm(desk: Desk, incoming: Incoming, known: Known, answer: Answer, here: Situation) -> Markup:
    """What staff read: how bad it is, who, which day, the words."""
    language = known.clinic.language
    words = incoming.text
    if len(words) > WORDS_SHOWN:
        words = words[:WORDS_SHOWN] + "…"
    return desk.say(
        language,
        "alerts.staff",
        level=desk.say(language, f"alerts.level.{answer.level}"),
        name=known.patient.name if known.patient else "",
        day=_day(desk, here, language),
        moment=wording.moment(incoming.written_at, here.zone, language),
        words=words,
        consent="" if not known.invited else desk.say(language, "alerts.not_agreed"),
    )


def _day(desk: Desk, here: Situation, language: str) -> Markup:
    if here.hours is None:
        return desk.say(language, "alerts.no_session")
    if here.hours < 0:
        return desk.say(language, "alerts.before_end")
    since = wording.duration(int(here.hours), language)
    return desk.say(language, "alerts.day", day=here.day, since=since)


def _taken_already(
    desk: Desk, tx: Transaction, clinic: Clinic, staff: Staff, alert: Alert
) -> Reaction:
    if alert.taken_by == staff.id:
        return Toast(text=desk.say(clinic.language, "alerts.taken.already_you"))
    taker = people.staff_of(tx, clinic.id, alert.taken_by or 0)
    text = desk.say(
        clinic.language,
        "alerts.taken.already",
        name=taker.name if taker else "",
        moment=wording.moment(
            alert.taken_at or alert.created_at, ZoneInfo(clinic.timezone), clinic.language
        ),
        patient=people.patient(tx, alert.patient_id).name,
    )
    return Outgoing(account=staff.account, text=text, protect=True)


def _tell_others(
    desk: Desk, tx: Transaction, clinic: Clinic, staff: Staff, alert: Alert
) -> Sequence[Outgoing]:
    text = desk.say(
        clinic.language,
        "alerts.taken.by_other",
        name=staff.name,
        patient=people.patient(tx, alert.patient_id).name,
        level=desk.say(clinic.language, f"alerts.level.{alert.level}"),
    )
    return [
        Outgoing(account=it.account, text=text, protect=True)
        for it in people.team(tx, clinic.id)
        if it.account not in (staff.account, alert.account)
    ]
