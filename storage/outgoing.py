"""Answers as rows: committed with the effects they tell of, then sent, in order within a chat.

Alarms of trouble go before all else in a chat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Update, case, update
from sqlmodel import col, select

from storage.database import Transaction, delete_some
from storage.models import BEING_SENT, ENDED, WAITING, Alert, OutgoingRow

GOOD_FOR = timedelta(hours=1)
"""An answer that could not be sent for so long is not sent any more: its reader is told so."""
GOOD_FOR_OTHERS = timedelta(hours=24)
"""What somebody is told because of what another wrote, an alarm above all: late is better than
never."""
ALARMS_TRIED_FOR = timedelta(hours=1)
"""So long after it was raised an alarm that may not have arrived is tried again and again: a double
costs staff a glance, and one that is missing may cost a patient more."""
KEEP = timedelta(days=14)
UNHEARD = "unheard"
"""The `reason` of an alarm that was tried twice in vain: nobody counts on it, yet it is tried."""
LEVEL = select(Alert.level).where(Alert.id == OutgoingRow.alert_id).correlate(OutgoingRow)
URGENCY = case(
    (col(OutgoingRow.reason) == UNHEARD, 3),
    (col(OutgoingRow.alert_id).is_(None), 2),
    (LEVEL.scalar_subquery() == "emergency", 0),
    else_=1,
)
"""What goes first in a chat: an alarm of an emergency, any other alarm, the rest; then alarms that
were tried in vain, which are not to stand in anything's way."""


@dataclass(frozen=True)
class Claimed:
    """An answer about to be sent."""

    id: int
    account: int
    payload: str
    doubted: bool
    fence: int
    alert_id: int | None


def add(
    tx: Transaction,
    answers: Sequence[tuple[int, str]],
    *,
    update_id: int | None,
    now: datetime,
    good_for: timedelta = GOOD_FOR,
    alert_id: int | None = None,
) -> None:
    """Keep (account, payload) answers in the order they are to be read.

    `alert_id`: of the alert they tell staff of. Such an answer without a payload is never sent: it
    says that the newest alarm of the alert to the account, which waits, tells of this update too.
    """
    for account, payload in answers:
        tx.add(
            OutgoingRow(
                update_id=update_id,
                account=account,
                payload=payload,
                state="scheduled" if payload else "merged",
                created_at=now,
                expires_at=now + good_for,
                alert_id=alert_id,
            )
        )
        tx.flush()  # ids in the order of the answers


def accounts_waiting(tx: Transaction) -> list[int]:
    """The accounts with answers not sent yet."""
    return list(tx.exec(select(OutgoingRow.account).where(WAITING).distinct()).all())


def give_up_late(tx: Transaction, account: int, now: datetime) -> Sequence[OutgoingRow]:
    """Give up what could not be sent to the account in time."""
    late = tx.exec(
        select(OutgoingRow).where(
            OutgoingRow.account == account, WAITING, col(OutgoingRow.expires_at) <= now
        )
    ).all()
    for row in late:
        row.state, row.payload = "expired", ""
    tx.flush()
    return late


def waiting_alarm(tx: Transaction, alert_id: int, account: int) -> OutgoingRow | None:
    """The newest alarm of the alert to the account, if nobody can have read it yet."""
    newest = (
        select(OutgoingRow)
        .where(
            OutgoingRow.alert_id == alert_id,
            OutgoingRow.account == account,
            OutgoingRow.state != "merged",
        )
        .order_by(col(OutgoingRow.id).desc())
        .limit(1)
    )
    row = tx.exec(newest).first()
    return row if row and row.state == "scheduled" and not row.doubted else None


def has_hope(tx: Transaction, row_id: int) -> bool:
    """Whether an alarm was sent to anybody, or still may be: this row's, with those beside it.

    These may tell of other updates besides, merged into them: there is hope only if each has some.
    """
    row = tx.get_one(OutgoingRow, row_id)
    alarms = (
        select(OutgoingRow.account, OutgoingRow.update_id, OutgoingRow.state, OutgoingRow.reason)
        .where(OutgoingRow.alert_id == row.alert_id)
        .order_by(col(OutgoingRow.id))
    )
    tells: dict[int, tuple[int | None, bool]] = {}
    """By account: the update and the hope of the alarm that those merged next are told by."""
    asked, hopeful = set(), set()
    for account, update_id, state, reason in tx.exec(alarms):
        if state != "merged":
            waits = state in ("scheduled", "sending") and reason != UNHEARD
            tells[account] = (update_id, waits or state == "sent")
        by_update, has_any = tells.get(account, (None, False))
        if by_update == row.update_id:
            asked.add(update_id)
        if has_any:
            hopeful.add(update_id)
    return asked <= hopeful


def claim(tx: Transaction, account: int) -> Claimed | None:
    """The account's most urgent open answer, of these the oldest; now `sending`."""
    row = tx.exec(
        select(OutgoingRow)
        .where(OutgoingRow.account == account, WAITING)
        .order_by(URGENCY, col(OutgoingRow.id))
        .limit(1)
    ).first()
    if row is None:
        return None
    row.state = "sending"
    row.fence += 1
    return Claimed(row.id, row.account, row.payload, row.doubted, row.fence, row.alert_id)


def release(tx: Transaction, claimed: Claimed, *, doubted: bool) -> None:
    """It was not sent, or (`doubted`) perhaps it was: it may be claimed once more."""
    tx.execute(_ours(claimed).values(state="scheduled", doubted=col(OutgoingRow.doubted) | doubted))


def goes_on(row: OutgoingRow, now: datetime) -> bool:
    """Whether it is an alarm that is tried although it may have arrived twice; marks it so."""
    is_so = row.alert_id is not None and now - row.created_at < ALARMS_TRIED_FOR
    if is_so:
        row.state, row.reason = "scheduled", UNHEARD
    return is_so


def finish(
    tx: Transaction,
    claimed: Claimed,
    state: str,
    *,
    message_id: int | None = None,
    reason: str | None = None,
) -> bool:
    """It was sent, or given up for `reason`; its words are forgotten. False: not ours any more."""
    ended = tx.execute(
        _ours(claimed).values(state=state, message_id=message_id, reason=reason, payload="")
    )
    return bool(ended.rowcount)  # type: ignore[attr-defined]


def _ours(claimed: Claimed) -> Update:
    """The row, for as long as nobody has claimed it since."""
    return update(OutgoingRow).where(
        col(OutgoingRow.id) == claimed.id,
        col(OutgoingRow.fence) == claimed.fence,
        col(OutgoingRow.state).in_(("sending", "scheduled")),
    )


def orphans(tx: Transaction, now: datetime) -> list[OutgoingRow]:
    """At a start: what was being sent when the process died is sent once more, and only once.

    Alarms go on for their hour. Those that nobody counts on any more.
    """
    in_vain = []
    for row in tx.exec(select(OutgoingRow).where(BEING_SENT)):
        if not row.doubted:
            row.state, row.doubted = "scheduled", True
            continue
        if row.reason != UNHEARD:
            in_vain.append(row)
        if not goes_on(row, now):
            row.state, row.payload = "unknown", ""
    return in_vain


def forget_old(tx: Transaction, now: datetime) -> int:
    """Delete some of what was sent or given up long ago; how many."""
    old = select(OutgoingRow.id).where(ENDED, col(OutgoingRow.created_at) < now - KEEP)
    return delete_some(tx, OutgoingRow, old)
