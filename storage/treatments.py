"""Sessions of microneedling and their follow-up visits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import col, select

from storage.database import Transaction
from storage.models import Patient, Treatment

_STANDING = (
    select(Treatment)
    .where(
        col(Treatment.patient_id).in_(bindparam("patients", expanding=True)),
        col(Treatment.cancelled_at).is_(None),
    )
    .order_by(col(Treatment.ended_at), col(Treatment.id))
)


def of_patient(tx: Transaction, patient_id: int) -> Sequence[Treatment]:
    """The patient's sessions that stand, by when they ended."""
    return of_patients(tx, [patient_id])[patient_id]


def of_patients(tx: Transaction, patients: Collection[int]) -> dict[int, list[Treatment]]:
    """By patient the sessions that stand, by when they ended."""
    found: dict[int, list[Treatment]] = {patient: [] for patient in patients}
    for treatment in tx.scalars(_STANDING, {"patients": list(patients)}):
        found[treatment.patient_id].append(treatment)
    return found


def latest(tx: Transaction, patient_id: int) -> Treatment | None:
    standing = of_patient(tx, patient_id)
    return standing[-1] if standing else None


def of_clinic(tx: Transaction, clinic_id: int, treatment_id: int) -> Treatment | None:
    """One session, if it is this clinic's."""
    return tx.exec(
        select(Treatment).where(Treatment.clinic_id == clinic_id, Treatment.id == treatment_id)
    ).first()


def recent(
    tx: Transaction, clinic_id: int, *, since: datetime, offset: int, limit: int
) -> Sequence[tuple[Treatment, Patient]]:
    """The clinic's sessions that ended since, or whose visit is still to come, newest first."""
    return [
        (treatment, patient)
        for treatment, patient in tx.exec(
            select(Treatment, Patient)
            .join(Patient, col(Patient.id) == col(Treatment.patient_id))
            .where(
                Treatment.clinic_id == clinic_id,
                col(Treatment.cancelled_at).is_(None),
                (col(Treatment.ended_at) >= since) | (col(Treatment.next_at) >= since),
            )
            .order_by(col(Treatment.ended_at).desc(), col(Treatment.id).desc())
            .offset(offset)
            .limit(limit)
        ).all()
    ]
