"""The rows of the plans: claiming, recording, and their states.

scheduled -> sending | skipped;  sending -> sent | failed | unreachable | unknown | scheduled;
unknown -> sending (once, where the step says `resend`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import col, select

from storage.database import Transaction
from storage.models import Patient, Reminder


@dataclass(frozen=True, kw_only=True)
class Record:
    """What became of one claimed row; `try_at` set if it is to be looked at again."""

    id: int
    fence: int
    state: str
    reason: str | None = None
    try_at: datetime | None = None
    sent_at: datetime | None = None
    message_id: int | None = None
    doubted: bool = False


def of_patient(tx: Transaction, patient_id: int) -> Sequence[Reminder]:
    """All rows of the patient's plans, by when they are due."""
    return tx.exec(
        select(Reminder)
        .where(Reminder.patient_id == patient_id)
        .order_by(col(Reminder.due_at), col(Reminder.id))
    ).all()


def ahead(tx: Transaction, patient_id: int) -> Sequence[Reminder]:
    """What is still to come for the patient, by when it is due."""
    return [row for row in of_patient(tx, patient_id) if row.try_at is not None]


def due(
    tx: Transaction, now: datetime, *, limit: int, without: Collection[int]
) -> Sequence[tuple[Reminder, Patient]]:
    """The rows to be looked at now, the longest due first; none of the accounts `without`."""
    statement = (
        select(Reminder, Patient)
        .join(Patient, col(Patient.id) == col(Reminder.patient_id))
        .where(col(Reminder.try_at) <= now)
        .order_by(col(Reminder.try_at), col(Reminder.id))
        .limit(limit)
    )
    if without:
        statement = statement.where(col(Patient.account).not_in(without))
    return [(row, patient) for row, patient in tx.exec(statement).all()]


def next_due(tx: Transaction) -> datetime | None:
    """When the next row is to be looked at."""
    return tx.exec(select(func.min(Reminder.try_at)).where(col(Reminder.try_at).is_not(None))).one()


def claim(tx: Transaction, row: Reminder, *, lease_until: datetime) -> None:
    """Mark `row` as being sent: from here on it counts as attempted, under a new fence token."""
    row.state, row.reason, row.try_at, row.lease_until = "sending", None, None, lease_until
    row.attempts += 1
    row.fence += 1
    tx.add(row)


def record(tx: Transaction, records: Iterable[Record]) -> list[int]:
    """Write down what became of claimed rows; the ids of those that were no longer ours."""
    lost = []
    for it in records:
        result = tx.execute(
            update(Reminder)
            .where(
                col(Reminder.id) == it.id,
                col(Reminder.fence) == it.fence,
                col(Reminder.state) == "sending",
            )
            .values(
                state=it.state,
                reason=it.reason,
                try_at=it.try_at,
                lease_until=None,
                sent_at=it.sent_at,
                message_id=it.message_id,
                doubted=col(Reminder.doubted) | it.doubted,
            )
        )
        if not result.rowcount:  # type: ignore[attr-defined]
            lost.append(it.id)
    return lost


def sending(tx: Transaction) -> Sequence[Reminder]:
    """The rows being sent."""
    return tx.exec(select(Reminder).where(Reminder.state == "sending")).all()
