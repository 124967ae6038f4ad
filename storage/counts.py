"""How much waits, for us and for staff: what an operator watches.

Each count reads a partial index that holds only such rows, so it costs what waits, not what is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, TextClause, func
from sqlmodel import SQLModel, col, select

from storage.database import Transaction
from storage.models import NEW, SET_ASIDE, TROUBLED, WAITING, Inbox, OutgoingRow, Patient, Reminder


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What waits at one moment. Ages are in seconds, 0 where nothing waits."""

    due: int
    """Reminders whose hour has come."""
    due_age: float
    """How long the first of them has been waiting to be looked at."""
    updates: int
    """Updates stored and not handled."""
    updates_age: float
    answers: int
    """Answers not sent yet."""
    answers_age: float
    repeating: int
    """Reminders that may or may not have arrived, and go out once more."""
    in_doubt: int
    """The same, not repeated; staff have not looked yet."""
    failed: int
    """Reminders that could not be sent; staff have not looked yet."""
    set_aside: int
    """Updates that no handler could work on; staff have not looked yet."""
    unreachable: int
    """Patients who blocked the bot or are gone."""


def read(tx: Transaction, now: datetime) -> Counts:
    """All of it at `now` (aware, UTC)."""
    is_due = col(Reminder.try_at) <= now
    troubles = _troubles(tx)
    return Counts(
        due=_count(tx, Reminder, is_due),
        due_age=_age(tx.exec(select(func.min(Reminder.try_at)).where(is_due)).one(), now),
        updates=_count(tx, Inbox, NEW),
        updates_age=_age(_first_arrival(tx), now),
        answers=_count(tx, OutgoingRow, WAITING),
        answers_age=_age(_first_answer(tx), now),
        repeating=troubles.get(("unknown", True), 0),
        in_doubt=troubles.get(("unknown", False), 0),
        failed=troubles.get(("failed", False), 0),
        set_aside=_count(tx, Inbox, SET_ASIDE),
        unreachable=_count(tx, Patient, col(Patient.unreachable_at).is_not(None)),
    )


def _count(tx: Transaction, table: type[SQLModel], where: TextClause | ColumnElement[bool]) -> int:
    return tx.exec(select(func.count()).select_from(table).where(where)).one()


def _first_arrival(tx: Transaction) -> datetime | None:
    """When the first update that is not handled came: the lowest number is the oldest."""
    return tx.exec(select(Inbox.received_at).where(NEW).order_by(col(Inbox.id)).limit(1)).first()


def _first_answer(tx: Transaction) -> datetime | None:
    """When the answer that waits longest was written. Few ever wait."""
    return tx.exec(select(func.min(OutgoingRow.created_at)).where(WAITING)).one()


def _troubles(tx: Transaction) -> dict[tuple[str, bool], int]:
    """Rows by state, and by whether they are tried again."""
    again = col(Reminder.try_at).is_not(None)
    rows = tx.exec(
        select(Reminder.state, again, func.count()).where(TROUBLED).group_by(Reminder.state, again)
    )
    return {(state, bool(tried)): count for state, tried, count in rows}


def _age(since: datetime | None, now: datetime) -> float:
    """Seconds; 0 for what a clock set back has put ahead of `now`."""
    return max(0.0, (now - since).total_seconds()) if since else 0.0
