"""Recording a session, taking it back, cancelling it, and moving its follow-up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.care.plans import settle
from bot.care.session_line import Understood
from content.library import Library
from storage import audit, invitations, people, reminders, treatments
from storage.database import Transaction
from storage.invitations import Codes
from storage.models import Patient, Staff, Treatment


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
