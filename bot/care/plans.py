"""From what is recorded to the rows of a plan, and from a row to the message it stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.care.people import booked_at, current_session, session_facts, situation_of
from bot.care.values import Outgoing
from content import messages, schedule
from content.facts import Situation
from content.library import Library
from content.schedule import Planned
from storage import people, reminders, treatments
from storage.database import Transaction
from storage.models import Clinic, Patient, Reminder, Treatment

REVIVED = frozenset({"superseded", "moved", "cancelled"})
"""Reasons for which a row was given up that may cease to hold (`Undo`, a visit moved back)."""

Key = tuple[int, str, str]


def settle(
    tx: Transaction, library: Library, patient: Patient, now: datetime, *, covered: bool = False
) -> None:
    """Make the patient's rows agree with what is recorded; doing it twice changes nothing.

    Nothing is planned before the patient agreed. Only the latest session has a plan; of an older
    one a visit still to come is kept. `covered`: what is due already is said in the answer that
    goes out now, so it is not sent again.
    """
    if patient.agreed_at is None:
        return
    tx.flush()
    clinic = people.clinic(tx, patient.clinic_id)
    standing = treatments.of_patient(tx, patient.id)
    wanted = dict(_wanted(library, clinic, patient, standing))
    known = {_key(row): row for row in reminders.of_patient(tx, patient.id)}
    for key, planned in wanted.items():
        _put(tx, known.get(key), _fresh(patient, key, planned), now, covered=covered)
    for key, row in known.items():
        if key not in wanted and row.try_at is not None:
            _give_up(row, _why_gone(row, standing))
    tx.flush()


def planned_of(rows: Sequence[Reminder], library: Library) -> list[Planned]:
    """Rows as content's own values, for what tells about them (`/plan`, `/next`)."""
    return [
        Planned(
            key=row.step,
            topic=library.step(row.step).topic,
            occasion=row.occasion,
            due_at=row.due_at,
            expires_at=row.expires_at,
            due_local=row.due_local,
        )
        for row in rows
    ]


def message_of(tx: Transaction, library: Library, row: Reminder, at: datetime) -> Outgoing:
    """The message a row stands for, as it reads at `at`."""
    patient = people.patient(tx, row.patient_id)
    if patient.account is None:
        raise LookupError(f"reminder {row.id} has nobody to go to")
    text = messages.step_text(library, row.step, _situation_of_row(tx, row, patient, at))
    return Outgoing(account=patient.account, text=text)


def _situation_of_row(tx: Transaction, row: Reminder, patient: Patient, at: datetime) -> Situation:
    treatment = tx.get_one(Treatment, row.treatment_id)
    standing = treatments.of_patient(tx, patient.id)
    latest = bool(standing) and treatment is standing[-1]
    session = current_session(standing) if latest else session_facts(treatment)
    return situation_of(people.clinic(tx, row.clinic_id), patient, session, at)


def _wanted(
    library: Library, clinic: Clinic, patient: Patient, standing: Sequence[Treatment]
) -> Iterator[tuple[Key, Planned]]:
    """The care of the latest session, and the reminders of the visit from where it was booked."""
    session, booked = current_session(standing), booked_at(standing)
    if session is None:
        return
    facts_of_both = [(standing[-1], session)]
    if booked is not None and booked is not standing[-1]:
        facts_of_both.append((booked, session_facts(booked)))
    situation = situation_of(clinic, patient, None, standing[-1].ended_at)
    for treatment, facts in facts_of_both:
        for planned in schedule.plan(library, facts, situation.clinic, situation.patient):
            of_visit = library.step(planned.key).kind == "appointment"
            if treatment is (booked if of_visit else standing[-1]):
                yield (treatment.id, planned.key, planned.occasion), planned


def _fresh(patient: Patient, key: Key, planned: Planned) -> Reminder:
    treatment_id, step, occasion = key
    return Reminder(
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        treatment_id=treatment_id,
        step=step,
        occasion=occasion,
        due_at=planned.due_at,
        due_local=planned.due_local,
        timezone=patient.timezone,
        expires_at=planned.expires_at,
    )


def _put(
    tx: Transaction, known: Reminder | None, fresh: Reminder, now: datetime, *, covered: bool
) -> None:
    row = known
    if row is None:
        tx.add(fresh)
        row = fresh
    elif row.try_at is None and not (row.state == "skipped" and row.reason in REVIVED):
        return  # it was sent, or given up for good
    elif row.state == "scheduled" and row.due_at == fresh.due_at:
        row.expires_at = fresh.expires_at
        return  # nothing new about it
    row.due_at, row.due_local, row.timezone = fresh.due_at, fresh.due_local, fresh.timezone
    row.expires_at = fresh.expires_at
    if row.expires_at <= now:
        _give_up(row, "too_late")
    elif covered and row.due_at <= now:
        _give_up(row, "covered")
    else:
        row.state, row.reason, row.try_at = "scheduled", None, row.due_at


def _give_up(row: Reminder, reason: str) -> None:
    row.state, row.reason, row.try_at = "skipped", reason, None


def _why_gone(row: Reminder, standing: Sequence[Treatment]) -> str:
    if row.treatment_id not in {treatment.id for treatment in standing}:
        return "cancelled"
    return "moved" if row.treatment_id == standing[-1].id else "superseded"


def _key(row: Reminder) -> Key:
    return (row.treatment_id, row.step, row.occasion)
