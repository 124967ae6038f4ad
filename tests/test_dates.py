"""Dates as receptionists write them: read right, read twice where two are meant, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.care.dates import Reading, read_date

LONDON = ZoneInfo("Europe/London")
SUNDAY = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)  # 22 November 2026, 15:00 in London
MONDAY = SUNDAY + timedelta(days=1)


def read(
    phrase: str,
    prefer: Literal["past", "future"] = "future",
    *,
    at: datetime = SUNDAY,
    zone: ZoneInfo = LONDON,
    language: str = "en",
) -> list[str]:
    """The readings as text, a date alone where no time was said."""
    readings = read_date(phrase, written_at=at, zone=zone, language=language, prefer=prefer)
    return [f"{r.local:%Y-%m-%d %H:%M}" if r.has_time else f"{r.local:%Y-%m-%d}" for r in readings]


AHEAD = {
    "2026-12-20 10:00": "2026-12-20 10:00",
    "2026-12-20T10:00": "2026-12-20 10:00",
    "2026-12-20 10:00:00": "2026-12-20 10:00",
    "2026/12/20 10:00": "2026-12-20 10:00",
    "2026-12-20": "2026-12-20",
    "20 Dec 10:00": "2026-12-20 10:00",
    "20 dec, 10:00": "2026-12-20 10:00",
    "20DEC 10:00": "2026-12-20 10:00",
    "20 Dec. 10:00": "2026-12-20 10:00",
    "20-Dec-2026 10:00": "2026-12-20 10:00",
    "Dec 20 at 10am": "2026-12-20 10:00",
    "10am on Dec 20th": "2026-12-20 10:00",
    "the 20th of December at 2.30pm": "2026-12-20 14:30",
    "20 December 2026 10:00": "2026-12-20 10:00",
    "Dec 20, 2026 10:00": "2026-12-20 10:00",
    "Sunday 20 Dec 10:00": "2026-12-20 10:00",
    "20 Dec 2026 Sunday 10:00": "2026-12-20 10:00",
    "Sun, 20/12/2026, 10:00": "2026-12-20 10:00",
    "20 Decmber 10:00": "2026-12-20 10:00",
    "3 Jan 10:00": "2027-01-03 10:00",
    "29 Feb 2028 10:00": "2028-02-29 10:00",
    "20/12": "2026-12-20",
    "20/12 10:00": "2026-12-20 10:00",
    "13/4/2027": "2027-04-13",
    "20.12.2026 10:00": "2026-12-20 10:00",
    "20.12. 10:00": "2026-12-20 10:00",
    "20.12 10:00": "2026-12-20 10:00",
    "20.12": "2026-12-20",
    "20-12-2026 9:30": "2026-12-20 09:30",
    "20/12/26 10:00": "2026-12-20 10:00",
    "12/12/2026 10:00": "2026-12-12 10:00",
    "Sunday 6/12/2026 10:00": "2026-12-06 10:00",
    "tomorrow 9am": "2026-11-23 09:00",
    "2 pm tomorrow": "2026-11-23 14:00",
    "tmrw at 14": "2026-11-23 14:00",
    "tomorow 10:00": "2026-11-23 10:00",
    "day after tomorrow 10:00": "2026-11-24 10:00",
    "Tuesday 15:00": "2026-11-24 15:00",
    "next Tuesday 15:00": "2026-11-24 15:00",
    "next Sunday 10:00": "2026-11-29 10:00",
    "coming Sunday 10:00": "2026-11-29 10:00",
    "this Sunday 18:00": "2026-11-22 18:00",
    "Wenesday 15:00": "2026-11-25 15:00",
    "in 4 weeks": "2026-12-20",
    "in 4 weeks at 10:00": "2026-12-20 10:00",
    "in four weeks 10:00": "2026-12-20 10:00",
    "4 weeks": "2026-12-20",
    "4wks 10am": "2026-12-20 10:00",
    "in 4 weeks time, 10:00": "2026-12-20 10:00",
    "4 weeks from today 10:00": "2026-12-20 10:00",
    "in a month 10:00": "2026-12-22 10:00",
    "in a fortnight, noon": "2026-12-06 12:00",
    "1 week ago 10:00": "2026-11-15 10:00",
    "in 2 hours": "2026-11-22 17:00",
}

BEHIND = {
    "today 14:30": "2026-11-22 14:30",
    "TODAY AT 14:30": "2026-11-22 14:30",
    "14:30 today": "2026-11-22 14:30",
    "tody 14:30": "2026-11-22 14:30",
    "14:30": "2026-11-22 14:30",
    "14:30:59": "2026-11-22 14:30",
    "at 14:30": "2026-11-22 14:30",
    "2pm": "2026-11-22 14:00",
    "2 p.m.": "2026-11-22 14:00",
    "2.30 pm": "2026-11-22 14:30",
    "2:30 in the afternoon": "2026-11-22 14:30",
    "14.30": "2026-11-22 14:30",
    "20.11": "2026-11-22 20:11",
    "14h30": "2026-11-22 14:30",
    "14h": "2026-11-22 14:00",
    "14:30 hrs": "2026-11-22 14:30",
    "02:30": "2026-11-22 02:30",
    "12am": "2026-11-22 00:00",
    "12pm": "2026-11-22 12:00",
    "14:30 pm": "2026-11-22 14:30",
    "１４：３０": "2026-11-22 14:30",
    "١٤:٣٠": "2026-11-22 14:30",
    "now": "2026-11-22 15:00",
    "just now": "2026-11-22 15:00",
    "20 minutes ago": "2026-11-22 14:40",
    "half an hour ago": "2026-11-22 14:30",
    "an hour ago": "2026-11-22 14:00",
    "in 10 minutes": "2026-11-22 15:10",
    "yesterday 18:00": "2026-11-21 18:00",
    "2 days ago 18:00": "2026-11-20 18:00",
    "20 Nov 10:00": "2026-11-20 10:00",
    "20 Dec 10:00": "2026-12-20 10:00",
    "Tuesday 10:00": "2026-11-17 10:00",
    "this Friday 10:00": "2026-11-20 10:00",
    "Sunday 10:00": "2026-11-22 10:00",
    "last Sunday 10:00": "2026-11-15 10:00",
    "today": "2026-11-22",
}

TWICE = {
    "3/4/2027 10:00": ["2027-04-03 10:00", "2027-03-04 10:00"],
    "3.4.2027 10:00": ["2027-04-03 10:00", "2027-03-04 10:00"],
    "3-4-2027 10:00": ["2027-04-03 10:00", "2027-03-04 10:00"],
    "5/12/2026": ["2026-12-05", "2026-05-12"],
    "3/4 10:00": ["2027-04-03 10:00", "2027-03-04 10:00"],
    "tomorrow 2:30": ["2026-11-23 02:30", "2026-11-23 14:30"],
    "tomorrow at 3": ["2026-11-23 03:00", "2026-11-23 15:00"],
    "Sunday 18:00": ["2026-11-22 18:00", "2026-11-29 18:00"],
}

NEVER = [
    "",
    " ",
    ",",
    "at",
    "the",
    "Monday 20 Dec 10:00",
    "Mon 20/12/2026 10:00",
    "30 Feb 10:00",
    "29 Feb 2027 10:00",
    "31/11/2026",
    "32 Dec 10:00",
    "13/13/2027",
    "2026-13-20 10:00",
    "20 Dec 26:00",
    "10:60",
    "14:30am",
    "14:30Z",
    "2026-12-20T10:00+01:00",
    "14:30-15:30",
    "14:30 15:30",
    "20 Dec 10:00 or 11:00",
    "maybe 20 Dec 10:00",
    "20 Dec 10:00 please",
    "in 4 weeks at 10:00 sharp",
    "20 Dec Jan 10:00",
    "20 21 Dec 10:00",
    "20 Dec 1999",
    "Munday 10:00",
    "juny 3 10:00",
    "20 ma 10:00",
    "the 20th",
    "Christmas 10:00",
    "last Tuesday 10:00",
    "next last Tuesday 10:00",
    "1430",
    "20",
    "3/4/5/2027",
    "2/4-2027",
    "mañana a las 9",
]


@pytest.mark.parametrize(("phrase", "expected"), AHEAD.items())
def test_a_date_ahead_is_read(phrase: str, expected: str) -> None:
    """A follow-up's date, written on Sunday 22 November 2026 at 15:00."""
    assert read(phrase, "future") == [expected]


@pytest.mark.parametrize(("phrase", "expected"), BEHIND.items())
def test_a_date_behind_is_read(phrase: str, expected: str) -> None:
    """A session's end, written on Sunday 22 November 2026 at 15:00."""
    assert read(phrase, "past") == [expected]


@pytest.mark.parametrize(("phrase", "expected"), TWICE.items())
def test_what_can_mean_two_dates_has_both_readings(phrase: str, expected: list[str]) -> None:
    """Day before month first."""
    assert read(phrase, "future") == expected


@pytest.mark.parametrize("phrase", NEVER)
def test_a_phrase_with_one_word_too_many_is_not_understood(phrase: str) -> None:
    """Rather nothing than half of it."""
    assert read(phrase, "future") == []


@pytest.mark.parametrize("phrase", ["4 weeks", "10 minutes", "next Tuesday 10:00"])
def test_what_can_only_lie_ahead_is_no_end_of_a_session(phrase: str) -> None:
    """A count without "ago" would have to be guessed."""
    assert read(phrase, "past") == []


def test_next_tuesday_on_a_monday_can_be_tomorrow_or_next_weeks() -> None:
    """People differ, so both are readings."""
    assert read("next Tuesday 15:00", at=MONDAY) == ["2026-11-24 15:00", "2026-12-01 15:00"]
    assert read("Tuesday 15:00", at=MONDAY) == ["2026-11-24 15:00"]


def test_last_monday_on_a_sunday_can_be_this_weeks_or_the_one_before() -> None:
    """People differ, so both are readings."""
    assert read("last Monday 15:00", "past") == ["2026-11-16 15:00", "2026-11-09 15:00"]


def test_a_date_without_a_year_that_has_just_passed_is_not_put_off_to_next_year() -> None:
    """It can then be refused as past."""
    assert read("20 Nov 10:00", "future") == ["2026-11-20 10:00"]
    assert read("20 Aug 10:00", "future") == ["2027-08-20 10:00"]


def test_the_turn_of_the_year_is_crossed_to_the_nearer_side() -> None:
    """31 December, said on 2 January, was two days ago."""
    january = datetime(2027, 1, 2, 12, 0, tzinfo=UTC)
    assert read("31 Dec 18:00", "past", at=january) == ["2026-12-31 18:00"]
    assert read("1 Jan 00:10", "past", at=datetime(2026, 12, 31, 23, 50, tzinfo=UTC)) == [
        "2027-01-01 00:10"
    ]


@pytest.mark.parametrize(
    ("phrase", "expected"),
    {
        "mañana a las 9": "2026-11-23 09:00",
        "manana a las 9": "2026-11-23 09:00",
        "mañana a las 9 de la mañana": "2026-11-23 09:00",
        "mañana a las 4 de la tarde": "2026-11-23 16:00",
        "hoy 14:30": "2026-11-22 14:30",
        "pasado mañana 10:00": "2026-11-24 10:00",
        "20 de diciembre a las 10:00": "2026-12-20 10:00",
        "20 dic 10:00": "2026-12-20 10:00",
        "el 3 de enero de 2027 10:00": "2027-01-03 10:00",
        "domingo 20 de diciembre 10:00": "2026-12-20 10:00",
        "miércoles 10:00": "2026-11-25 10:00",
        "próximo martes 10:00": "2026-11-24 10:00",
        "en 4 semanas a las 10": "2026-12-20 10:00",
        "dentro de 4 semanas 10:00": "2026-12-20 10:00",
        "hace 20 minutos": "2026-11-22 14:40",
        "ahora mismo": "2026-11-22 15:00",
        "tomorrow 9am": "2026-11-23 09:00",
        "20/12 10:00": "2026-12-20 10:00",
    }.items(),
)
def test_spanish_is_read_and_english_beside_it(phrase: str, expected: str) -> None:
    """In a clinic whose language is Spanish."""
    assert read(phrase, language="es") == [expected]


@pytest.mark.parametrize("phrase", ["lunes 20 de diciembre 10:00", "mañana quizás a las 9"])
def test_spanish_is_not_half_read_either(phrase: str) -> None:
    """A wrong weekday, an unknown word."""
    assert read(phrase, language="es") == []


def test_a_language_without_words_of_its_own_still_reads_figures_and_english() -> None:
    """So an unknown language never breaks."""
    assert read("20 Dec 10:00", language="fr") == ["2026-12-20 10:00"]


@pytest.mark.parametrize(
    ("zone", "expected"),
    {
        "Pacific/Kiritimati": "2026-11-23 09:00",  # +14: already tomorrow
        "Pacific/Pago_Pago": "2026-11-22 09:00",  # -11
        "Asia/Kathmandu": "2026-11-22 09:00",  # +5:45
    }.items(),
)
def test_today_is_the_clinics_today(zone: str, expected: str) -> None:
    """Not UTC's."""
    assert read("today 09:00", "past", zone=ZoneInfo(zone)) == [expected]


def test_an_hour_ago_is_an_hour_ago_on_the_nights_the_clocks_change() -> None:
    """In London they go forward at 01:00 on 29 March 2026, and back at 02:00 on 25 October."""
    spring = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert read("an hour ago", "past", at=spring) == ["2026-03-29 00:30"]
    autumn = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
    assert read("2 hours ago", "past", at=autumn) == ["2026-10-25 01:30"]


COUNTS = {"1": 1, "4": 4, "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
COUNTS |= {"six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12}
UNITS = {"day": 1, "days": 1, "week": 7, "weeks": 7, "fortnight": 14, "fortnights": 14}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("count", COUNTS)
def test_every_count_that_is_handed_to_dateparser_is_counted_right(count: str, unit: str) -> None:
    """It gets some wrong in silence, so each wording that is let through is tried."""
    days = timedelta(days=COUNTS[count] * UNITS[unit])
    ahead, behind = ([f"{(SUNDAY + by):%Y-%m-%d}"] for by in (days, -days))
    for phrase in (f"in {count} {unit}", f"{count} {unit} later", f"{count} {unit} from now"):
        assert read(phrase) == ahead
    assert read(f"{count} {unit} ago") == behind


def test_what_was_said_about_the_day_is_told_apart() -> None:
    """A time alone and "today" may mean the evening before, a date may not."""

    def day(phrase: str) -> list[str]:
        found: list[Reading] = read_date(phrase, written_at=SUNDAY, zone=LONDON, prefer="past")
        return [reading.day for reading in found]

    assert day("14:30") == ["unsaid"]
    assert day("today 14:30") == ["today"]
    assert day("22 Nov 14:30") == ["said"]


def test_why_there_are_two_readings_is_told() -> None:
    """It decides what is asked."""

    def doubts(phrase: str, at: datetime = SUNDAY) -> list[str | None]:
        found = read_date(phrase, written_at=at, zone=LONDON, prefer="future")
        return [reading.doubt for reading in found]

    assert doubts("3/4/2027 10:00") == ["slashed_date"] * 2
    assert doubts("next Tuesday 10:00", MONDAY) == ["which_weekday"] * 2
    assert doubts("tomorrow 2:30") == ["morning_or_afternoon"] * 2
    assert doubts("tomorrow 02:30") == [None]


WORDS = st.sampled_from(
    "today|tomorrow|next|last|Tuesday|Dec|20|20/12|3/4/2027|10:00|2:30|14.30|at|in|4|weeks|ago|"  # noqa: SIM905
    "2pm|,|.|-|:|T|now|2026-12-20|the|of|mañana|a|las|999|0|29|Feb|9999|years".split("|")
)
YEARS = (datetime(2026, 1, 1), datetime(2028, 12, 31))  # noqa: DTZ001  wall times


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=7).map(" ".join)),
    st.datetimes(*YEARS, timezones=st.just(UTC)),
    st.sampled_from(["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "Europe/London"]),
    st.sampled_from(["en", "es"]),
)
def test_no_text_ever_breaks_it(phrase: str, at: datetime, zone: str, language: str) -> None:
    """And every reading is a whole minute of wall time, without a zone."""
    for prefer in ("past", "future"):
        for reading in read_date(
            phrase,
            written_at=at,
            zone=ZoneInfo(zone),
            language=language,
            prefer="past" if prefer == "past" else "future",
        ):
            assert reading.local.tzinfo is None
            assert (reading.local.second, reading.local.microsecond) == (0, 0)


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(*YEARS),
    st.datetimes(*YEARS, timezones=st.just(UTC)),
    st.sampled_from(["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "Europe/London"]),
)
def test_a_date_written_out_is_itself_whenever_and_wherever_it_is_read(
    local: datetime, at: datetime, zone: str
) -> None:
    """The canonical form of every button and every draft."""
    written = f"{local:%Y-%m-%d %H:%M}"
    assert read(written, "past", at=at, zone=ZoneInfo(zone)) == [written]
    assert read(written, "future", at=at, zone=ZoneInfo(zone)) == [written]
