"""What is read of a session's line: values, and what to ask or say back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from content.facts import Area, Device, Session

Field = Literal[
    "name",
    "ended",
    "area",
    "device",
    "depth",
    "number",
    "next",
    "use",
    "marks_easily",
    "overrides",  # "no sauna 10 days"
]
ChoiceKey = Literal[
    "slashed_date",  # day and month, or month and day
    "which_weekday",  # this week's or next week's
    "morning_or_afternoon",  # 2:30
    "after_midnight",  # "today 23:50" written at 00:20: perhaps the evening before
    "deep",  # above 3 mm
    "is_it_next",  # a date far ahead without "next" before it
]
ProblemKey = Literal[
    "no_name",
    "name_too_long",
    "no_commas",  # one piece that holds a time: the commas are missing
    "no_time",
    "ended_too_far_ahead",
    "ended_long_ago",
    "next_no_time",
    "next_before_end",
    "next_in_past",
    "next_too_far_ahead",
    "number_over_of",
    "number_zero",
    "number_alone",  # "session 2": of how many?
    "count_or_date",  # "2/4 14:30"
    "depth_impossible",
    "depth_no_unit",  # "1,5"
    "one_area",  # one area a session
    "use_no_colon",
    "use_too_long",
    "rule_no_time",  # "no sauna": for how long?
    "rule_unknown",  # "no bananas 3 days"
    "rule_too_soon",
    "rule_too_late",
    "twice",
    "not_understood",
]

NAME_LENGTH = 300
USE_LENGTH = 600
"""A recommendation is quoted among other words, and a message holds 4096 letters."""
AHEAD = timedelta(hours=12)
"""A session may end this long after the line was written (interface.md)."""
LONG_AGO = timedelta(days=60)
NEXT_WITHIN = timedelta(days=2 * 366)
ASK_ABOVE_MM = 3.0
DEEPEST_MM = 10.0
NO_VISIT = "none"
NOT_KNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Understood:
    """A whole session, ready to be shown back and saved."""

    name: str
    ended: datetime
    """Aware, UTC."""
    not_over_yet: bool
    """It ends after the line was written: "not over yet? I count from ..."."""
    area: Area
    device: Device
    depth_mm: float | None
    number: int
    of: int
    next: datetime | None
    """The follow-up visit; aware, UTC."""
    use: str | None
    """What the clinician recommended, word for word."""
    assumed: tuple[Field, ...]
    """What was not given."""
    inside_use: tuple[str, ...]
    """Parts of the recommendation that read like fields: perhaps `next:` was meant."""
    marks_easily: bool = False
    """The skin marks easily."""
    overrides: Mapping[str, float] = field(default_factory=dict)
    """Rule -> hours after this session, set by staff."""

    @property
    def session(self) -> Session:
        """The session as the rules look at it."""
        return Session(
            ended_at=self.ended,
            area=self.area,
            device=self.device,
            depth_mm=self.depth_mm,
            marks_easily=self.marks_easily,
            overrides=self.overrides,
        )


@dataclass(frozen=True, kw_only=True)
class Choice:
    """To be asked with buttons."""

    field: Field
    key: ChoiceKey
    phrase: str
    """What was written."""
    options: tuple[str, ...]
    """Canonical phrases, each clear: "2026-12-20 10:00", "1.5 mm"."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """To be said back, with an example."""

    key: ProblemKey
    phrase: str = ""
    field: Field | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """What was read of a line."""

    fields: dict[str, str]
    """Canonical phrases of what is clear, what was assumed left out."""
    choices: tuple[Choice, ...]
    problems: tuple[Problem, ...]
    understood: Understood | None
    """Only without an open choice or a problem."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What was read of a follow-up alone (/reschedule)."""

    next: datetime | None
    """Aware, UTC."""
    removed: bool
    """"remove", "none": there is to be no follow-up."""
    choices: tuple[Choice, ...]
    problems: tuple[Problem, ...]
