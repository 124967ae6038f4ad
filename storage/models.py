"""The tables. Facts about people, what was said to them, and what is still to be said.

Every moment is kept in UTC; where a wall-clock time was meant (a session's end, a visit, a step of
the plan) the wall time and its zone are kept beside it, so that the moment can be derived again.
`account` is a Telegram user id, which is also the id of the private chat.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Index, TextClause, UniqueConstraint, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment: kept in UTC, given back in UTC. A naive one is refused at the door."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without a zone cannot be kept: {value!r}")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


# Which rows a partial index holds. Queries give the very same words, never a bound value: only then
# does a database see that the index will do.
BEING_SENT = text("state = 'sending'")
TROUBLED = text("state IN ('failed', 'unknown') AND seen_at IS NULL")
NEW = text("state = 'new'")
SET_ASIDE = text("state = 'aside' AND seen_at IS NULL")
WAITING = text("state = 'scheduled'")
DONE = text("state = 'done'")
ENDED = text("state NOT IN ('scheduled', 'sending')")
NOBODY_ON_IT = text("taken_at IS NULL AND seen_at IS NULL")


def _partial(name: str, *columns: str, where: TextClause, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


class Clinic(SQLModel, table=True):
    id: int = Field(default=None, primary_key=True)
    name: str
    phone: str
    emergency_number: str
    urgent_line: str | None = None
    timezone: str
    language: str = "en"
    maintenance_months: int | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)


class Staff(SQLModel, table=True):
    """Somebody on a clinic's team; `left_at` set when no longer."""

    __table_args__ = (
        _partial("staff_account", "account", where=text("left_at IS NULL"), unique=True),
    )

    id: int = Field(default=None, primary_key=True)
    clinic_id: int = Field(foreign_key="clinic.id", index=True)
    account: int = Field(sa_type=BigInteger)
    name: str
    role: str  # owner, clinician, front_desk
    joined_at: datetime = Field(sa_type=UtcDateTime)
    left_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    unreachable_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Patient(SQLModel, table=True):
    """Somebody treated. `account` is known from `I agree` on; before it nothing is sent unasked."""

    __table_args__ = (
        Index("patient_account", "clinic_id", "account", unique=True),
        Index("patient_by_account", "account"),
        Index("patient_by_name", "clinic_id", "plain_name"),
        _partial(
            "patient_unreachable", "clinic_id", "id", where=text("unreachable_at IS NOT NULL")
        ),
    )

    id: int = Field(default=None, primary_key=True)
    clinic_id: int = Field(foreign_key="clinic.id")
    account: int | None = Field(default=None, sa_type=BigInteger)
    name: str
    plain_name: str
    """The name as it is looked for: `people.plain`."""
    language: str = "en"
    timezone: str
    agreed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stopped: str = "nothing"  # nothing, tips, everything
    stopped_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    unreachable_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    unreachable_why: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)


class Treatment(SQLModel, table=True):
    """One session of microneedling ("Session" is the database's own word)."""

    __table_args__ = (Index("treatment_by_clinic", "clinic_id", "ended_at"),)

    id: int = Field(default=None, primary_key=True)
    clinic_id: int = Field(foreign_key="clinic.id")
    patient_id: int = Field(foreign_key="patient.id", index=True)
    ended_at: datetime = Field(sa_type=UtcDateTime)
    ended_local: datetime = Field(sa_type=DateTime)
    timezone: str
    area: str
    device: str
    depth_mm: float | None = None
    number: int
    of: int
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    next_local: datetime | None = Field(default=None, sa_type=DateTime)
    appointment: int = 0
    recommended: str | None = None
    recommended_from_hours: float = 0
    marks_easily: bool = False
    overrides: str | None = None  # rule -> hours after the session, as JSON
    recorded_by: int = Field(foreign_key="staff.id")
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    cancelled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Reminder(SQLModel, table=True):
    """One message of a plan: the schedule, the queue and the log in one row.

    `try_at` is set exactly while somebody must still look at the row, so the small partial index on
    it finds what is due however many rows there are.
    """

    __table_args__ = (
        UniqueConstraint("treatment_id", "step", "occasion", name="reminder_once"),
        _partial("reminder_due", "try_at", "id", where=text("try_at IS NOT NULL")),
        _partial("reminder_sending", "id", where=BEING_SENT),
        _partial("reminder_troubled", "clinic_id", "id", where=TROUBLED),
    )

    id: int = Field(default=None, primary_key=True)
    clinic_id: int = Field(foreign_key="clinic.id")
    patient_id: int = Field(foreign_key="patient.id", index=True)
    treatment_id: int = Field(foreign_key="treatment.id")
    step: str
    occasion: str
    due_at: datetime = Field(sa_type=UtcDateTime)
    due_local: datetime = Field(sa_type=DateTime)
    timezone: str
    expires_at: datetime = Field(sa_type=UtcDateTime)
    state: str = "scheduled"
    reason: str | None = None
    try_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # claimed last
    fence: int = 0
    attempts: int = 0
    doubted: bool = False  # an earlier copy may have arrived
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    message_id: int | None = Field(default=None, sa_type=BigInteger)
    language: str | None = None
    content_version: str | None = None
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # by staff, as trouble


class Invitation(SQLModel, table=True):
    """A link and a typed code, kept only as hashes, that make somebody a patient or staff."""

    id: int = Field(default=None, primary_key=True)
    clinic_id: int = Field(foreign_key="clinic.id")
    role: str  # patient, owner, clinician, front_desk
    treatment_id: int | None = Field(default=None, foreign_key="treatment.id", index=True)
    link_hash: str = Field(unique=True)
    typed_hash: str | None = Field(default=None, unique=True)
    link_expires_at: datetime = Field(sa_type=UtcDateTime)
    typed_expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_by: int | None = Field(default=None, foreign_key="staff.id")
    created_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    used_by: int | None = Field(default=None, sa_type=BigInteger)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Opening(SQLModel, table=True):
    """An account was shown what an invitation asks; only such an account may answer it."""

    __table_args__ = (UniqueConstraint("invitation_id", "account", name="opening_once"),)

    id: int = Field(default=None, primary_key=True)
    invitation_id: int = Field(foreign_key="invitation.id")
    account: int = Field(sa_type=BigInteger, index=True)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    declined_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CodeTry(SQLModel, table=True):
    """A wrong typed code: five an account an hour, then none is looked at."""

    __tablename__ = "code_try"

    id: int = Field(default=None, primary_key=True)
    account: int = Field(sa_type=BigInteger, index=True)
    tried_at: datetime = Field(sa_type=UtcDateTime)


class Inbox(SQLModel, table=True):
    """An update as Telegram sent it, in order of arrival, until its effects are committed."""

    __table_args__ = (
        _partial("inbox_new", "id", where=NEW),
        _partial("inbox_aside", "id", where=SET_ASIDE),
        _partial("inbox_done", "handled_at", where=DONE),
    )

    id: int = Field(default=None, primary_key=True)
    update_id: int = Field(sa_type=BigInteger, unique=True)
    account: int | None = Field(default=None, sa_type=BigInteger)
    payload: str
    received_at: datetime = Field(sa_type=UtcDateTime)
    state: str = "new"  # new, done, aside
    tries: int = 0
    handled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str | None = None
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # by staff, set aside


class OutgoingRow(SQLModel, table=True):
    """An answer, committed together with the effects of the update it answers."""

    __tablename__ = "outgoing"
    __table_args__ = (
        _partial("outgoing_waiting", "account", "id", where=WAITING),
        _partial("outgoing_sending", "id", where=BEING_SENT),
        _partial("outgoing_ended", "created_at", where=ENDED),
        _partial("outgoing_alert", "alert_id", where=text("alert_id IS NOT NULL")),
    )

    id: int = Field(default=None, primary_key=True)
    update_id: int | None = Field(default=None, sa_type=BigInteger)
    account: int = Field(sa_type=BigInteger)
    payload: str
    state: str = "scheduled"
    """scheduled, sending, sent, failed, unreachable, unknown, expired; or merged: never sent, told
    by the alarm before it."""
    reason: str | None = None
    fence: int = 0
    doubted: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    message_id: int | None = Field(default=None, sa_type=BigInteger)
    alert_id: int | None = Field(default=None, foreign_key="alert.id")  # what it tells staff of


class Alert(SQLModel, table=True):
    """Trouble a patient wrote of, which staff were told; never a word of what was written.

    Open until somebody on the team is on it (`taken_at`), or has ticked it off the worklist
    (`seen_at`). What the same account writes within a day, while it is open, belongs to it.
    """

    __table_args__ = (_partial("alert_open", "clinic_id", "id", where=NOBODY_ON_IT),)

    id: int = Field(default=None, primary_key=True)
    clinic_id: int = Field(foreign_key="clinic.id")
    patient_id: int = Field(foreign_key="patient.id", index=True)
    account: int = Field(sa_type=BigInteger)  # who wrote; a patient has none before `I agree`
    level: str  # today, emergency: the worst so far
    topic: str
    written_at: datetime = Field(sa_type=UtcDateTime)  # the first that was written of it
    created_at: datetime = Field(sa_type=UtcDateTime)
    taken_by: int | None = Field(default=None, foreign_key="staff.id")
    taken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Question(SQLModel, table=True):
    """A yes/no question about a red flag in doubt, and whether it was answered: once counts."""

    id: int = Field(default=None, primary_key=True)
    account: int = Field(sa_type=BigInteger, index=True)
    doubt: str
    """Its key in the content."""
    asked_at: datetime = Field(sa_type=UtcDateTime, index=True)
    passed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Since when a written "yes" would no longer be meant for it."""
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Draft(SQLModel, table=True):
    """A staff member's half-filled form; `data` is JSON."""

    id: int = Field(default=None, primary_key=True)
    clinic_id: int = Field(foreign_key="clinic.id")
    staff_id: int = Field(foreign_key="staff.id")
    kind: str
    data: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Audit(SQLModel, table=True):
    """Who did what to whom, when; never a name or a word of a message."""

    id: int = Field(default=None, primary_key=True)
    clinic_id: int = Field(foreign_key="clinic.id")
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str  # staff:3, patient:5, system
    action: str
    patient_id: int | None = None
    treatment_id: int | None = None
