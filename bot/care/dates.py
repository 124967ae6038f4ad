"""A date and time as people write it, read in the clinic's zone. Never guessed, never half read.

    phrase -> plain words -> the time of day taken out -> what is left is a day -> readings

dateparser drops in silence whatever it does not know ("mañana a las 9" loses its 9, "4 weeks from
today" comes out four weeks early), so it is only asked about counted days ("in 4 weeks") whose
every word stands in `_LANGUAGES`. A date with figures only has as many readings as the calendar
allows, and whoever calls asks which one was meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import get_day_names, get_month_names
from dateparser.date import DateDataParser
from rapidfuzz.distance import OSA

from content.letters import folded

Prefer = Literal["past", "future"]
Doubt = Literal["slashed_date", "which_weekday", "morning_or_afternoon"]
"""Why there is more than one reading: 3/4/2027, "next Tuesday" on a Monday, 2:30."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One reading of a phrase, in the clinic's zone."""

    local: datetime
    """Wall time in the clinic's zone, naive, whole minutes; 00:00 where no time was said."""
    has_time: bool
    day: Literal["unsaid", "today", "said"] = "said"
    """What was said about the day: nothing ("14:30"), "today", or a date of its own."""
    doubt: Doubt | None = None


@dataclass(frozen=True, kw_only=True)
class _Days:
    """The days a phrase without its time of day can mean."""

    days: tuple[date, ...]
    said: Literal["unsaid", "today", "said"] = "said"
    doubt: Doubt | None = None


@dataclass(frozen=True, kw_only=True)
class _Language:
    """The words around dates in one language, without accents, as `_plain` leaves them."""

    aliases: dict[str, str]
    """Whole words or groups of words -> what dateparser and the patterns below understand."""
    fillers: frozenset[str]
    today: str
    counted: re.Pattern[str]
    """Days counted from today: all that dateparser is asked about."""
    bare: re.Pattern[str]
    """A count alone (4 weeks): forwards, and only where the future is meant."""
    moment: re.Pattern[str]
    """A moment counted from when it was written: now, 20 minutes ago."""
    which: dict[str, str]
    """Words beside a weekday -> next, coming, this, last."""
    spelling: tuple[str, ...]
    """Words that may be misspelt by one letter, beside the names of months and weekdays."""


_EN_COUNT = r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_EN_DAYS = rf"{_EN_COUNT} (?:days?|weeks?|fortnights?|months?|years?)"
_EN_CLOCK = rf"{_EN_COUNT} (?:minutes?|mins?|hours?|hrs?)"
_ES_COUNT = r"(?:\d{1,3}|una?)"
_ES_DAYS = rf"{_ES_COUNT} (?:dias?|semanas?|mes|meses|anos?)"
_ES_CLOCK = rf"{_ES_COUNT} (?:minutos?|min|horas?)"

_LANGUAGES = {
    "en": _Language(
        aliases={
            "half an hour": "30 minutes",
            "weeks time": "weeks",
            "week's time": "week",
            "weeks' time": "weeks",
            "months time": "months",
            "months' time": "months",
            "wk": "week",
            "wks": "weeks",
            "tmrw": "tomorrow",
            "tmr": "tomorrow",
            "tonight": "today",
            "from today": "from now",
            "just now": "now",
            "right now": "now",
        },
        fillers=frozenset({"on", "at", "the", "of", ",", "-"}),
        today="today",
        counted=re.compile(
            r"today|tomorrow|yesterday|day after tomorrow|day before yesterday"
            rf"|in {_EN_DAYS}|{_EN_DAYS} (?:ago|later|from now)"
        ),
        bare=re.compile(_EN_DAYS),
        moment=re.compile(rf"now|in {_EN_CLOCK}|{_EN_CLOCK} ago"),
        which={
            "next": "next",
            "coming": "coming",
            "this": "this",
            "last": "last",
            "past": "last",
        },
        spelling=("today", "tomorrow", "yesterday", "weeks", "months"),
    ),
    "es": _Language(
        aliases={
            "ahora mismo": "ahora",
            "pasado manana": "en 2 dias",
            "antes de ayer": "anteayer",
            "media hora": "30 minutos",
        },
        fillers=frozenset({"el", "de", "del", "a", "la", "las", ",", "-"}),
        today="hoy",
        counted=re.compile(rf"hoy|manana|ayer|anteayer|(?:en|dentro de|hace) {_ES_DAYS}"),
        bare=re.compile(_ES_DAYS),
        moment=re.compile(rf"ahora|(?:en|dentro de|hace) {_ES_CLOCK}"),
        which={"proximo": "next", "este": "this", "pasado": "last"},
        spelling=("manana", "semanas", "meses"),
    ),
}

_TIME = re.compile(
    r"""(?<![\w.:/+-])                              # not in the middle of a date or another time
    (?:(?P<at>at|@|a\ las?)\ ?)?
    (?:(?P<noon>noon|midday|mediodia)
      |(?P<hour>\d{1,2})
       (?:(?P<mark>[:.h])(?P<minute>\d\d)(?::\d\d)?)?
       (?:\ ?(?P<half>[ap]\.?m\b\.?|in\ the\ (?:morning|afternoon)|de\ la\ (?:manana|tarde)))?
       (?P<unit>\ ?(?:h|hrs?)\b)?
    )(?![\w]|[.:/+-]\w)""",
    re.VERBOSE,
)
_FIGURES = re.compile(r"(\d{1,4})([-/.])(\d{1,2})(?:\2(\d{1,4})|\.)?")
_SHAPES = ("dm", "md", "dmy", "mdy", "wdm", "wmd", "dmw", "mdw", "wdmy", "wmdy", "dmyw", "mdyw")
"""A date in words: w weekday, d day, m month, y year."""
_A_WHILE_AGO = timedelta(days=60)
"""A date without a year that passed less than this ago is that date, not next year's."""


def read_date(
    phrase: str, *, written_at: datetime, zone: ZoneInfo, language: str = "en", prefer: Prefer
) -> list[Reading]:
    """All the readings of `phrase`, day before month first; none where a word is not understood.

    `written_at` (aware, UTC) is what "today" and "in 4 weeks" count from; `prefer` says whether a
    date without a year, or a weekday, lies behind or ahead. English is understood everywhere.
    """
    words = _plain(phrase)
    for name in dict.fromkeys((language, "en")):
        if name in _LANGUAGES and (
            readings := _Reader(name, written_at, zone, prefer).readings(words)
        ):
            return readings
    return []


def warm_up() -> None:
    """Let the libraries load what they need (a quarter of a second), before a line waits for it."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for language, phrase in (("en", "in 1 day"), ("es", "en 1 día")):
        read_date(
            phrase, written_at=moment, zone=ZoneInfo("UTC"), language=language, prefer="future"
        )


def _plain(phrase: str) -> str:
    """Lower case, no accents, ASCII figures, single spaces."""
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in folded(phrase))
    text = re.sub(r"(?<=\d)t(?=\d\d:)", " ", text.replace("’", "'"))  # noqa: RUF001
    text = re.sub(r"(?<=\d)(?=[a-z]{3})", " ", text)  # 20dec and 4wks, not 20th
    return " ".join(text.replace(",", " , ").split()).strip(" .!,")


class _Reader:
    """Reads phrases in one language, written at one moment."""

    def __init__(self, language: str, written_at: datetime, zone: ZoneInfo, prefer: Prefer) -> None:
        self._name = language
        self._words = _LANGUAGES[language]
        self._written_at = written_at.astimezone(UTC)
        self._zone = zone
        self._today = written_at.astimezone(zone).date()
        self._prefer = prefer

    def readings(self, phrase: str) -> list[Reading]:
        """All readings, or none."""
        for was, becomes in self._words.aliases.items():
            phrase = re.sub(rf"(?<!\w){re.escape(was)}(?!\w)", becomes, phrase)
        if self._words.moment.fullmatch(phrase):
            return self._moment(phrase)
        for rest, times in _take_time(phrase, prefer=self._prefer):
            tokens = _tokens(rest)
            if (tokens or times) and (found := self._days(tokens)):
                return _combine(found, times)
        return []

    def _moment(self, phrase: str) -> list[Reading]:
        """Counted in UTC: an hour ago is an hour ago on the night the clocks change too."""
        moment = self._ask_dateparser(phrase, self._written_at.replace(tzinfo=None))
        if moment is None:
            return []
        local = moment.replace(tzinfo=UTC).astimezone(self._zone)
        return [Reading(local=local.replace(tzinfo=None, second=0, microsecond=0), has_time=True)]

    def _ask_dateparser(self, phrase: str, base: datetime) -> datetime | None:
        settings = {
            "RELATIVE_BASE": base,
            "PREFER_DATES_FROM": "future",
            "TIMEZONE": "UTC",
            "RETURN_AS_TIMEZONE_AWARE": False,
            "PARSERS": ["relative-time"],
        }
        parser = DateDataParser(languages=[self._name], settings=settings)
        return parser.get_date_data(phrase).date_obj

    def _days(self, tokens: list[str]) -> _Days | None:
        """The days that `tokens` mean, or None; one misspelt letter is forgiven a word."""
        exactly = self._days_exactly(tokens)
        if exactly:
            return exactly
        respelt = [self._spelt(token) for token in tokens]
        return self._days_exactly(respelt) if respelt != tokens else None

    def _days_exactly(self, tokens: list[str]) -> _Days | None:
        meaning = [token for token in tokens if token not in self._words.fillers]
        if not meaning:
            return None if tokens else _Days(days=(self._today,), said="unsaid")
        return (
            self._counted(" ".join(tokens))
            or self._counted(" ".join(meaning))
            or self._weekday_alone(meaning)
            or self._in_figures(meaning)
            or self._in_words(meaning)
        )

    def _counted(self, phrase: str) -> _Days | None:
        known = self._words.counted.fullmatch(phrase) or (
            self._prefer == "future" and self._words.bare.fullmatch(phrase)
        )
        if not known:
            return None
        day = self._ask_dateparser(phrase, datetime.combine(self._today, time()))
        said: Literal["today", "said"] = "today" if phrase == self._words.today else "said"
        return _Days(days=(day.date(),), said=said) if day else None

    def _weekday_alone(self, tokens: list[str]) -> _Days | None:
        """Tuesday, next Tuesday: which one is next, while this week has one left, is asked."""
        which = [self._words.which[t] for t in tokens if t in self._words.which]
        names = [t for t in tokens if t not in self._words.which]
        if len(names) != 1 or len(which) > 1:
            return None
        weekday = _named(names[0], _weekdays(self._name))
        if weekday is None:
            return None
        word = which[0] if which else ""
        days = (
            self._weekday_ahead(weekday, word)
            if self._prefer == "future"
            else self._weekday_behind(weekday, word)
        )
        return _Days(days=days, doubt="which_weekday" if len(days) > 1 else None) if days else None

    def _weekday_ahead(self, weekday: int, word: str) -> tuple[date, ...]:
        ahead = (weekday - self._today.weekday()) % 7
        coming, later = self._today + timedelta(ahead), self._today + timedelta(ahead + 7)
        match word:
            case "":
                return (coming,) if ahead else (coming, later)
            case "this":
                return (coming,)
            case "coming":
                return (coming if ahead else later,)
            case "next":
                this_week = coming.isocalendar()[:2] == self._today.isocalendar()[:2]
                return (later,) if not ahead else (coming, later) if this_week else (coming,)
        return ()

    def _weekday_behind(self, weekday: int, word: str) -> tuple[date, ...]:
        ago = (self._today.weekday() - weekday) % 7
        recent, earlier = self._today - timedelta(ago), self._today - timedelta(ago + 7)
        match word:
            case "" | "this":
                return (recent,)
            case "last":
                this_week = recent.isocalendar()[:2] == self._today.isocalendar()[:2]
                return (earlier,) if not ago else (recent, earlier) if this_week else (recent,)
        return ()

    def _in_figures(self, tokens: list[str]) -> _Days | None:
        """20/12/2026 and the like, perhaps with a weekday: every reading the calendar allows."""
        figures = [m for t in tokens if (m := _FIGURES.fullmatch(t))]
        others = [t for t in tokens if not _FIGURES.fullmatch(t)]
        if len(figures) != 1 or len(others) > 1:
            return None
        days = tuple(dict.fromkeys(self._dates_in(figures[0])))
        if others:
            days = self._on_weekday(days, others[0])
        return _Days(days=days, doubt="slashed_date" if len(days) > 1 else None) if days else None

    def _dates_in(self, figures: re.Match[str]) -> Iterator[date]:
        first, second, third = figures[1], figures[3], figures[4]
        if third and len(first) == 4 and len(third) <= 2:
            yield from self._calendar(int(third), int(second), int(first))
        elif len(first) <= 2 and len(third or "27") in (2, 4):
            year = int(third) + (2000 if len(third) == 2 else 0) if third else None
            yield from self._calendar(int(first), int(second), year)
            yield from self._calendar(int(second), int(first), year)

    def _in_words(self, tokens: list[str]) -> _Days | None:
        """20 Dec, Dec 20th 2026, Sunday 20 Dec."""
        for shape in _SHAPES:
            if len(shape) != len(tokens):
                continue
            parts = {kind: self._part(kind, t) for kind, t in zip(shape, tokens, strict=True)}
            day, month = parts["d"], parts["m"]
            if day is None or month is None or None in parts.values():
                continue
            days = tuple(self._calendar(day, month, parts.get("y")))
            if "w" in parts:
                days = self._on_weekday(days, tokens[shape.index("w")])
            return _Days(days=days) if days else None
        return None

    def _part(self, kind: str, token: str) -> int | None:
        match kind:
            case "w":
                return _named(token, _weekdays(self._name))
            case "m":
                return _named(token, _months(self._name))
            case "d":
                day = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", token)
                return int(day[1]) if day else None
        return int(token) if re.fullmatch(r"\d{4}", token) else None

    def _on_weekday(self, days: tuple[date, ...], name: str) -> tuple[date, ...]:
        weekday = _named(name, _weekdays(self._name))
        return tuple(day for day in days if day.weekday() == weekday)

    def _calendar(self, day: int, month: int, year: int | None) -> Iterator[date]:
        """The date, if there is one: without a year the nearest behind, or the next ahead."""
        today = self._today
        years = (today.year - 1, today.year, today.year + 1) if year is None else (year,)
        days = [d for y in years if 2000 <= y < 2100 and (d := _date(y, month, day))]
        if year is None and self._prefer == "future":
            days = [d for d in days if d >= today - _A_WHILE_AGO][:1]
        if days:
            yield min(days, key=lambda d: abs(d - today))

    def _spelt(self, token: str) -> str:
        """The one word that is a letter away from `token`, else `token` as it is."""
        known = (*self._words.spelling, *_months(self._name), *_weekdays(self._name))
        if len(token) < 4 or not token.isalpha():
            return token
        near = {word for word in known if OSA.distance(token, word, score_cutoff=1) == 1}
        return near.pop() if len(near) == 1 else token


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


@cache
def _months(language: str) -> dict[str, int]:
    return {_plain(name): n for n, name in get_month_names("wide", locale=language).items()}


@cache
def _weekdays(language: str) -> dict[str, int]:
    """Monday is 0."""
    return {_plain(name): n for n, name in get_day_names("wide", locale=language).items()}


def _named(token: str, names: dict[str, int]) -> int | None:
    """The number of the one name that `token` is or shortens to three letters or more."""
    found = {n for name, n in names.items() if len(token) > 2 and name.startswith(token)}
    return found.pop() if len(found) == 1 else None


def _tokens(rest: str) -> list[str]:
    """The words of what is left: "dec20" and "20-dec-2026" come apart."""
    rest = re.sub(r"(?<=[a-z])[-/.]|[-/.](?=[a-z])", " ", rest)
    return re.sub(r"(?<=[a-z])(?=\d)", " ", rest).split()


def _take_time(phrase: str, *, prefer: Prefer) -> Iterator[tuple[str, tuple[time, ...]]]:
    """What is left of `phrase`, and the times of day that were in it, the likeliest first.

    "20.12" beside another time is a date; alone it is rather a time behind, or a date ahead.
    """
    found = [match for match in _TIME.finditer(phrase) if _says_time(match)]
    sure = [match for match in found if match["mark"] != "." or match["half"] or match["at"]]
    if len(sure) > 1:
        return
    if sure:
        found = sure
    elif prefer == "future" or not found:
        yield phrase, ()
    for match in found:
        if times := _times(match):
            yield f"{phrase[: match.start()]} {phrase[match.end() :]}", times
    if not sure and prefer == "past":
        yield phrase, ()


def _says_time(match: re.Match[str]) -> bool:
    """Whether it is more than a number."""
    return any(match[part] for part in ("noon", "minute", "half", "at", "unit"))


def _times(match: re.Match[str]) -> tuple[time, ...]:
    """The times it can be: "2:30" is at night or in the afternoon; "14:30", "02:30" are clear."""
    if match["noon"]:
        return (time(12),)
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if hour > 23 or minute > 59:
        return ()
    if match["half"]:
        morning = match["half"].startswith(("a", "in the m", "de la m"))
        if hour > 12:
            return () if morning else (time(hour, minute),)
        return (time(hour % 12 + (0 if morning else 12), minute),)
    if 1 <= hour <= 7 and len(match["hour"]) == 1:
        return (time(hour, minute), time(hour + 12, minute))
    return (time(hour, minute),)


def _combine(found: _Days, times: tuple[time, ...]) -> list[Reading]:
    doubt = found.doubt or ("morning_or_afternoon" if len(times) > 1 else None)
    return [
        Reading(local=datetime.combine(day, at), has_time=bool(times), day=found.said, doubt=doubt)
        for day in found.days
        for at in times or (time(),)
    ]
