"""Moments, numbers and lists as people say them, in the reader's language and zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, get_timezone_name
from babel.lists import format_list
from babel.units import format_unit

Style = Literal["standard", "or"]


def moment(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'Wednesday 25 November, 14:30': `at` (aware) on the reader's wall clock."""
    return format_datetime(at.astimezone(zone), "EEEE d MMMM, HH:mm", locale=_locale(language))


def weekday_time(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'Wednesday, 14:30': for a moment less than a week away."""
    return format_datetime(at.astimezone(zone), "EEEE, HH:mm", locale=_locale(language))


def day(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'Wednesday 25 November'."""
    return format_date(at.astimezone(zone).date(), "EEEE d MMMM", locale=_locale(language))


def date_time(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'25 November, 14:30': where lists of moments must stay short."""
    return format_datetime(at.astimezone(zone), "d MMMM, HH:mm", locale=_locale(language))


def date_only(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'25 November'."""
    return format_date(at.astimezone(zone).date(), "d MMMM", locale=_locale(language))


def time_of_day(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'14:30'."""
    return format_time(at.astimezone(zone), "HH:mm", locale=_locale(language))


def zone_name(zone: ZoneInfo, language: str) -> str:
    """'London time' or its like: which clock a time is on."""
    return get_timezone_name(zone, locale=_locale(language), return_zone=False)


def listing(items: Sequence[str], language: str, *, style: Style = "standard") -> str:
    """'a, b and c' (`style="or"`: 'a, b or c')."""
    return format_list(list(items), style=style, locale=_locale(language))


def _locale(language: str) -> Locale:
    # British lists and dates for English: 'a, b and c', the day before the month.
    return Locale.parse("en_GB" if language == "en" else language)


def wall_moment(local: datetime, language: str) -> str:
    """'Sunday 20 December 2026, 10:00': a naive wall time, with its year."""
    return format_datetime(local, "EEEE d MMMM y, HH:mm", locale=_locale(language))


def duration(hours: float, language: str) -> str:
    """'24 hours', '7 days': whole days from three days on."""
    whole_days, rest = divmod(hours, 24)
    if whole_days > 3 and rest == 0:
        return format_unit(whole_days, "day", "long", locale=_locale(language))
    return format_unit(hours, "hour", "long", locale=_locale(language))


def millimetres(depth: float, language: str) -> str:
    """'1.5 mm'."""
    return format_unit(depth, "millimeter", "short", format="0.0##", locale=_locale(language))
