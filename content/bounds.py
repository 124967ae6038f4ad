"""Hours and days as data files may give them: what is beyond is a slip, and no date can hold it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

MOST_HOURS = 10_000
"""More than a year."""
MOST_DAYS = 365

Hours = Annotated[float, Field(ge=0, le=MOST_HOURS, allow_inf_nan=False)]
"""Hours after a moment."""
Days = Annotated[int, Field(ge=0, le=MOST_DAYS)]
"""Dates before or after a date."""
HoursFrom = Annotated[float, Field(ge=-MOST_HOURS, le=MOST_HOURS, allow_inf_nan=False)]
"""Hours counted from a moment; below 0: before it."""
DaysFrom = Annotated[int, Field(ge=-MOST_DAYS, le=MOST_DAYS)]
"""Dates counted from a date; below 0: before it."""
