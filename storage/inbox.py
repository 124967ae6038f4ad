"""Updates as they came, kept until their effects are committed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from storage.database import Transaction, delete_some
from storage.models import DONE, NEW, Inbox

KEEP_IDS = timedelta(days=14)
"""How long a handled update's id is kept, so that it is known if it comes again."""


def store(
    tx: Transaction, updates: Sequence[tuple[int, int | None, str]], now: datetime
) -> list[tuple[int, int | None]]:
    """Keep a batch of (update_id, account, payload) in the order given, the known ones left out.

    Returns (arrival, account) of the new ones.
    """
    insert = sqlite.insert if tx.get_bind().dialect.name == "sqlite" else postgresql.insert
    new = []
    for update_id, account, payload in updates:
        statement = (
            insert(Inbox)
            .values(
                update_id=update_id,
                account=account,
                payload=payload,
                received_at=now,
                state="new",
                tries=0,
            )
            .on_conflict_do_nothing(index_elements=["update_id"])
            .returning(col(Inbox.id))
        )
        arrival = tx.execute(statement).scalar_one_or_none()
        if arrival is not None:
            new.append((arrival, account))
    return new


def waiting(
    tx: Transaction, limit: int, *, without: Collection[int] = ()
) -> list[tuple[int, int | None, str]]:
    """(arrival, account, payload) of what is not handled yet, in order of arrival.

    Nothing of the accounts `without`: enough of theirs is at hand.
    """
    statement = (
        select(Inbox.id, Inbox.account, Inbox.payload)
        .where(NEW)
        .order_by(col(Inbox.id))
        .limit(limit)
    )
    if without:
        account = col(Inbox.account)
        statement = statement.where(or_(account.is_(None), account.not_in(without)))
    return [(arrival, account, payload) for arrival, account, payload in tx.exec(statement).all()]


def done(tx: Transaction, update_id: int, now: datetime) -> bool:
    """Mark it handled, its effects being in this transaction, and forget its words.

    False if it was done already.
    """
    result = tx.execute(
        update(Inbox)
        .where(col(Inbox.update_id) == update_id, col(Inbox.state) == "new")
        .values(state="done", handled_at=now, payload="")
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def failed(tx: Transaction, arrival: int, problem: str, *, tries: int, now: datetime) -> Inbox:
    """Count a failed try; at the last of `tries` the update is set aside, kept with its words.

    One that somebody else has done by now stays done.
    """
    row = tx.get_one(Inbox, arrival)
    if row.state != "new":
        return row
    row.tries += 1
    row.problem = problem
    if row.tries >= tries:
        row.state, row.handled_at = "aside", now
    return row


def forget_handled(tx: Transaction, now: datetime) -> int:
    """Delete some of what was handled, or set aside and seen to, long ago; how many."""
    old = now - KEEP_IDS
    handled = select(Inbox.id).where(DONE, col(Inbox.handled_at) < old)
    seen = select(Inbox.id).where(text("state = 'aside'"), col(Inbox.seen_at) < old)
    return sum(delete_some(tx, Inbox, ids) for ids in (handled, seen))
