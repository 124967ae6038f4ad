"""Patients at an hour after their session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from content.facts import Clinic, Patient, Session, Situation

CLINIC = Clinic(name="Clinic One", phone="01 234", emergency_number="112", timezone="UTC")
PATIENT = Patient(name="Ana", timezone="Europe/London")
ENDED_AT = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


def after(hours: float | None, **session: object) -> Situation:
    """The patient `hours` after a session at 1.0 mm; None: no session is known."""
    if hours is None:
        return Situation(at=ENDED_AT, clinic=CLINIC, patient=PATIENT)
    values: dict[str, object] = {"ended_at": ENDED_AT, "depth_mm": 1.0, **session}
    return Situation(
        at=ENDED_AT + timedelta(hours=hours),
        clinic=CLINIC,
        patient=PATIENT,
        session=Session(**values),  # type: ignore[arg-type]
    )
