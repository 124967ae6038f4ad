"""What is sent when, as data: one step of the plan is one message with one purpose."""

from __future__ import annotations

from datetime import time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from content.bounds import MOST_DAYS, MOST_HOURS, DaysFrom, Hours, HoursFrom

Anchor = Literal["session", "visit", "maintenance"]
"""The end of the session; the start of the follow-up; the date maintenance falls due."""


class Point(BaseModel):
    """A moment counted from an anchor: in hours, or in dates with a time on the patient's clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    anchor: Anchor
    hours: HoursFrom | None = None
    days: DaysFrom | None = None
    at: time | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Point:
        in_days = self.days is not None and self.at is not None
        if (self.hours is not None) == in_days or (self.days is None) != (self.at is None):
            raise ValueError("give either hours, or days and at")
        return self


class Step(BaseModel):
    """One message of the plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    topic: str
    """Its main topic."""
    off: bool = False
    """Not sent: a clinic's choice."""
    kind: Literal["safety", "care", "appointment"]
    if_unknown: Literal["resend", "hold"]
    """Whether it goes again where nobody knows if it arrived."""
    due: Point
    until: Point | None = None
    """The end of its life..."""
    lasts_hours: float | None = Field(default=None, gt=0, le=MOST_HOURS)
    """...or how long it lives from when it is due."""
    not_before: str | None = None
    """The rule whose hour it waits for..."""
    waits_hours: Hours = 48
    """...but not longer than this: then it goes at its own hour, and says from when."""
    at_night: Literal["send", "later", "earlier"] = "later"
    """What happens to it if it falls into the patient's night."""
    least_hours: Hours = 0
    """Left out if it would come sooner than this after the session."""
    away_from_visit_days: float | None = Field(default=None, ge=0, le=MOST_DAYS)
    """Left out if it would come within this many days of the follow-up, before or after."""
    allows: tuple[str, ...] = ()
    """Rules it tells about once they allow."""
    apart: tuple[str, ...] = ()
    """Rules its text says by themselves, so that they are not in its "Until …: no …"."""
    briefly: tuple[str, ...] = ()
    """Rules of its "No …": named there while they forbid, without until when."""
    forbids: tuple[str, ...] = ()
    """Rules whose things its text forbids in its own words, whenever it is sent."""
    permits: tuple[str, ...] = ()
    """Rules whose things its text allows in its own words, whenever it is sent."""
    mentions: tuple[str, ...] = ()
    """Rules whose things its text names without saying whether they are allowed now."""
    warns: tuple[str, ...] = ()
    """Red flags and side effects that its text names: when to call."""

    @model_validator(mode="after")
    def _one_life(self) -> Step:
        if (self.until is None) == (self.lasts_hours is None):
            raise ValueError("give either until or lasts_hours")
        if self.until is not None and self.until.anchor != self.due.anchor:
            raise ValueError("until must count from the anchor that due counts from")
        return self
