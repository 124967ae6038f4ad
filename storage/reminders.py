"""The rows of the plans: finding, claiming, recording, and their states.

scheduled -> sending | skipped;  sending -> sent | failed | unreachable | unknown | scheduled;
unknown -> sending (once, where the step says `resend`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import sqlalchemy
from sqlalchemy import BigInteger, BindParameter, Row, Update, bindparam, func, or_, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col, select

from storage.database import Transaction
from storage.models import BEING_SENT, Patient, Reminder, UtcDateTime

PAGE, MORE_PAGES = 16, (500,) * 10
"""How far one look goes along the due rows: few at first, then, past those left out, many."""


EVER = datetime(1970, 1, 1, tzinfo=UTC)


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


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A row about to be sent, in which language and words."""

    id: int
    language: str
    content_version: str


@dataclass(frozen=True, kw_only=True)
class LaterOrNever:
    """A row looked at and not sent: to be looked at again at `try_at`, or given up for `reason`."""

    id: int
    state: str
    reason: str | None
    try_at: datetime | None


class Due(NamedTuple):
    """What is to be known of a row, and of its patient, to decide whether it goes."""

    id: int
    clinic_id: int
    patient_id: int
    treatment_id: int
    step: str
    occasion: str
    due_at: datetime
    expires_at: datetime
    state: str
    reason: str | None
    try_at: datetime | None
    tried_at: datetime | None
    fence: int
    attempts: int
    doubted: bool
    account: int | None
    name: str
    language: str
    timezone: str
    agreed_at: datetime | None
    stopped: str
    unreachable_at: datetime | None


def _moment(name: str) -> BindParameter[datetime]:
    """A moment as a value of a statement made once.

    Its type must be said: nothing infers it, and SQLite compares words.
    """
    return bindparam(name, type_=UtcDateTime())


def _numbers(name: str) -> BindParameter[Sequence[int]]:
    """Many whole numbers as one value of a statement made once; PostgreSQL only."""
    return bindparam(name, type_=ARRAY(BigInteger))


_OF_PATIENT = (
    "account", "name", "language", "timezone", "agreed_at", "stopped", "unreachable_at"
)  # fmt: skip
_DUE = [getattr(Patient if name in _OF_PATIENT else Reminder, name) for name in Due._fields]


def of_patient(tx: Transaction, patient_id: int) -> Sequence[Reminder]:
    """All rows of the patient's plans, by when they are due."""
    return tx.exec(
        select(Reminder)
        .where(Reminder.patient_id == patient_id)
        .order_by(col(Reminder.due_at), col(Reminder.id))
    ).all()


def account_of(tx: Transaction, reminder_id: int) -> int | None:
    """The account of the patient whose row it is; None: no such row, or nobody's yet."""
    return tx.exec(
        select(Patient.account)
        .join(Reminder, col(Reminder.patient_id) == col(Patient.id))
        .where(Reminder.id == reminder_id)
    ).first()


def ahead(tx: Transaction, patient_id: int) -> Sequence[Reminder]:
    """What is still to come for the patient, by when it is due."""
    return [row for row in of_patient(tx, patient_id) if row.try_at is not None]


def patients_due(
    tx: Transaction, now: datetime, *, limit: int, without: Collection[int]
) -> tuple[list[int], bool]:
    """Up to `limit` patients with a row to be looked at now, none of the accounts `without`.

    By the longest due; and whether there may be more. Read page by page along the index, so that it
    costs what is found and not what is stored, however many accounts are left out.
    """
    found: dict[int, int | None] = {}
    after: tuple[datetime, int] | None = None
    for size in (PAGE + 2 * limit, *MORE_PAGES):
        rows = _page(tx, now, after, size)
        for row in rows:
            taken = row.account in without or row.account in found.values()
            if row.patient_id not in found and not (taken and row.account is not None):
                found[row.patient_id] = row.account  # one patient an account: two clinics' may be
            if len(found) == limit:
                return list(found), True
            after = (row.try_at, row.id)
        if len(rows) < size:
            return list(found), False
    return list(found), True


# Statements of the hot path are put together once: that costs more than running them does.
_TRY_AT, _ID = col(Reminder.try_at), col(Reminder.id)
_PAGE = (
    sqlalchemy.select(_TRY_AT, _ID, col(Reminder.patient_id), col(Patient.account))
    .join(Patient, col(Patient.id) == col(Reminder.patient_id))
    .where(_moment("now") >= _TRY_AT)
    .order_by(_TRY_AT, _ID)
    .limit(bindparam("size"))
)
_NEXT_PAGE = _PAGE.where(
    _moment("moment") <= _TRY_AT, or_(_moment("moment") < _TRY_AT, bindparam("number") < _ID)
)
_TO_LOOK_AT = (
    sqlalchemy.select(*_DUE)
    .join(Patient, col(Patient.id) == col(Reminder.patient_id))
    .where(
        col(Reminder.patient_id).in_(bindparam("patients", expanding=True)),
        or_(_moment("now") >= _TRY_AT, col(Reminder.tried_at) > _moment("tried_since")),
    )
    .order_by(col(Reminder.due_at), _ID)
)
_NEXT = sqlalchemy.select(func.min(_TRY_AT)).where(_moment("after") < _TRY_AT)


def _page(
    tx: Transaction, now: datetime, after: tuple[datetime, int] | None, size: int
) -> Sequence[Row[Any]]:
    values: dict[str, Any] = {"now": now, "size": size}
    if after is not None:
        values["moment"], values["number"] = after
    found = tx.connection().execute(_PAGE if after is None else _NEXT_PAGE, values)
    return cast("Sequence[Row[Any]]", found.all())


def to_look_at(
    tx: Transaction, patients: Collection[int], now: datetime, *, tried_since: datetime
) -> list[Due]:
    """All rows of these patients to be looked at now, and those tried lately, the first due first.

    A row of the second kind has no `try_at`, or one that is still ahead.
    """
    values = {"patients": list(patients), "now": now, "tried_since": tried_since}
    return [Due._make(row) for row in tx.connection().execute(_TO_LOOK_AT, values)]


def next_due(tx: Transaction, *, after: datetime = EVER) -> datetime | None:
    """When the next row is to be looked at, of those beyond the moment `after`."""
    found: datetime | None = tx.connection().execute(_NEXT, {"after": after}).scalar_one()
    return found


_CLAIM = (
    update(Reminder)
    .where(col(Reminder.id).in_(bindparam("rows", expanding=True)), _TRY_AT.is_not(None))
    .values(
        state="sending",
        reason=None,
        try_at=None,
        tried_at=_moment("now"),
        fence=col(Reminder.fence) + 1,
        attempts=col(Reminder.attempts) + 1,
        language=bindparam("language_sent"),
        content_version=bindparam("version_sent"),
        seen_at=None,  # what staff saw of it was another try
    )
)


def claim(tx: Transaction, claims: Sequence[Claim], now: datetime) -> None:
    """Mark rows as being sent from `now` on: each counts as attempted, under its next fence.

    Raises RuntimeError if one of them is no longer to be looked at, by a late word of an earlier
    try; then none is claimed. Nobody else raises a fence.
    """
    alike: dict[tuple[str, str], list[int]] = defaultdict(list)
    for it in claims:
        alike[it.language, it.content_version].append(it.id)
    for (language, version), rows in alike.items():
        values = {"rows": rows, "now": now, "language_sent": language, "version_sent": version}
        if tx.connection().execute(_CLAIM, values).rowcount != len(rows):
            raise RuntimeError("a due row was changed while it was looked at")


_PUT_OFF = (
    update(Reminder)
    .where(col(Reminder.id) == bindparam("row"), col(Reminder.try_at).is_not(None))
    .values(state=bindparam("state_now"), reason=bindparam("reason_now"), try_at=_moment("try_now"))
)


def put_off(tx: Transaction, rows: Iterable[LaterOrNever]) -> None:
    """Write down that due rows are not sent now, or never."""
    values = [
        {"row": it.id, "state_now": it.state, "reason_now": it.reason, "try_now": it.try_at}
        for it in rows
    ]
    _in_one(tx, _PUT_OFF, values)


# A process whose lead was taken over may still be told that its message was sent: as long as nobody
# has claimed the row again, that is the truth about it, whatever was assumed meanwhile.
_BEGUN = text("state IN ('sending', 'unknown')")
_CAME_TO: dict[str, Any] = {
    "state": bindparam("state_now"),
    "reason": bindparam("reason_now"),
    "try_at": _moment("try_now"),
    "sent_at": _moment("sent"),
    "doubted": col(Reminder.doubted) | bindparam("doubt"),
}
_RECORD = (
    update(Reminder)
    .where(
        col(Reminder.id) == bindparam("row"),
        col(Reminder.fence) == bindparam("ours"),
        _BEGUN,
    )
    .values(**_CAME_TO, message_id=bindparam("message"))
)


# The same for many rows that came to the same, on PostgreSQL: there a statement for each row costs
# three times as much. Their numbers, fences and messages stand beside each other in three arrays.
_CAME_BACK = (
    func.unnest(_numbers("rows"), _numbers("fences"), _numbers("messages"))
    .table_valued("id", "fence", "message", name="came_back")
    .render_derived()
)
_RECORD_ALIKE = (
    update(Reminder)
    .where(
        col(Reminder.id) == _CAME_BACK.c.id,
        col(Reminder.fence) == _CAME_BACK.c.fence,
        _BEGUN,
    )
    .values(**_CAME_TO, message_id=_CAME_BACK.c.message)
)


def record(tx: Transaction, records: Sequence[Record]) -> int:
    """Write down what became of claimed rows; how many of them were no longer ours."""
    if tx.get_bind().dialect.name == "postgresql":
        return len(records) - sum(_record_alike(tx, alike) for alike in _alike(records))
    rows = [
        {
            "row": it.id,
            "ours": it.fence,
            "state_now": it.state,
            "reason_now": it.reason,
            "try_now": it.try_at,
            "sent": it.sent_at,
            "message": it.message_id,
            "doubt": it.doubted,
        }
        for it in records
    ]
    return len(rows) - _in_one(tx, _RECORD, rows)


def _alike(records: Sequence[Record]) -> Iterable[Sequence[Record]]:
    """The records by what the rows came to, whichever message it was."""
    found: dict[tuple[object, ...], list[Record]] = defaultdict(list)
    for it in records:
        found[it.state, it.reason, it.try_at, it.sent_at, it.doubted].append(it)
    return found.values()


def _record_alike(tx: Transaction, records: Sequence[Record]) -> int:
    """Write down that rows came to the same; how many were changed."""
    one = records[0]
    values = {
        "rows": [it.id for it in records],
        "fences": [it.fence for it in records],
        "messages": [it.message_id for it in records],
        "state_now": one.state,
        "reason_now": one.reason,
        "try_now": one.try_at,
        "sent": one.sent_at,
        "doubt": one.doubted,
    }
    return tx.connection().execute(_RECORD_ALIKE, values).rowcount


def _in_one(tx: Transaction, statement: Update, rows: Sequence[dict[str, Any]]) -> int:
    """Run one statement for all rows, past the ORM; how many were changed."""
    if not rows:
        return 0
    return tx.connection().execute(statement, rows).rowcount


def sending(tx: Transaction) -> Sequence[Reminder]:
    """The rows being sent."""
    return tx.exec(select(Reminder).where(BEING_SENT)).all()
