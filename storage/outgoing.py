"""Answers as rows: committed with the effects they tell of, then sent, in order within a chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Update, delete, update
from sqlmodel import col, select

from storage.database import Transaction
from storage.models import BEING_SENT, WAITING, OutgoingRow

GOOD_FOR = timedelta(hours=1)
"""An answer that could not be sent for so long is not sent any more."""
KEEP = timedelta(days=14)


@dataclass(frozen=True)
class Claimed:
    """An answer about to be sent."""

    id: int
    account: int
    payload: str
    expires_at: datetime
    doubted: bool
    fence: int


def add(
    tx: Transaction, answers: Sequence[tuple[int, str]], *, update_id: int | None, now: datetime
) -> None:
    """Keep (account, payload) answers in the order they are to be read."""
    for account, payload in answers:
        tx.add(
            OutgoingRow(
                update_id=update_id,
                account=account,
                payload=payload,
                created_at=now,
                expires_at=now + GOOD_FOR,
            )
        )
        tx.flush()  # ids in the order of the answers


def accounts_waiting(tx: Transaction) -> list[int]:
    """The accounts with answers not sent yet."""
    return list(tx.exec(select(OutgoingRow.account).where(WAITING).distinct()).all())


def claim(tx: Transaction, account: int, now: datetime) -> Claimed | None:
    """The account's oldest open answer, now `sending`; those too late are given up on the way."""
    rows = tx.exec(
        select(OutgoingRow)
        .where(OutgoingRow.account == account, WAITING)
        .order_by(col(OutgoingRow.id))
    )
    for row in rows:
        if row.expires_at <= now:
            row.state, row.payload = "expired", ""
            continue
        row.state = "sending"
        row.fence += 1
        return Claimed(row.id, row.account, row.payload, row.expires_at, row.doubted, row.fence)
    return None


def release(tx: Transaction, claimed: Claimed, *, doubted: bool) -> None:
    """It was not sent, or (`doubted`) perhaps it was: it may be claimed once more."""
    tx.execute(_ours(claimed).values(state="scheduled", doubted=col(OutgoingRow.doubted) | doubted))


def finish(
    tx: Transaction,
    claimed: Claimed,
    state: str,
    *,
    message_id: int | None = None,
    reason: str | None = None,
) -> None:
    """It was sent, or given up for `reason`; its words are forgotten."""
    tx.execute(_ours(claimed).values(state=state, message_id=message_id, reason=reason, payload=""))


def _ours(claimed: Claimed) -> Update:
    """The row, for as long as nobody has claimed it since."""
    return update(OutgoingRow).where(
        col(OutgoingRow.id) == claimed.id,
        col(OutgoingRow.fence) == claimed.fence,
        col(OutgoingRow.state).in_(("sending", "scheduled")),
    )


def orphans(tx: Transaction) -> None:
    """At a start: what was being sent when the process died is sent once more, and only once."""
    for row in tx.exec(select(OutgoingRow).where(BEING_SENT)):
        if row.doubted:
            row.state, row.payload = "unknown", ""
        else:
            row.state, row.doubted = "scheduled", True


def forget_old(tx: Transaction, now: datetime) -> int:
    """Delete what was sent or given up long ago; how many."""
    result = tx.execute(
        delete(OutgoingRow).where(
            col(OutgoingRow.state).not_in(("scheduled", "sending")),
            col(OutgoingRow.created_at) < now - KEEP,
        )
    )
    return int(result.rowcount)  # type: ignore[attr-defined]
