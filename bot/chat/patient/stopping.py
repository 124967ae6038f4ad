"""Stopping in two levels, coming back, and being out of reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.care.people import numbers_of, who_is
from bot.care.values import Button, Desk, Edit, Incoming, NewMenu, Outgoing, Reaction
from bot.chat.patient import enrolment
from bot.chat.patient.questions import heeding
from storage import audit, people
from storage.database import Transaction

LEVELS = ("tips", "everything")


@heeding
def offer(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """`/stop`: the two levels, nothing stopped before one is chosen."""
    known = who_is(tx, incoming.account)
    if known.patient is None or known.patient.agreed_at is None:
        text = desk.say(known.language, "stopping.nothing_comes", clinic=known.clinic.name)
        return [Outgoing(account=incoming.account, text=text)]
    if known.patient.stopped == "everything":
        text = desk.say(known.language, "stopping.off_already", clinic=known.clinic.name)
        return [Outgoing(account=incoming.account, text=text)]
    buttons = tuple(
        (Button(label=desk.say(known.language, f"stopping.button.{it}"), action=f"stop:{it}"),)
        for it in LEVELS
    )
    text = desk.say(known.language, "stopping.offer", clinic=known.clinic.name)
    return [Outgoing(account=incoming.account, text=text, buttons=buttons)]


def stop(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """One of the two levels was pressed."""
    known = who_is(tx, incoming.account)
    level = incoming.text.removeprefix("stop:")
    if known.patient is None or known.patient.agreed_at is None or level not in LEVELS:
        return offer(desk, tx, replace(incoming, text=""), now)
    known.patient.stopped, known.patient.stopped_at = level, now
    _note(tx, known.patient.clinic_id, known.patient.id, f"stopped {level}", now)
    text = desk.say(
        known.language,
        f"stopping.done.{level}",
        **numbers_of(known.clinic),
    )
    asked = desk.say(known.language, "stopping.offer", clinic=known.clinic.name)
    return [Edit(text=asked), Outgoing(account=incoming.account, text=text)]


def come_back(
    desk: Desk, tx: Transaction, incoming: Incoming, now: datetime
) -> Sequence[Reaction] | None:
    """`/start` of a patient brings everything back; None for anybody else."""
    patient = who_is(tx, incoming.account).patient
    if patient is None or patient.agreed_at is None:
        return None
    was_off = patient.stopped != "nothing"
    patient.stopped, patient.stopped_at = "nothing", None
    if was_off:
        _note(tx, patient.clinic_id, patient.id, "came back", now)
    head = "enrolment.welcome.back" if was_off else "enrolment.welcome.already"
    return enrolment.welcome(desk, tx, patient, now, head)


def blocked(tx: Transaction, account: int, why: str, now: datetime) -> Sequence[Reaction]:
    """The person blocked the bot, or is gone."""
    people.unreachable(tx, account, now, why)
    return []


def unblocked(tx: Transaction, account: int) -> Sequence[Reaction]:
    """The person can be written to again; a member of staff gets the menu again as well."""
    people.reachable(tx, account)
    return [NewMenu(account=account)] if people.staff_by_account(tx, account) else []


def _note(tx: Transaction, clinic_id: int, patient_id: int, action: str, now: datetime) -> None:
    audit.note(
        tx,
        clinic_id=clinic_id,
        at=now,
        actor=f"patient:{patient_id}",
        action=action,
        patient_id=patient_id,
    )
