"""What is allowed from which hour: clinical.md, parts A1 and A2, and before a visit, part D.

Hours count from the END of the session. Whoever needs a permission asks `is_allowed`, and, where a
follow-up is booked, `blocked`, which knows what has to be left out before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Literal

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
    exact = session.ended_at + timedelta(hours=hours(rule, session))
    whole = exact.replace(second=0, microsecond=0)
    return whole if whole == exact else whole + timedelta(minutes=1)


def is_allowed(rule: Rule, session: Session, at: datetime) -> bool:
    """Whether the rule's hour has come. It does not know of a visit: see `blocked`."""
    return at >= moment_allowed(rule, session)


def moment_free(rule: Rule, session: Session, at: datetime) -> datetime:
    """From when the rule allows it, as far as is known at `at`, UTC.

    A visit that has begun may have been a session that nobody has recorded yet: what was not
    allowed by then waits for the rule's hours from it again.
    """
    allowed, visit = moment_allowed(rule, session), session.next_at
    if visit is None or at < visit or allowed <= visit:
        return allowed
    return max(allowed, moment_allowed(rule, replace(session, ended_at=visit)))


@dataclass(frozen=True, kw_only=True)
class Block:
    """Why something is not to be done now, and until when (UTC)."""

    until: datetime
    because: Literal["session", "visit"]


def blocked(rule: Rule, situation: Situation) -> Block | None:
    """What stands against it at this moment: the session behind, or the visit ahead; None: nothing.

    What would be allowed only within the time before a visit in which it has to be left out stays
    out until the visit: nothing is allowed for a day or two.
    """
    session = situation.session
    if session is None:
        return None
    allowed = moment_free(rule, session, situation.at)
    if is_left_out(rule, situation, max(situation.at, allowed)):
        assert session.next_at is not None  # noqa: S101  is_left_out saw it
        return Block(until=session.next_at, because="visit")
    return Block(until=allowed, because="session") if situation.at < allowed else None


def is_left_out(rule: Rule, situation: Situation, at: datetime) -> bool:
    """Whether at `at` it has to be left out because of the visit ahead (clinical.md, part D)."""
    session = situation.session
    if session is None or session.next_at is None or rule.leave_out_days is None:
        return False
    date = session.next_at.astimezone(situation.zone).date() - timedelta(days=rule.leave_out_days)
    start = datetime.combine(date, time(), situation.zone).astimezone(UTC)
    return start <= at < session.next_at
