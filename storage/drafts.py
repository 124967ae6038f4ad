"""Staff members' half-filled forms: rows, so that nothing half-said lives in memory."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col, select

from storage.database import Transaction
from storage.models import Draft

GOOD_FOR = timedelta(hours=24)


def new(
    tx: Transaction, *, clinic_id: int, staff_id: int, kind: str, data: str, now: datetime
) -> Draft:
    draft = Draft(clinic_id=clinic_id, staff_id=staff_id, kind=kind, data=data, created_at=now)
    tx.add(draft)
    tx.flush()
    return draft


def open_draft(tx: Transaction, draft_id: int, *, staff_id: int, now: datetime) -> Draft | None:
    """The form, if it is this person's, not closed and not older than a day."""
    return tx.exec(
        select(Draft).where(
            Draft.id == draft_id,
            Draft.staff_id == staff_id,
            col(Draft.closed_at).is_(None),
            col(Draft.created_at) > now - GOOD_FOR,
        )
    ).first()


def forget_old(tx: Transaction, now: datetime) -> int:
    """Delete the forms nobody can go on with: names are in them. How many."""
    result = tx.execute(delete(Draft).where(col(Draft.created_at) < now - GOOD_FOR))
    return int(result.rowcount)  # type: ignore[attr-defined]
