"""The plain values that everything said is worked out from: who, which session, which hour.

No database, no Telegram, no clock: whoever calls hands these in. All `datetime`s are aware and in
UTC; a zone is an IANA name; hours count from the END of the session (clinical.md, part A).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

Area = Literal["face", "neck", "body", "scalp", "eyes"]
Device = Literal["needling", "RF"]

Kind = tuple[Area, Device, float | None, bool]
"""What tells the kinds of session apart: area, device, depth, skin that marks easily."""

AREAS: tuple[Area, ...] = ("face", "neck", "body", "scalp", "eyes")


@dataclass(frozen=True, kw_only=True)
class Clinic:
    """The clinic as a patient meets it: whom to call, and where it is."""

    name: str
    phone: str
    emergency_number: str
    timezone: str
    urgent_line: str | None = None
    """Whom to call when the clinic is closed (111 in England); None: said in words."""
    maintenance_months: int | None = None
    """Months after the last session of a series; None: no maintenance reminder."""


@dataclass(frozen=True, kw_only=True)
class Patient:
    """Whom it is said to."""

    name: str
    timezone: str
    language: str = "en"


@dataclass(frozen=True, kw_only=True)
class Session:
    """One microneedling session (a `Treatment` row in storage)."""

    ended_at: datetime
    area: Area = "face"
    device: Device = "needling"
    depth_mm: float | None = None
    """Needle depth in millimetres; None: not known, so the cautious values count."""
    marks_easily: bool = False
    """Brown or black skin, past dark marks or melasma: more risk of dark marks (part D)."""
    overrides: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Rule -> hours after this session, where the clinic has set its own."""
    number: int = 1
    of: int = 1
    next_at: datetime | None = None
    """The start of the follow-up visit, UTC."""
    appointment: int = 0
    """Counts the follow-ups booked for this session: a moved visit is a new one."""
    recommended: str | None = None
    """What the clinician recommended, word for word."""
    recommended_from_hours: float = 0
    """Hours after the session from which the recommendation may be shown."""

    @property
    def kind(self) -> Kind:
        return (self.area, self.device, self.depth_mm, self.marks_easily)


@dataclass(frozen=True, kw_only=True)
class Situation:
    """One patient at one moment: what a question is answered from."""

    at: datetime
    clinic: Clinic
    patient: Patient
    session: Session | None = None
    """The latest session, or None for somebody without one."""

    @cached_property
    def hours(self) -> float | None:
        """Hours since the session ended; None without a session."""
        if self.session is None:
            return None
        return (self.at - self.session.ended_at).total_seconds() / 3600

    @cached_property
    def zone(self) -> ZoneInfo:
        """The patient's zone."""
        return ZoneInfo(self.patient.timezone)

    @cached_property
    def local_date(self) -> date:
        """Today's date where the patient is."""
        return self.at.astimezone(self.zone).date()

    @cached_property
    def day(self) -> int | None:
        """Day N is the Nth date after the date of the session, in the patient's zone."""
        if self.session is None:
            return None
        return (self.local_date - self.session.ended_at.astimezone(self.zone).date()).days
