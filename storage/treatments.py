"""Sessions of microneedling and their follow-up visits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy
from sqlalchemy import bindparam
from sqlmodel import col, select

from storage.database import Transaction
from storage.models import Patient, Treatment


class Standing(NamedTuple):
    """A session that stands, to tell of: what messages are made of."""

    id: int
    patient_id: int
    ended_at: datetime
    area: str
    device: str
    depth_mm: float | None
    number: int
    of: int
    next_at: datetime | None
    appointment: int
    recommended: str | None
    recommended_from_hours: float
    marks_easily: bool
    overrides: str | None


_STANDS = col(Treatment.cancelled_at).is_(None)
_BY_END = col(Treatment.ended_at), col(Treatment.id)
_OF_PATIENTS = (
    sqlalchemy.select(*(getattr(Treatment, name) for name in Standing._fields))
    .where(col(Treatment.patient_id).in_(bindparam("patients", expanding=True)), _STANDS)
    .order_by(*_BY_END)
)


def of_patient(tx: Transaction, patient_id: int) -> Sequence[Treatment]:
    """The patient's sessions that stand, by when they ended."""
    found = select(Treatment).where(Treatment.patient_id == patient_id, _STANDS)
    return tx.exec(found.order_by(*_BY_END)).all()


def standing_of(tx: Transaction, patients: Collection[int]) -> dict[int, list[Standing]]:
    """By patient the sessions that stand, by when they ended; past the ORM: there are many."""
    found: dict[int, list[Standing]] = {patient: [] for patient in patients}
    for row in tx.connection().execute(_OF_PATIENTS, {"patients": list(patients)}):
        standing = Standing._make(row)
        found[standing.patient_id].append(standing)
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
                _STANDS,
                (col(Treatment.ended_at) >= since) | (col(Treatment.next_at) >= since),
            )
            .order_by(col(Treatment.ended_at).desc(), col(Treatment.id).desc())
            .offset(offset)
            .limit(limit)
        ).all()
    ]
