"""What staff must look at: who missed something, or may have; and what they have seen to.

Each group is read through a partial index that holds only such rows, so that it costs what waits
and not what is. The groups stand in the order of their urgency. A patient who wrote of trouble is
in danger, the worst first; who wrote and got no answer may be, and nobody else knows; a message
that did not go out was surely missed; one in doubt perhaps; and who cannot be reached stays until
they can be, so first they would bury all the rest. Within a group the newest comes first: that is
where a call still helps most.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col

from storage import alerts, people
from storage.database import Transaction
from storage.models import (
    NOBODY_ON_IT,
    SET_ASIDE,
    TROUBLED,
    Alert,
    Inbox,
    Patient,
    Reminder,
    Staff,
    Treatment,
)


@dataclass(frozen=True)
class Unanswered:
    """An update that no handler could work on. Neither `patient` nor `member`: nobody known."""

    arrival: int
    received_at: datetime
    patient: Patient | None
    member: Staff | None


@dataclass(frozen=True)
class Missed:
    """A message that did not go out (`failed`), or may not have arrived (`unknown`)."""

    reminder: Reminder
    patient: Patient
    cancelled_at: datetime | None
    """When its session was cancelled, if it was."""


@dataclass(frozen=True)
class Untaken:
    """Trouble a patient wrote of, which nobody on the team is on."""

    alert: Alert
    patient: Patient


Item = Untaken | Unanswered | Missed | Patient
"""A patient stands for somebody who cannot be reached."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A part of the list; `counts` are of the whole groups, in order."""

    counts: dict[str, int]
    items: list[tuple[str, Item]]


@dataclass(frozen=True)
class SeenTo:
    """What left the list, and whose it was: for the audit."""

    what: str
    patient_id: int | None
    treatment_id: int | None


def page(tx: Transaction, clinic_id: int, *, offset: int, limit: int) -> Page:
    """Up to `limit` of the clinic's items after the first `offset`, the most urgent first."""
    counts: dict[str, int] = {}
    items: list[tuple[str, Item]] = []
    for group, found, item in _groups(tx, clinic_id):
        counted = found.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
        counts[group] = count = tx.execute(counted).scalar_one()
        room = limit - len(items)
        if room and offset < count:
            rows = tx.execute(found.offset(offset).limit(room))
            items += [(group, item(*row)) for row in rows]
        offset = max(0, offset - count)
    return Page(counts=counts, items=items)


def see_to(
    tx: Transaction,
    clinic_id: int,
    *,
    messages: Collection[int],
    updates: Collection[int],
    troubles: Collection[int],
    now: datetime,
) -> list[SeenTo]:
    """Take these off the clinic's list: reminders, arrivals and alerts by their ids.

    What is not this clinic's, or not on its list (any more), is left as it is.
    """
    seen = []
    for alert in alerts.open_among(tx, clinic_id, troubles):
        alert.seen_at = now
        seen.append(SeenTo(f"alert {alert.id}", alert.patient_id, None))
    for reminder, patient, _ in tx.execute(
        _missed(clinic_id).where(col(Reminder.id).in_(messages))
    ):
        reminder.seen_at = now
        seen.append(SeenTo(f"message {reminder.id}", patient.id, reminder.treatment_id))
    found = tx.execute(_unanswered(tx, clinic_id).where(col(Inbox.id).in_(updates))).all()
    for arrival, _, patient, _ in found:
        seen.append(SeenTo(f"update {arrival}", patient.id if patient else None, None))
    if found:
        arrivals = [arrival for arrival, *_ in found]
        tx.execute(update(Inbox).where(col(Inbox.id).in_(arrivals)).values(seen_at=now))
    return seen


def _groups(
    tx: Transaction, clinic_id: int
) -> Iterator[tuple[str, Select[*tuple[Any, ...]], Callable[..., Item]]]:
    """The groups in order: a name, whose rows, and what a row becomes."""
    newest = (col(Reminder.due_at).desc(), col(Reminder.id).desc())
    worst = (col(Alert.level) == "emergency").desc()
    yield "alert", _untaken(clinic_id).order_by(worst, col(Alert.id).desc()), Untaken
    yield "unanswered", _unanswered(tx, clinic_id).order_by(col(Inbox.id).desc()), Unanswered
    for state in ("failed", "unknown"):
        missed = _missed(clinic_id).where(col(Reminder.state) == state)
        yield state, missed.order_by(*newest), Missed
    yield "unreachable", _unreachable(clinic_id), _patient


def _untaken(clinic_id: int) -> Select[Alert, Patient]:
    return (
        select(Alert, Patient)
        .join(Patient, col(Patient.id) == col(Alert.patient_id))
        .where(NOBODY_ON_IT, col(Alert.clinic_id) == clinic_id)
    )


def _missed(clinic_id: int) -> Select[Reminder, Patient, datetime | None]:
    """Messages that failed, or are in doubt and not sent again."""
    return (
        select(Reminder, Patient, col(Treatment.cancelled_at))
        .join(Patient, col(Patient.id) == col(Reminder.patient_id))
        .join(Treatment, col(Treatment.id) == col(Reminder.treatment_id))
        .where(TROUBLED, col(Reminder.clinic_id) == clinic_id, col(Reminder.try_at).is_(None))
    )


def _unanswered(tx: Transaction, clinic_id: int) -> Select[int, datetime, Patient, Staff]:
    """Updates set aside, of the clinic's patients and team.

    A patient of several clinics is on the list of each, until one of them has seen to it. What is
    nobody's is on the list of the first clinic, whose name strangers are told.
    """
    whose = or_(col(Patient.id).is_not(None), col(Staff.id).is_not(None))
    first = people.first_clinic(tx)
    if first is not None and first.id == clinic_id:
        whose = or_(whose, _is_nobodys(col(Inbox.account)))
    return (
        select(col(Inbox.id), col(Inbox.received_at), Patient, Staff)
        .outerjoin(
            Patient,
            (col(Patient.clinic_id) == clinic_id) & (col(Patient.account) == col(Inbox.account)),
        )
        .outerjoin(
            Staff,
            (col(Staff.account) == col(Inbox.account))
            & col(Staff.left_at).is_(None)
            & (col(Staff.clinic_id) == clinic_id),
        )
        .where(SET_ASIDE, whose)
    )


def _is_nobodys(account: Mapped[int | None]) -> ColumnElement[bool]:
    """Whether it is the account of no clinic's patient or team.

    Looked up one by one: of an `EXISTS`, PostgreSQL may make a list of all accounts there are.
    """
    patient, member = aliased(Patient), aliased(Staff)
    patients = select(col(patient.id)).where(col(patient.account) == account)
    members = select(col(member.id)).where(
        col(member.account) == account, col(member.left_at).is_(None)
    )
    return and_(*(one.limit(1).scalar_subquery().is_(None) for one in (patients, members)))


def _unreachable(clinic_id: int) -> Select[Patient]:
    return (
        select(Patient)
        .where(col(Patient.clinic_id) == clinic_id, col(Patient.unreachable_at).is_not(None))
        .order_by(col(Patient.unreachable_at).desc(), col(Patient.id).desc())
    )


def _patient(patient: Patient) -> Patient:
    return patient
