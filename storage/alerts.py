"""Alerts: trouble a patient wrote of, from the first word until somebody on the team is on it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import update
from sqlmodel import col, select

from storage.database import Transaction
from storage.models import NOBODY_ON_IT, Alert


def open_of(tx: Transaction, patient_id: int, account: int, *, since: datetime) -> Alert | None:
    """The newest alert of what `account` wrote as this patient that nobody is on yet.

    Older than `since` it is another trouble. An open link may be read by several accounts: each
    has alerts of its own, so that the answer goes to whoever wrote.
    """
    return tx.exec(
        select(Alert)
        .where(
            Alert.patient_id == patient_id,
            Alert.account == account,
            col(Alert.created_at) > since,
            NOBODY_ON_IT,
        )
        .order_by(col(Alert.id).desc())
        .limit(1)
    ).first()


def get(tx: Transaction, alert_id: int) -> Alert | None:
    return tx.get(Alert, alert_id)


def add(tx: Transaction, alert: Alert) -> Alert:
    """Keep a new alert, which has its id from now on."""
    tx.add(alert)
    tx.flush()
    return alert


def open_among(tx: Transaction, clinic_id: int, ids: Collection[int]) -> list[Alert]:
    """The clinic's alerts of these ids that nobody is on yet."""
    found = select(Alert).where(Alert.clinic_id == clinic_id, NOBODY_ON_IT, col(Alert.id).in_(ids))
    return list(tx.exec(found.order_by(col(Alert.id))).all())


def move(tx: Transaction, account: int, from_patient: int, to_patient: int) -> None:
    """What `account` wrote under the name of an invitation is of whom it turned out to be."""
    tx.execute(
        update(Alert)
        .where(col(Alert.patient_id) == from_patient, col(Alert.account) == account)
        .values(patient_id=to_patient)
    )
