"""What is allowed from which hour: clinical.md, parts A1 and A2, and before a visit, part D.

Hours count from the END of the session. Whoever needs a permission asks `is_allowed`, and, where a
follow-up is booked, `blocked`, which knows what has to be left out before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from content.facts import Area, Session, Situation

CAUTIOUS_DEPTH_MM = 1.5
"""From this needle depth the "most cautious" column counts (clinical.md, part F)."""


class Hours(BaseModel):
    """From which hour after the session: the default, and the most cautious value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_hours: float = Field(ge=0)
    cautious_from_hours: float = Field(ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Hours:
        if self.cautious_from_hours < self.from_hours:
            raise ValueError("cautious_from_hours must not be below from_hours")
        return self


class Rule(Hours):
    """One thing that is not allowed before its hour."""

    key: str
    topic: str
    """The topic that answers questions about it."""
    until_then: Literal["no", "ask", "do"] = "no"
    """Before its hour it is forbidden ("no"), the clinic is asked first ("ask"), or it is kept up
    ("do")."""
    if_skin_is: Literal["any", "calm", "healed"] = "any"
    """How the skin must be once the hour has come: calm is not sore, raw or weeping; healed is
    without peeling or soreness, and then one thing at a time."""
    leave_out_days: int | None = Field(default=None, ge=0)
    """Left out from the start of this many dates before a visit (0: on its day); None: not."""
    areas: Mapping[Area, Hours] = Field(default_factory=dict)
    """Where an area has other hours."""
    range: str
    """What was found, in words (column "range" of A2)."""
    sources: tuple[str, ...] = Field(min_length=1)
    """Keys of data/sources.toml."""
    sure: Literal["H", "M", "L", "U"]
    """How sure, as clinical.md grades it."""


def is_cautious(session: Session) -> bool:
    """Whether the most cautious column counts: 1.5 mm or more, RF, or a depth not known."""
    return (
        session.device == "RF" or session.depth_mm is None or session.depth_mm >= CAUTIOUS_DEPTH_MM
    )


def hours(rule: Rule, session: Session) -> float:
    """From which hour after the session the rule allows it."""
    values = rule.areas.get(session.area, rule)
    return values.cautious_from_hours if is_cautious(session) else values.from_hours


def moment_allowed(rule: Rule, session: Session) -> datetime:
    """From when the rule allows it, UTC, in whole minutes: a text that says 14:30 means it."""
    return _whole_minute(session.ended_at + timedelta(hours=hours(rule, session)))


def is_allowed(rule: Rule, session: Session, at: datetime) -> bool:
    """Whether the rule's hour has come. It does not know of a visit: see `blocked`."""
    return at >= moment_allowed(rule, session)


class Block(NamedTuple):
    """Why something is not to be done now, and until when (UTC)."""

    until: datetime
    because: Literal["session", "visit"]


def blocked(rule: Rule, situation: Situation) -> Block | None:
    """What stands against it at this moment: the session behind, or the visit ahead; None: nothing.

    Whoever asks about many rules at once asks `Permissions`.
    """
    if situation.session is None:
        return None
    return Permissions(situation.session, situation.at, situation.zone).blocked(rule)


@dataclass(frozen=True)
class Permissions:
    """What the rules allow after `session` at the moment `at`, to a patient in `zone`.

    Many rules share their hours; what these come to is worked out once.
    """

    session: Session
    at: datetime
    zone: ZoneInfo
    _free: dict[float, datetime] = field(default_factory=dict)
    _blocks: dict[tuple[datetime, int | None], Block | None] = field(default_factory=dict)

    def allows(self, rule: Rule) -> bool:
        """Whether the rule's hour has come. It does not know of a visit ahead: see `blocked`."""
        return self.at >= self.free(rule)

    def free(self, rule: Rule) -> datetime:
        """From when the rule allows it, as far as is known at `at`, UTC.

        A visit that has begun may have been a session that nobody has recorded yet: what was not
        allowed by then waits for the rule's hours from it again.
        """
        wait = hours(rule, self.session)
        if wait not in self._free:
            self._free[wait] = self._moment_free(timedelta(hours=wait))
        return self._free[wait]

    def blocked(self, rule: Rule) -> Block | None:
        """What stands against it: the session behind, or the visit ahead; None: nothing.

        What would be allowed only within the time before a visit in which it has to be left out
        stays out until the visit: nothing is allowed for a day or two.
        """
        key = self.free(rule), rule.leave_out_days
        if key not in self._blocks:
            self._blocks[key] = self._block(*key)
        return self._blocks[key]

    def _moment_free(self, wait: timedelta) -> datetime:
        allowed, visit = _whole_minute(self.session.ended_at + wait), self.session.next_at
        if visit is None or self.at < visit or allowed <= visit:
            return allowed
        return max(allowed, _whole_minute(visit + wait))

    def _block(self, free: datetime, leave_out_days: int | None) -> Block | None:
        visit = self.session.next_at
        if visit is not None and leave_out_days is not None:
            begins = self._left_out_from(visit, leave_out_days)
            if begins <= max(self.at, free) < visit:
                return Block(visit, "visit")
        return Block(free, "session") if self.at < free else None

    def _left_out_from(self, visit: datetime, days: int) -> datetime:
        """The start of that many dates before the visit, where the patient is (part D)."""
        date = visit.astimezone(self.zone).date() - timedelta(days=days)
        return datetime.combine(date, time(), self.zone).astimezone(UTC)


def _whole_minute(exact: datetime) -> datetime:
    """The same, or the next whole minute."""
    if not exact.second and not exact.microsecond:
        return exact
    return exact.replace(second=0, microsecond=0) + timedelta(minutes=1)
