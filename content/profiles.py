"""Which sessions have hours and words of their own: by depth, area, device and skin (part F)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from content.facts import Area, Device, Session


class Case(BaseModel):
    """A kind of session: all that is given here holds of it; nothing given: every session."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    area: Area | None = None
    device: Device | None = None
    depth: Literal["unknown"] | None = None
    from_mm: float | None = Field(default=None, gt=0)
    """The needles went this deep or deeper, in millimetres."""
    below_mm: float | None = Field(default=None, gt=0)
    """The needles went less deep."""
    marks_easily: bool | None = None

    @model_validator(mode="after")
    def _one_depth(self) -> Case:
        bounds = self.from_mm is not None or self.below_mm is not None
        if self.depth and bounds:
            raise ValueError("an unknown depth is neither from nor below anything")
        return self

    def holds(self, session: Session) -> bool:
        """Whether the session is of this kind."""
        return (
            self.area in (None, session.area)
            and self.device in (None, session.device)
            and self.marks_easily in (None, session.marks_easily)
            and self._is_as_deep(session.depth_mm)
        )

    def _is_as_deep(self, mm: float | None) -> bool:
        if self.depth == "unknown":
            return mm is None
        if mm is None:
            return self.from_mm is None and self.below_mm is None
        at_least = self.from_mm is None or mm >= self.from_mm
        return at_least and (self.below_mm is None or mm < self.below_mm)


class Profile(BaseModel):
    """Sessions of one or several kinds, by a name that rules and texts give values for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    any_of: tuple[Case, ...] = Field(min_length=1)
    weeks_apart: int | None = Field(default=None, ge=1)
    """The least weeks from such a session to the next (part E)."""

    def holds(self, session: Session) -> bool:
        """Whether the session is of one of its kinds."""
        return any(case.holds(session) for case in self.any_of)
