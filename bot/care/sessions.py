"""A session: recorded, planned as rows, changed, taken back; and what one of its rows says.

record_session -> settle (now, or when the patient agrees) -> rows -> Letters
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.care.people import (
    Reader,
    booked_at,
    clinic_facts,
    current_session,
    session_facts,
    situation_of,
)
from bot.care.session_line import Understood
from content import facts, messages, schedule
from content.library import Library
from content.schedule import Planned
from storage import audit, invitations, people, reminders, treatments
from storage.database import Transaction
from storage.invitations import Codes
from storage.models import Clinic, Patient, Reminder, Staff, Treatment
from storage.reminders import Due

REVIVED = frozenset({"superseded", "moved", "cancelled"})
"""Reasons for which a row was given up that may cease to hold (`Undo`, a visit moved back)."""

Key = tuple[int, str, str]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A session that is saved; `codes` unless its patient agreed before."""

    treatment: Treatment
    patient: Patient
    codes: Codes | None


def record_session(
    tx: Transaction,
    library: Library,
    *,
    staff: Staff,
    understood: Understood,
    recommended_from_hours: float,
    patient: Patient | None,
    now: datetime,
) -> Recorded:
    """Save the session, and with it an invitation or, where `patient` agreed before, its plan."""
    clinic = people.clinic(tx, staff.clinic_id)
    zone = ZoneInfo(clinic.timezone)
    if patient is None:
        patient = Patient(
            clinic_id=clinic.id,
            name=understood.name,
            plain_name=people.plain(understood.name),
            language=clinic.language,
            timezone=clinic.timezone,
            created_at=now,
        )
        tx.add(patient)
        tx.flush()
    treatment = Treatment(
        clinic_id=clinic.id,
        patient_id=patient.id,
        ended_at=understood.ended,
        ended_local=_wall(understood.ended, zone),
        timezone=clinic.timezone,
        area=understood.area,
        device=understood.device,
        depth_mm=understood.depth_mm,
        number=understood.number,
        of=understood.of,
        next_at=understood.next,
        next_local=_wall(understood.next, zone) if understood.next else None,
        recommended=understood.use,
        recommended_from_hours=recommended_from_hours,
        marks_easily=understood.marks_easily,
        overrides=json.dumps(understood.overrides) if understood.overrides else None,
        recorded_by=staff.id,
        recorded_at=now,
    )
    tx.add(treatment)
    tx.flush()
    _note(tx, staff, treatment, "session recorded", now)
    settle(tx, library, patient, now)
    codes = None if patient.agreed_at else invite_patient(tx, treatment, staff, now)
    return Recorded(treatment=treatment, patient=patient, codes=codes)


def invite_patient(tx: Transaction, treatment: Treatment, staff: Staff, now: datetime) -> Codes:
    """A new link and typed code for the session; those given before open nothing any more."""
    invitations.revoke_all(tx, treatment.id, now)
    _, codes = invitations.invite(
        tx,
        clinic_id=treatment.clinic_id,
        role="patient",
        now=now,
        created_by=staff.id,
        treatment_id=treatment.id,
    )
    return codes


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


def why_unwanted(tx: Transaction, library: Library, row: Due) -> str | None:
    """Why a row is not to go after all; None: it is.

    For one that was on its way while its session was cancelled or followed, or its visit moved:
    `settle` leaves such a row to whoever is sending it.
    """
    standing = treatments.of_patient(tx, row.patient_id)
    wanted = dict(_wanted(library, people.clinic(tx, row.clinic_id), row, standing))
    return None if _key(row) in wanted else _why_gone(row, standing)


def planned_of(rows: Sequence[Reminder], library: Library) -> list[Planned]:
    """Rows as content's own values, for what tells about them (`/plan`, `/next`).

    None of another version of the content: it will not be sent.
    """
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
        if library.has_step(row.step)
    ]


class Letters:
    """The messages that due rows of several patients stand for; what they need is read at once."""

    def __init__(self, tx: Transaction, library: Library, patients: Collection[int]) -> None:
        self._tx = tx
        self._library = library
        self._standing = treatments.standing_of(tx, patients)
        self._clinics: dict[int, facts.Clinic] = {}

    def text(self, row: Due, at: datetime) -> str:
        """What the row says at `at` (aware, UTC), as Telegram's HTML."""
        standing = self._standing[row.patient_id]
        own = next((it for it in standing if it.id == row.treatment_id), None)
        if own is not None and own is standing[-1]:
            session = current_session(standing)
        else:  # not among them: taken back while its message was on its way
            session = session_facts(own or self._tx.get_one(Treatment, row.treatment_id))
        situation = facts.Situation(
            at=at,
            clinic=self._clinic(row.clinic_id),
            patient=facts.Patient(name=row.name, timezone=row.timezone, language=row.language),
            session=session,
        )
        return messages.step_text(self._library, row.step, situation)

    def _clinic(self, clinic_id: int) -> facts.Clinic:
        """Asked for once, not once a row."""
        if clinic_id not in self._clinics:
            self._clinics[clinic_id] = clinic_facts(people.clinic(self._tx, clinic_id))
        return self._clinics[clinic_id]


def _wanted(
    library: Library, clinic: Clinic, patient: Reader, standing: Sequence[Treatment]
) -> Iterator[tuple[Key, Planned]]:
    """The care of the latest session, and the reminders of the visit from where it was booked."""
    session, booked = current_session(standing), booked_at(standing)
    if session is None:
        return
    latest, has_visit = standing[-1].id, booked.id if booked else None
    sessions = {latest: session}
    if booked is not None:
        sessions.setdefault(booked.id, session_facts(booked))
    situation = situation_of(clinic, patient, None, session.ended_at)
    for treatment_id, of_it in sessions.items():
        for planned in schedule.plan(library, of_it, situation.clinic, situation.patient):
            of_visit = library.step(planned.key).kind == "appointment"
            if treatment_id == (has_visit if of_visit else latest):
                yield (treatment_id, planned.key, planned.occasion), planned


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
    elif row.state in ("scheduled", "unknown") and row.due_at == fresh.due_at:
        _date(row, fresh)
        return  # nothing else is new about it
    _date(row, fresh)
    if row.expires_at <= now:
        _give_up(row, "too_late")
    elif covered and row.due_at <= now:
        _give_up(row, "covered")
    else:
        row.state, row.reason, row.try_at = "scheduled", None, row.due_at


def _date(row: Reminder, fresh: Reminder) -> None:
    row.due_at, row.due_local, row.timezone = fresh.due_at, fresh.due_local, fresh.timezone
    row.expires_at = fresh.expires_at


def _give_up(row: Reminder, reason: str) -> None:
    if row.doubted:  # it may have arrived: staff are to see that
        row.state, row.reason, row.try_at = "unknown", "not_repeated", None
    else:
        row.state, row.reason, row.try_at = "skipped", reason, None


def _why_gone(row: Reminder | Due, standing: Sequence[Treatment]) -> str:
    if row.treatment_id not in {treatment.id for treatment in standing}:
        return "cancelled"
    return "moved" if row.treatment_id == standing[-1].id else "superseded"


def _key(row: Reminder | Due) -> Key:
    return (row.treatment_id, row.step, row.occasion)


def can_undo(tx: Transaction, treatment: Treatment) -> bool:
    """Whether the session may simply be taken back: its patient has not agreed to it yet.

    For somebody who agreed before it was recorded: until a message of it went out.
    """
    if treatment.cancelled_at is not None:
        return False
    if any(it.used_at for it in invitations.of_treatment(tx, treatment.id)):
        return False
    rows = reminders.of_patient(tx, treatment.patient_id)
    return all(row.attempts == 0 for row in rows if row.treatment_id == treatment.id)


def cancel_session(
    tx: Transaction, library: Library, treatment: Treatment, staff: Staff, now: datetime
) -> None:
    """The session no longer stands: its messages end and its codes open nothing."""
    treatment.cancelled_at = now
    tx.add(treatment)
    invitations.revoke_all(tx, treatment.id, now)
    _note(tx, staff, treatment, "session cancelled", now)
    settle(tx, library, people.patient(tx, treatment.patient_id), now)


def move_visit(
    tx: Transaction,
    library: Library,
    treatment: Treatment,
    staff: Staff,
    to: datetime | None,
    now: datetime,
) -> None:
    """Set, move or (None) remove the follow-up; the reminders follow. `to` aware, UTC.

    Removed, a visit that an older session left behind goes as well: there is to be none.
    """
    clinic = people.clinic(tx, treatment.clinic_id)
    older = [] if to else treatments.of_patient(tx, treatment.patient_id)
    for it in (treatment, *(it for it in older if it.next_at and it.id != treatment.id)):
        it.next_at = to
        it.next_local = _wall(to, ZoneInfo(clinic.timezone)) if to else None
        it.appointment += 1
    _note(tx, staff, treatment, "visit moved" if to else "visit removed", now)
    settle(tx, library, people.patient(tx, treatment.patient_id), now)


def standing(tx: Transaction, clinic_id: int, name: str) -> list[tuple[Treatment, Patient]]:
    """The latest session of each of the clinic's patients of this name, newest first."""
    found = [
        (treatment, patient)
        for patient in people.patients_named(tx, clinic_id, name)
        if (treatment := treatments.latest(tx, patient.id))
    ]
    return sorted(found, key=lambda pair: pair[0].ended_at, reverse=True)


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def _note(tx: Transaction, staff: Staff, treatment: Treatment, action: str, now: datetime) -> None:
    audit.note(
        tx,
        clinic_id=treatment.clinic_id,
        at=now,
        actor=f"staff:{staff.id}",
        action=action,
        patient_id=treatment.patient_id,
        treatment_id=treatment.id,
    )
