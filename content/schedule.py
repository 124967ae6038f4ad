"""When each message of a session is due: pure, from the session to the rows of its plan.

Dates and times are combined on the patient's clock and only then turned to UTC: a time that the
clock skips is shifted forward, one that comes twice is the first. "Day N" is the Nth date after the
date of the session. Night is 21:00 to 08:00 of the patient.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from content.facts import Clinic, Patient, Session
from content.library import ContentError, Library
from content.rules import moment_after
from content.steps import Anchor, Point, Step

NIGHT_BEGINS = time(21)
NIGHT_ENDS = time(8)
AFTER_NIGHT = time(8, 30)
BEFORE_NIGHT = time(20)
LEAST_WAKING = timedelta(minutes=90)
"""What every message but `first_hours` has before it expires, so that a delay does not lose it."""

TOO_CLOSE = timedelta(hours=2)
APART = timedelta(hours=3)
"""A care message due within TOO_CLOSE of the one before goes APART after it, so that both are
read."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One message to be sent: a row of the plan."""

    key: str
    topic: str
    occasion: str
    """What makes it another message: the appointment and its start; "0" where there is one only."""
    due_at: datetime
    expires_at: datetime
    due_local: datetime
    """`due_at` on the patient's clock, naive."""


def plan(library: Library, session: Session, clinic: Clinic, patient: Patient) -> list[Planned]:
    """Every message of the session, sorted by when it is due.

    Those already past are included: whoever asks knows the hour, and decides what is covered or too
    late. Raises ContentError for a step with a life of less than 90 waking minutes.
    """
    planner = _Planner(library, session, clinic, ZoneInfo(patient.timezone))
    planned = [(step, row) for step in library.steps if (row := planner.planned(step))]
    care = [row for step, row in planned if step.kind == "care"]
    rest = [row for step, row in planned if step.kind != "care"]
    return sorted([*rest, *planner.kept_apart(care)], key=lambda row: row.due_at)


def comes(library: Library, key: str, session: Session, clinic: Clinic, patient: Patient) -> bool:
    """Whether the step `key` is a message of this session's plan."""
    planner = _Planner(library, session, clinic, ZoneInfo(patient.timezone))
    return any(step.key == key and planner.planned(step) for step in library.steps)


def night_ends(at: datetime, zone: ZoneInfo) -> datetime | None:
    """From when a message held back by the night may go (08:30, UTC); None: it is not night."""
    local = at.astimezone(zone)
    if NIGHT_ENDS <= local.time() < NIGHT_BEGINS:
        return None
    after_midnight = local.time() < NIGHT_ENDS
    return on_clock(local.date() + timedelta(days=0 if after_midnight else 1), AFTER_NIGHT, zone)


def next_morning(at: datetime, zone: ZoneInfo) -> datetime:
    """From when (UTC) a message may go that is not to go on the local day of `at` any more."""
    return on_clock(at.astimezone(zone).date() + timedelta(days=1), AFTER_NIGHT, zone)


def on_clock(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment (UTC) at which the clock of `zone` shows `at` on `day`."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def waking_time(start: datetime, end: datetime, zone: ZoneInfo) -> timedelta:
    """How much of the time from `start` to `end` is not night."""
    days = takewhile(lambda awake: awake[0] < end, _days_awake(start, zone))
    return sum((min(until, end) - since for since, until in days), timedelta())


def after_waking(start: datetime, lasting: timedelta, zone: ZoneInfo) -> datetime:
    """The moment when, counted from `start`, `lasting` has passed that is not night."""
    days = _days_awake(start, zone)
    since, until = next(days)
    while since + lasting > until:
        lasting -= until - since
        since, until = next(days)
    return since + lasting


def _days_awake(start: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Each day's waking hours from `start` on."""
    day = start.astimezone(zone).date()
    while True:
        since = max(start, on_clock(day, NIGHT_ENDS, zone))
        until = on_clock(day, NIGHT_BEGINS, zone)
        if since < until:
            yield since, until
        day += timedelta(days=1)


@dataclass(frozen=True)
class _Planner:
    """The facts that every step of one session is placed by."""

    library: Library
    session: Session
    clinic: Clinic
    zone: ZoneInfo

    def planned(self, step: Step) -> Planned | None:
        """The row of `step`, or None where it does not apply or cannot be placed."""
        due = self._moment(step.due)
        if due is None or self._is_left_out(step, due):
            return None
        life = self._life(step, due)
        if life is None:
            return None
        due, expires = life
        return Planned(
            key=step.key,
            topic=step.topic,
            occasion=self._occasion(step),
            due_at=due,
            expires_at=expires,
            due_local=due.astimezone(self.zone).replace(tzinfo=None),
        )

    def kept_apart(self, rows: list[Planned]) -> list[Planned]:
        """The same rows in the order they are due, none shortly after another.

        Only where later hours than the default have moved them: the default plan is kept to the
        letter.
        """
        if not self._waits_longer():
            return rows
        apart: list[Planned] = []
        for row in sorted(rows, key=lambda row: row.due_at):
            close = apart and row.due_at - apart[-1].due_at < TOO_CLOSE
            apart.append(self._later(row, apart[-1].due_at + APART) if close else row)
        return apart

    def _waits_longer(self) -> bool:
        """Whether a rule that some step waits for comes later here than by default."""
        waited_for = {step.not_before for step in self.library.steps if step.not_before}
        hours = self.library.hours_of(self.session)
        return any(hours[key] > self.library.rules[key].from_hours for key in waited_for)

    def _later(self, row: Planned, due: datetime) -> Planned:
        due = night_ends(due, self.zone) or due
        return replace(
            row,
            due_at=due,
            expires_at=max(row.expires_at, after_waking(due, LEAST_WAKING, self.zone)),
            due_local=due.astimezone(self.zone).replace(tzinfo=None),
        )

    def _moment(self, point: Point, *, later: int = 0) -> datetime | None:
        """When it is; `later` dates later, where it is a date."""
        anchor = self._anchor(point.anchor)
        if anchor is None:
            return None
        if point.hours is not None:
            return anchor + timedelta(hours=point.hours)
        assert point.days is not None and point.at is not None  # noqa: S101, PT018  Point checks it
        day = anchor.astimezone(self.zone).date() + timedelta(days=point.days + later)
        return on_clock(day, point.at, self.zone)

    def _anchor(self, anchor: Anchor) -> datetime | None:
        if anchor == "session":
            return self.session.ended_at
        if anchor == "visit":
            return self.session.next_at
        return self._maintenance()

    def _maintenance(self) -> datetime | None:
        """Noon of the date that is the clinic's months after the last session of the series."""
        months = self.clinic.maintenance_months
        last = self.session.number >= self.session.of
        if months is None or not last or self.session.next_at is not None:
            return None
        return on_clock(_months_later(self._date_of_session(), months), time(12), self.zone)

    def _date_of_session(self) -> date:
        return self.session.ended_at.astimezone(self.zone).date()

    def _is_left_out(self, step: Step, due: datetime) -> bool:
        if due < self.session.ended_at + timedelta(hours=step.least_hours):
            return True
        if step.away_from_visit_days is None or self.session.next_at is None:
            return False
        visit = self.session.next_at.astimezone(self.zone).date()
        return abs((visit - due.astimezone(self.zone).date()).days) <= step.away_from_visit_days

    def _life(self, step: Step, first: datetime) -> tuple[datetime, datetime] | None:
        """When it is due, and when it expires, once its rule and the night have moved it."""
        due = self._after_its_rule(step, first)
        expires = self._expires(step, first, due)
        if step.at_night == "send":
            return due, expires
        if step.at_night == "earlier":
            return self._before_the_visit(due, expires)
        due = night_ends(due, self.zone) or due
        if due != first:
            expires = max(expires, after_waking(due, LEAST_WAKING, self.zone))
        self._refuse_short(step, due, expires)
        return due, expires

    def _after_its_rule(self, step: Step, due: datetime) -> datetime:
        """Once its rule allows; where that is too far off, at its own hour: its text says so."""
        if step.not_before is None:
            return due
        hours = self.library.hours_of(self.session)[step.not_before]
        allowed = moment_after(self.session, hours)
        is_too_far = allowed > due + timedelta(hours=step.waits_hours)
        return due if is_too_far else max(due, allowed)

    def _expires(self, step: Step, first: datetime, due: datetime) -> datetime:
        """The end of its life, later by as many dates as its rule moved it."""
        if step.until is None:
            return due + timedelta(hours=step.lasts_hours or 0)
        moved = due.astimezone(self.zone).date() - first.astimezone(self.zone).date()
        expires = self._moment(step.until, later=moved.days)
        assert expires is not None  # noqa: S101  the anchor of due, Step checks it
        return expires

    def _before_the_visit(
        self, due: datetime, expires: datetime
    ) -> tuple[datetime, datetime] | None:
        """Out of the night, to the evening before it, and early enough to be read before the visit.

        A visit at 08:00 leaves only an hour from 20:00 to the night, so that its message goes at
        19:30. None: it would come before the session itself has ended.
        """
        morning = night_ends(due, self.zone)
        if morning is not None:
            evening = morning.astimezone(self.zone).date() - timedelta(days=1)
            due = on_clock(evening, BEFORE_NIGHT, self.zone)
        due -= max(timedelta(), LEAST_WAKING - waking_time(due, expires, self.zone))
        return (due, expires) if due >= self.session.ended_at else None

    def _refuse_short(self, step: Step, due: datetime, expires: datetime) -> None:
        if after_waking(due, LEAST_WAKING, self.zone) > expires:
            raise ContentError(
                [f"steps.toml: {step.key}: its life must leave at least 90 waking minutes"]
            )

    def _occasion(self, step: Step) -> str:
        if step.due.anchor != "visit" or self.session.next_at is None:
            return "0"
        return f"{self.session.appointment}:{self.session.next_at.astimezone(UTC).isoformat()}"


def _months_later(day: date, months: int) -> date:
    """The same day of the month, or the month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
