"""A due row, looked at once more at the moment of sending: send, wait, or give up, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import structlog

from bot.care.plans import message_of
from content import schedule
from storage import reminders
from storage.models import Patient, Reminder

if TYPE_CHECKING:
    from bot.care.values import Outgoing
    from content.library import Library
    from content.steps import Step
    from storage.database import Transaction

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
LOOKED_AT_ONCE = 50
"""Rows looked at in one transaction at the most, so that a long backlog never holds the writer."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A claimed reminder: what its outcome is judged by."""

    id: int
    fence: int
    attempts: int
    expires_at: datetime
    if_unknown: Literal["resend", "hold"]
    doubted: bool


@dataclass(frozen=True, kw_only=True)
class Errand:
    """A claimed reminder, ready to be sent: its claim is committed."""

    attempt: Attempt
    message: Outgoing


@dataclass(frozen=True, kw_only=True)
class Haul:
    """What one look at the due rows gave."""

    errands: list[Errand]
    more: bool
    """There may be more due rows than were looked at."""


@dataclass(frozen=True)
class Wait:
    """Not now; look again at `until`."""

    until: datetime


@dataclass(frozen=True)
class GiveUp:
    """Never; `reason` is a key that is shown in words."""

    reason: str


def take_due(
    tx: Transaction, library: Library, now: datetime, *, limit: int, without: Collection[int]
) -> Haul:
    """Claim up to `limit` messages that can be sent now, none to the accounts `without`.

    One to an account: its next one goes when this one has gone. A row that cannot be made into a
    message is marked as failed; the others go on.
    """
    errands: list[Errand] = []
    busy = set(without)
    rows = reminders.due(tx, now, limit=LOOKED_AT_ONCE, without=without)
    for row, patient in rows:
        if len(errands) == limit:
            break
        if patient.account in busy:
            continue
        try:
            errand = _look_at(tx, library, row, patient, now)
        except (LookupError, ValueError, TypeError) as error:
            log.exception("reminder.unusable", reminder=row.id, error=type(error).__name__)
            row.state, row.reason, row.try_at = "failed", "unusable", None
            continue
        if errand:
            errands.append(errand)
            busy.add(errand.message.account)
    return Haul(errands=errands, more=len(rows) == LOOKED_AT_ONCE)


def _look_at(
    tx: Transaction, library: Library, row: Reminder, patient: Patient, now: datetime
) -> Errand | None:
    match may_go(row, patient, library.step(row.step), now):
        case GiveUp(reason):
            row.state, row.reason, row.try_at = "skipped", reason, None
        case Wait(until):
            row.try_at = until
        case None:
            return _claim(tx, library, row, patient, now)
    return None


def may_go(row: Reminder, patient: Patient, step: Step, now: datetime) -> GiveUp | Wait | None:
    """Whether a due row is sent at `now`; None: yes. Stop and block are facts of the patient."""
    reasons = {
        "expired": row.expires_at <= now,
        "not_agreed": patient.agreed_at is None or patient.account is None,
        "stopped": patient.stopped == "everything",
        "tips_off": patient.stopped == "tips" and step.kind != "appointment",
        "unreachable": patient.unreachable_at is not None,
    }
    if reason := next((key for key, holds in reasons.items() if holds), None):
        return GiveUp(reason)
    morning = schedule.night_ends(now, ZoneInfo(patient.timezone))
    if morning and step.at_night != "send":
        return Wait(morning)
    return None


def _claim(
    tx: Transaction, library: Library, row: Reminder, patient: Patient, now: datetime
) -> Errand:
    message = message_of(tx, library, row, now)
    row.language, row.content_version = library.texts.known(patient.language), library.version
    reminders.claim(tx, row, lease_until=now + LEASE)
    return Errand(attempt=attempt_of(library, row), message=message)


def attempt_of(library: Library, row: Reminder) -> Attempt:
    """A row that is being sent."""
    return Attempt(
        id=row.id,
        fence=row.fence,
        attempts=row.attempts,
        expires_at=row.expires_at,
        if_unknown=library.step(row.step).if_unknown,
        doubted=row.doubted,
    )
