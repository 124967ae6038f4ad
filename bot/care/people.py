"""Who is writing, and what is known of them, as the values content works from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, cast
from zoneinfo import ZoneInfo

from content import facts
from storage import invitations, people, treatments
from storage.database import Transaction
from storage.models import Clinic, Patient, Staff, Treatment
from storage.treatments import Standing

BETWEEN_SESSIONS = timedelta(days=7)
"""No two sessions are closer than this, so a visit within it was the session itself."""


AnyStanding = Treatment | Standing
"""A session that stands, as a row to change or only to tell of."""


class Reader(Protocol):
    """Whoever reads a text: a patient, or what a due row tells of one."""

    @property
    def name(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def timezone(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Known:
    """Everything an account may be at once: staff, patient, or invited and not agreed yet."""

    clinic: Clinic
    staff: Staff | None
    patient: Patient | None
    """The patient, agreed or (`invited`) only shown the invitation."""
    invited: bool = False

    @property
    def language(self) -> str:
        return self.patient.language if self.patient else self.clinic.language

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.patient.timezone if self.patient else self.clinic.timezone)


def who_is(tx: Transaction, account: int) -> Known:
    """All that is known of `account`; a stranger is spoken to for the first clinic.

    Raises LookupError if there is no clinic: `run` makes one before it listens.
    """
    staff = people.staff_by_account(tx, account)
    patient = people.patient_by_account(tx, account)
    invited = False
    if patient is None and (invitation := invitations.latest_opened_by(tx, account)):
        treatment = tx.get(Treatment, invitation.treatment_id)
        standing = treatment and treatment.cancelled_at is None and invitation.used_at is None
        if treatment and standing:
            patient, invited = people.patient(tx, treatment.patient_id), True
    belongs = patient or staff
    clinic = people.clinic(tx, belongs.clinic_id) if belongs else people.first_clinic(tx)
    if clinic is None:
        raise LookupError("there is no clinic")
    return Known(clinic=clinic, staff=staff, patient=patient, invited=invited)


def situation(tx: Transaction, known: Known, at: datetime) -> facts.Situation:
    """What a question of this person is answered from."""
    session = (
        current_session(treatments.of_patient(tx, known.patient.id)) if known.patient else None
    )
    return situation_of(known.clinic, known.patient, session, at)


def situation_of(
    clinic: Clinic, patient: Reader | None, session: facts.Session | None, at: datetime
) -> facts.Situation:
    return facts.Situation(
        at=at,
        clinic=clinic_facts(clinic),
        patient=facts.Patient(
            name=patient.name if patient else "",
            timezone=patient.timezone if patient else clinic.timezone,
            language=patient.language if patient else clinic.language,
        ),
        session=session,
    )


def current_session(standing: Sequence[AnyStanding]) -> facts.Session | None:
    """The latest session, with the patient's next visit whichever session it was booked at."""
    if not standing:
        return None
    latest, booked = session_facts(standing[-1]), booked_at(standing)
    if booked is None or booked is standing[-1]:
        return latest
    return replace(latest, next_at=booked.next_at, appointment=booked.appointment)


def booked_at(standing: Sequence[AnyStanding]) -> AnyStanding | None:
    """The session at which the patient's next visit was booked: the visit given last stands.

    One booked before the latest session was that session, unless it lies well after it.
    """
    given = next((it for it in reversed(standing) if it.next_at is not None), None)
    if given is None or given.next_at is None or given is standing[-1]:
        return given
    return given if given.next_at > standing[-1].ended_at + BETWEEN_SESSIONS else None


def clinic_facts(clinic: Clinic) -> facts.Clinic:
    return facts.Clinic(
        name=clinic.name,
        phone=clinic.phone,
        emergency_number=clinic.emergency_number,
        urgent_line=clinic.urgent_line,
        timezone=clinic.timezone,
        maintenance_months=clinic.maintenance_months,
    )


def session_facts(treatment: AnyStanding) -> facts.Session:
    return facts.Session(
        ended_at=treatment.ended_at,
        area=cast("facts.Area", treatment.area),
        device=cast("facts.Device", treatment.device),
        depth_mm=treatment.depth_mm,
        number=treatment.number,
        of=treatment.of,
        next_at=treatment.next_at,
        appointment=treatment.appointment,
        recommended=treatment.recommended,
        recommended_from_hours=treatment.recommended_from_hours,
        marks_easily=treatment.marks_easily,
        overrides=json.loads(treatment.overrides) if treatment.overrides else {},
    )


def numbers_of(clinic: Clinic) -> dict[str, str]:
    """The clinic's name and numbers, for texts."""
    return {
        "clinic": clinic.name,
        "phone": clinic.phone,
        "emergency_number": clinic.emergency_number,
    }
