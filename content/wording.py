"""Moments, numbers and lists as people say them, in the reader's language and zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, get_timezone_name
from babel.lists import format_list
from babel.units import format_unit

Style = Literal["standard", "or"]
NOR = {"es": "ni"}
"""Languages that say something else than "or" after "no": "sin alcohol ni deporte"."""


def moment(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'Wednesday 25 November, 14:30': `at` (aware) on the reader's wall clock."""
    return f"{day(at, zone, language)}, {time_of_day(at, zone, language)}"


def weekday_time(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'Wednesday, 14:30': for a moment less than a week away."""
    weekday = _date(at.astimezone(zone).date(), "EEEE", language)
    return f"{weekday}, {time_of_day(at, zone, language)}"


def day(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'Wednesday 25 November'."""
    return _date(at.astimezone(zone).date(), f"EEEE {_day_and_month(language)}", language)


def date_time(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'25 November, 14:30': where lists of moments must stay short."""
    return f"{date_only(at, zone, language)}, {time_of_day(at, zone, language)}"


def short_date_time(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'25 Nov, 14:30': in a table."""
    date = _date(at.astimezone(zone).date(), "d MMM", language)
    return f"{date}, {time_of_day(at, zone, language)}"


def date_only(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'25 November'."""
    return _date(at.astimezone(zone).date(), _day_and_month(language), language)


def full_date(day: date, language: str) -> str:
    """'25 November 2026'."""
    return format_date(day, "long", locale=_locale(language))


def time_of_day(at: datetime, zone: ZoneInfo, language: str) -> str:
    """'14:30'."""
    local = at.astimezone(zone)
    return _time(local.hour, local.minute, language)


# Babel takes long. Whole moments hardly repeat, but the dates of these weeks and the minutes of the
# day do, and so do zones, languages and the lists of what is not allowed: those are kept.


@lru_cache(maxsize=4096)
def _date(day: date, pattern: str, language: str) -> str:
    return format_date(day, pattern, locale=_locale(language))


@lru_cache(maxsize=4096)
def _time(hour: int, minute: int, language: str) -> str:
    return format_time(time(hour, minute), "HH:mm", locale=_locale(language))


@lru_cache(maxsize=1024)
def zone_name(zone: ZoneInfo, language: str) -> str:
    """'London time' or its like: which clock a time is on."""
    return get_timezone_name(zone, locale=_locale(language), return_zone=False)


def listing(items: Sequence[str], language: str, *, style: Style = "standard") -> str:
    """'a, b and c' (`style="or"`: 'a, b or c', as it stands after 'no')."""
    return _listing(tuple(items), language, style)


@lru_cache(maxsize=4096)
def _listing(items: tuple[str, ...], language: str, style: Style) -> str:
    if style == "or" and language in NOR and len(items) > 1:
        return f"{', '.join(items[:-1])} {NOR[language]} {items[-1]}"
    return format_list(items, style=style, locale=_locale(language))


@lru_cache(maxsize=64)
def _day_and_month(language: str) -> str:
    """The pattern of 'd MMMM', "d 'de' MMMM": each language has its own."""
    return str(_locale(language).datetime_skeletons["MMMMd"].pattern)


def _with_year(language: str) -> str:
    return str(_locale(language).date_formats["long"].pattern)


@lru_cache(maxsize=64)
def _locale(language: str) -> Locale:
    # British lists and dates for English: 'a, b and c', the day before the month.
    return Locale.parse("en_GB" if language == "en" else language)


def language_name(language: str) -> str:
    """'English', 'Español': as its speakers call it, fit to begin a line."""
    name = Locale.parse(language).get_display_name(language)
    return name[:1].upper() + name[1:] if name else language


def wall_moment(local: datetime, language: str) -> str:
    """'Sunday 20 December 2026, 10:00': a naive wall time, with its year."""
    return format_datetime(local, f"EEEE {_with_year(language)}, HH:mm", locale=_locale(language))


def duration(hours: float, language: str) -> str:
    """'24 hours', '7 days': whole days from three days on."""
    return span(hours, language, days_from=4)


@lru_cache(maxsize=256)
def span(hours: float, language: str, *, days_from: int = 2) -> str:
    """'24 hours', '3 days': in whole days from `days_from` on."""
    whole_days, rest = divmod(hours, 24)
    if whole_days >= days_from and rest == 0:
        return format_unit(whole_days, "day", "long", locale=_locale(language))
    return format_unit(hours, "hour", "long", locale=_locale(language))


@lru_cache(maxsize=256)
def counted(count: int, unit: str, language: str) -> str:
    """'4 weeks', '1 month': `unit` is "hour", "day", "week" or "month"."""
    return format_unit(count, unit, "long", locale=_locale(language))


def narrow_span(hours: float, language: str) -> str:
    """'72h', '7d': as `duration`, where there is little room."""
    whole_days, rest = divmod(hours, 24)
    if whole_days > 3 and rest == 0:
        return format_unit(whole_days, "day", "narrow", locale=_locale(language))
    return format_unit(hours, "hour", "narrow", locale=_locale(language))


def millimetres(depth: float, language: str) -> str:
    """'1.5 mm'."""
    return format_unit(depth, "millimeter", "short", format="0.0##", locale=_locale(language))
