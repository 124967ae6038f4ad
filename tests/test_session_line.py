"""What receptionists write after /newsession: read right, asked about, or named as not understood.

Written, unless a case says otherwise, on Sunday 22 November 2026 at 15:00 in London.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.care.session_line import Choice, Line, Problem, Understood, read_line, read_visit
from content.library import load

LONDON = ZoneInfo("Europe/London")
AT = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
SMALL_HOURS = datetime(2026, 11, 22, 0, 20, tzinfo=UTC)
TODAY = "2026-11-22"


def read(text: str, *, at: datetime = AT, zone: ZoneInfo = LONDON, **answers: str) -> Line:
    return read_line(text, written_at=at, zone=zone, answers=answers)


def understood(
    text: str, *, at: datetime = AT, zone: ZoneInfo = LONDON, **answers: str
) -> Understood:
    line = read(text, at=at, zone=zone, **answers)
    assert line.understood, (line.choices, line.problems)
    return line.understood


def fields(**others: str) -> dict[str, str]:
    """Those of "Ana, 14:30", and others."""
    return {"name": "Ana", "ended": f"{TODAY} 14:30", **others}


VISIT = "2026-12-20 10:00"

READ_RIGHT: dict[str, dict[str, str]] = {
    # the example of the promise, and its neighbours
    "Ana López, today 14:30, face, 1.0 mm, 2/4, next 2026-12-20 10:00, "
    "use: hyaluronic serum, SPF 50": {
        "name": "Ana López",
        "ended": f"{TODAY} 14:30",
        "area": "face",
        "depth": "1 mm",
        "number": "2/4",
        "next": VISIT,
        "use": "hyaluronic serum, SPF 50",
    },
    "Ana, 14:30": fields(),
    "Ana, today 14:30": fields(),
    "Ana,today 14:30": fields(),
    "Ana , TODAY 14:30 ,": fields(),
    ",,Ana,, 14:30,,": fields(),
    "Ana\n14:30": fields(),
    "Ana\r\n14:30\r\nface": fields(area="face"),
    "Ana; 14:30; face": fields(area="face"),
    "Ana، 14:30، face": fields(area="face"),
    "Ana，14:30，face": fields(area="face"),
    "Ana, 2/4, face, 14:30": fields(number="2/4", area="face"),
    # times
    "Ana, 2.30 pm": fields(),
    "Ana, 2:30pm": fields(),
    "Ana, 14.30": fields(),
    "Ana, 14h30": fields(),
    "Ana, today, 14:30": fields(),
    "Ana, today, 14.30, face": fields(area="face"),
    "Ana, Sunday, 22 Nov, 14:30": fields(),
    "Ana, 22 Nov, 14:30": fields(),
    "Ana, ended today 14:30": fields(),
    "Ana, ended at 14:30": fields(),
    "Ana, finished 14:30": fields(),
    "Ana, ended: 14:30": fields(),
    "Ana, time: 14:30": fields(),
    "Ana, time:14:30": fields(),
    "Ana, end time: today 14:30": fields(),
    "Ana, half an hour ago": fields(),
    "Ana, 30 min ago": fields(),
    "Ana, now": fields(ended=f"{TODAY} 15:00"),
    "Ana, just now": fields(ended=f"{TODAY} 15:00"),
    "Ana, yesterday 18:00": fields(ended="2026-11-21 18:00"),
    "Ana, Friday 18:00": fields(ended="2026-11-20 18:00"),
    "Ana, 20/11 18:00": fields(ended="2026-11-20 18:00"),
    "Ana, 20.11.2026 18:00": fields(ended="2026-11-20 18:00"),
    "Ana, 2026-11-20 18:00": fields(ended="2026-11-20 18:00"),
    "Ana, today 23:00": fields(ended=f"{TODAY} 23:00"),
    "Ana, tomorrow 02:30": fields(ended="2026-11-23 02:30"),
    "Ana, 14:30, 14:30": fields(),
    # areas
    "Ana, 14:30, Face": fields(area="face"),
    "Ana, 14:30, full face": fields(area="face"),
    "Ana, 14:30, NECK": fields(area="neck"),
    "Ana, 14:30, nek": fields(area="neck"),
    "Ana, 14:30, fcae": fields(area="face"),
    "Ana, 14:30, scalpp": fields(area="scalp"),
    "Ana, 14:30, head": fields(area="scalp"),
    "Ana, 14:30, around the eyes": fields(area="eyes"),
    "Ana, 14:30, eye area": fields(area="eyes"),
    "Ana, 14:30, back": fields(area="body"),
    "Ana, 14:30, abdomen": fields(area="body"),
    "Ana, 14:30, thighs": fields(area="body"),
    "Ana, 14:30, area: neck": fields(area="neck"),
    "Ana, 14:30, area neck": fields(area="neck"),
    "Ana, 14:30, face, Face": fields(area="face"),
    "Ana, 14:30, cara": fields(area="face"),
    # devices
    "Ana, 14:30, rf": fields(device="RF"),
    "Ana, 14:30, RF needling": fields(device="RF"),
    "Ana, 14:30, radiofrequency": fields(device="RF"),
    "Ana, 14:30, needling": fields(device="needling"),
    "Ana, 14:30, Dermapen": fields(device="needling"),
    "Ana, 14:30, microneedlng": fields(device="needling"),
    "Ana, 14:30, device: RF": fields(device="RF"),
    "Ana, 14:30, with RF": fields(device="RF"),
    # depths
    "Ana, 14:30, 1.0mm": fields(depth="1 mm"),
    "Ana, 14:30, 1,5 mm": fields(depth="1.5 mm"),
    "Ana,14:30,1,0 mm": fields(depth="1 mm"),
    "Ana,2/4,1,5 mm,14:30": fields(number="2/4", depth="1.5 mm"),
    "Ana,14:30,2/4,1,5mm,face": fields(number="2/4", depth="1.5 mm", area="face"),
    "Ana,14:30,2 of 4,1,5mm": fields(number="2/4", depth="1.5 mm"),
    "Ana, 14:30, 0,25MM": fields(depth="0.25 mm"),
    "Ana, 14:30, .5 mm": fields(depth="0.5 mm"),
    "Ana, 14:30, 1.5 millimetres": fields(depth="1.5 mm"),
    "Ana, 14:30, depth 1.5": fields(depth="1.5 mm"),
    "Ana, 14:30, depth: 1,5": fields(depth="1.5 mm"),
    "Ana, 14:30, depth: 1,5, face": fields(depth="1.5 mm", area="face"),
    "Ana, 14:30, needle depth: 2 mm": fields(depth="2 mm"),
    "Ana, 14:30, 3 mm": fields(depth="3 mm"),
    "Ana, 14:30, depth: unknown": fields(depth="unknown"),
    # which session of how many
    "Ana, 14:30, 2 of 4": fields(number="2/4"),
    "Ana, 14:30, session 2 of 4": fields(number="2/4"),
    "Ana, 14:30, session: 2/4": fields(number="2/4"),
    "Ana, 14:30, 2 / 4": fields(number="2/4"),
    "Ana, 14:30, 12/12": fields(number="12/12"),
    "Ana, 10:00,2/4": fields(ended=f"{TODAY} 10:00", number="2/4"),
    # the follow-up
    "Ana, 14:30, next: 2026-12-20 10:00": fields(next=VISIT),
    "Ana, 14:30, next 2026-12-20T10:00": fields(next=VISIT),
    "Ana, 14:30, NEXT 20 DEC 10AM": fields(next=VISIT),
    "Ana, 14:30, next visit 20 Dec at 10:00": fields(next=VISIT),
    "Ana, 14:30, next appointment: Sunday 20 Dec 10:00": fields(next=VISIT),
    "Ana, 14:30, follow-up 20 Dec 10:00": fields(next=VISIT),
    "Ana, 14:30, follow up: in 4 weeks at 10:00": fields(next=VISIT),
    "Ana, 14:30, next in 4 weeks at 10:00": fields(next=VISIT),
    "Ana, 14:30, next in 4 weeks, 10:00": fields(next=VISIT),
    "Ana, 14:30, next 4 weeks 10:00": fields(next=VISIT),
    "Ana, 14:30, next 20/12 10:00": fields(next=VISIT),
    "Ana, 14:30, next 20.12.2026 10.00": fields(next=VISIT),
    "Ana, 14:30, next Dec 20, 2026, 10:00": fields(next=VISIT),
    "Ana, 14:30, next Dec 20,10:00": fields(next=VISIT),
    "Ana, next 20 Dec, 10:00, today 14:30": fields(next=VISIT),
    "Ana, next Sunday, 20 Dec 10:00, 14:30": fields(next=VISIT),
    "Ana, next 20 Dec 10:00,2/4, 14:30": fields(next=VISIT, number="2/4"),
    "Ana, 14:30, 2/4next 20 Dec 10:00": fields(next=VISIT, number="2/4"),
    "Ana, 14:30, face next 20 Dec 10:00": fields(next=VISIT, area="face"),
    "Ana, 14:30, 1.0 mm next: 20 Dec 10:00": fields(next=VISIT, depth="1 mm"),
    "Ana, 14:30, next Tuesday 15:00": fields(next="2026-11-24 15:00"),
    "Ana, 14:30, next: next Tuesday 15:00": fields(next="2026-11-24 15:00"),
    "Ana, 14:30, next Sunday 10:00": fields(next="2026-11-29 10:00"),
    "Ana, 14:30, next: none": fields(next="none"),
    "Ana, 14:30, no follow-up": fields(next="none"),
    "Ana, 14:30, no next visit": fields(next="none"),
    # the recommendation
    "Ana, 14:30, use: serum, SPF 50, twice": fields(use="serum, SPF 50, twice"),
    "Ana, 14:30, use: serum 1,5 %, SPF 50": fields(use="serum 1,5 %, SPF 50"),
    "Ana, 14:30, USE: serum; SPF 50, next: 20 Dec 10:00": fields(use="serum; SPF 50", next=VISIT),
    "Ana, 14:30, recommended: serum, SPF": fields(use="serum, SPF"),
    "Ana, use: serum, SPF 50, time: 14:30, area: neck": fields(use="serum, SPF 50", area="neck"),
    "Ana, 14:30, use: morning: SPF, night: cream": fields(use="morning: SPF, night: cream"),
    "Ana, 14:30, use: serum\nface": fields(use="serum", area="face"),
    "Ana, 14:30, use:, face": fields(use="face"),
    "Ana, 14:30, use:": fields(),
    "Ana, 14:30, use: Because I'm worth it": fields(use="Because I'm worth it"),
    # commas forgotten between fields that cannot be mistaken
    "Ana, today 14:30 face": fields(area="face"),
    "Ana, 14:30 face 1.0mm 2/4 RF": fields(area="face", depth="1 mm", number="2/4", device="RF"),
    "Ana, face 1.5 mm, 14:30": fields(area="face", depth="1.5 mm"),
    "Ana,14:30 face 1,0mm 2/4 next 20 Dec 10:00": fields(
        area="face", depth="1 mm", number="2/4", next=VISIT
    ),
    # names
    "name: Ana, 14:30": fields(),
    "14:30, patient: Ana": fields(),
    "Date Kenji, 14:30": fields(name="Date Kenji"),
    "May, 14:30": fields(name="May"),
    "Nick Body, 14:30": fields(name="Nick Body"),
    "<b>&\"'</b>, 14:30": fields(name="<b>&\"'</b>"),
    "أنا لوبيز, 14:30": fields(name="أنا لوبيز"),
    "😀 Ana 👩‍⚕️, 14:30": fields(name="😀 Ana 👩‍⚕️"),
    "Robert'); DROP TABLE x;--, 14:30": fields(name="Robert'); DROP TABLE x;--"),
    "Ana  López-O'Neil Jr., 14:30": fields(name="Ana  López-O'Neil Jr."),
    "name: Sunday, 14:30": fields(name="Sunday"),
    f"{'x' * 300}, 14:30": fields(name="x" * 300),
}


@pytest.mark.parametrize(("text", "expected"), READ_RIGHT.items())
def test_a_line_is_read_right(text: str, expected: dict[str, str]) -> None:
    """Every field as written, nothing else, and a whole session."""
    line = read(text)
    assert (line.choices, line.problems) == ((), ())
    assert line.fields == expected
    assert line.understood is not None


ASKED: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "Ana, 14:30, next 3/4/2027 10:00": (
        "next",
        "slashed_date",
        "next 3/4/2027 10:00",
        ("2027-04-03 10:00", "2027-03-04 10:00"),
    ),
    "Ana, 14:30, next: 3.4.2027 10:00": (
        "next",
        "slashed_date",
        "3.4.2027 10:00",
        ("2027-04-03 10:00", "2027-03-04 10:00"),
    ),
    "Ana, 14:30, next: 5/12/2026 10:00": (
        "next",
        "slashed_date",
        "5/12/2026 10:00",
        ("2026-12-05 10:00", "2026-05-12 10:00"),
    ),
    "Ana, 10/11/2026 14:30": (
        "ended",
        "slashed_date",
        "10/11/2026 14:30",
        ("2026-11-10 14:30", "2026-10-11 14:30"),
    ),
    "Ana, 12/11/2026 14:30": (
        "ended",
        "slashed_date",
        "12/11/2026 14:30",
        ("2026-11-12 14:30", "2026-12-11 14:30"),
    ),
    "Ana, 2:30": (
        "ended",
        "morning_or_afternoon",
        "2:30",
        (f"{TODAY} 02:30", f"{TODAY} 14:30"),
    ),
    "Ana, 14:30, next 20 Dec 3:15": (
        "next",
        "morning_or_afternoon",
        "next 20 Dec 3:15",
        ("2026-12-20 03:15", "2026-12-20 15:15"),
    ),
    "Ana, 14:30, next: Sunday 18:00": (
        "next",
        "which_weekday",
        "Sunday 18:00",
        ("2026-11-22 18:00", "2026-11-29 18:00"),
    ),
    "Ana, 14:30, 20 Dec 10:00": ("next", "is_it_next", "20 Dec 10:00", (VISIT,)),
    "Ana, 14:30, in 4 weeks at 10:00": ("next", "is_it_next", "in 4 weeks at 10:00", (VISIT,)),
    "Ana, 14:30, 5 mm": ("depth", "deep", "5 mm", ("5 mm", "0.5 mm")),
    "Ana, 14:30, 3.5mm": ("depth", "deep", "3.5mm", ("3.5 mm", "0.35 mm")),
    "Ana, 14:30, 10 mm": ("depth", "deep", "10 mm", ("10 mm", "1 mm")),
    "Ana, 14:30, 15 mm": ("depth", "deep", "15 mm", ("1.5 mm",)),
    "Ana,14:30,15 mm": ("depth", "deep", "15 mm", ("1.5 mm",)),
    "Ana,14:30,2/4,15 mm": ("depth", "deep", "15 mm", ("1.5 mm",)),
    "Ana,14:30,2 of 4,15mm": ("depth", "deep", "15mm", ("1.5 mm",)),
}


@pytest.mark.parametrize(("text", "expected"), ASKED.items())
def test_what_can_mean_two_things_is_asked_about(
    text: str, expected: tuple[str, str, str, tuple[str, ...]]
) -> None:
    """With every reading as a button, and nothing understood until it is pressed."""
    line = read(text)
    assert [(c.field, c.key, c.phrase, c.options) for c in line.choices] == [expected]
    assert (line.problems, line.understood) == ((), None)
    assert expected[0] not in line.fields


@pytest.mark.parametrize("text", [t for t in ASKED if "12/11" not in t and "5/12" not in t])
def test_each_button_settles_what_was_asked(text: str) -> None:
    """And the session has the button's value."""
    (choice,) = read(text).choices
    for option in choice.options:
        answers: dict[str, str] = {choice.field: option}
        line = read_line(text, written_at=AT, zone=LONDON, answers=answers)
        assert line.understood, line
        assert line.fields[choice.field] == option


def test_a_button_that_cannot_be_is_answered_with_its_reason() -> None:
    """Both readings of a slashed date are offered, one of them lies behind."""
    line = read("Ana, 14:30, next 5/12/2026 10:00", next="2026-05-12 10:00")
    assert [p.key for p in line.problems] == ["next_before_end"]


AFTER_MIDNIGHT: dict[str, tuple[str, ...]] = {
    "today 23:50": ("2026-11-21 23:50",),
    "23:50": ("2026-11-21 23:50",),
    "today 14:30": ("2026-11-21 14:30",),
    "14:30": ("2026-11-21 14:30",),
    "11:30": ("2026-11-22 11:30", "2026-11-21 11:30"),
    "today 2:30": ("2026-11-22 02:30", "2026-11-21 14:30"),
}


@pytest.mark.parametrize(("phrase", "options"), AFTER_MIDNIGHT.items())
def test_a_time_written_after_midnight_may_be_the_evening_before(
    phrase: str, options: tuple[str, ...]
) -> None:
    """Written at 00:20: asked about, with what can be."""
    line = read(f"Ana, {phrase}", at=SMALL_HOURS)
    assert line.choices == (
        Choice(field="ended", key="after_midnight", phrase=phrase, options=options),
    )
    for option in options:
        assert understood(f"Ana, {phrase}", at=SMALL_HOURS, ended=option)


@pytest.mark.parametrize(
    ("phrase", "ended"),
    {
        "yesterday 23:50": "2026-11-21 23:50",
        "21 Nov 23:50": "2026-11-21 23:50",
        "00:10": "2026-11-22 00:10",
        "today 00:50": "2026-11-22 00:50",
        "10 minutes ago": "2026-11-22 00:10",
    }.items(),
)
def test_what_is_clear_after_midnight_is_not_asked_about(phrase: str, ended: str) -> None:
    """Written at 00:20."""
    assert read(f"Ana, {phrase}", at=SMALL_HOURS).fields["ended"] == ended


def test_a_time_just_after_midnight_written_just_before_it_is_asked_about() -> None:
    """It may be tonight's or last night's."""
    line = read("Ana, 00:10", at=datetime(2026, 11, 22, 23, 50, tzinfo=UTC))
    assert line.choices[0].options == ("2026-11-22 00:10", "2026-11-23 00:10")


WRONG: dict[str, list[tuple[str, str]]] = {
    "": [("no_name", ""), ("no_time", "")],
    " , ,": [("no_name", ""), ("no_time", "")],
    "Ana": [("no_time", "")],
    "Ana, face": [("no_time", "")],
    "Ana, today": [("no_time", "today")],
    "Ana, ended:, face": [("no_time", "")],
    "Ana Lopez 14:30 face": [("no_commas", "Ana Lopez 14:30 face")],
    "Ana Lopez today 2pm": [("no_commas", "Ana Lopez today 2pm")],
    "Ana 14:30, face": [("no_commas", "Ana 14:30")],
    "14:30": [("no_name", "")],
    "today 14:30, face": [("no_name", "")],
    "face, 14:30": [("no_name", "")],
    "1.0 mm, 14:30": [("no_name", "")],
    "2/4, 14:30": [("no_name", "")],
    "next 20 Dec 10:00, 14:30": [("no_name", "")],
    "ended 14:30, face": [("no_name", "")],
    "Sunday, 14:30": [("no_name", "")],
    f"{'x' * 301}, 14:30": [("name_too_long", "x" * 301)],
    "Ana, 14:30, blah": [("not_understood", "blah")],
    "Ana, 14:30, blah, 1.0 mm, xx yy": [("not_understood", "blah"), ("not_understood", "xx yy")],
    "Ana, 14:30, dpeth: 1.0 mm": [("not_understood", "dpeth: 1.0 mm")],
    "Ana, 14:30, 1.5": [("depth_no_unit", "1.5")],
    "Ana, 14:30, 1,5": [("depth_no_unit", "1,5")],
    "Ana, 14:30, 15": [("not_understood", "15")],
    "Ana, 14:30, 0.5-1.0 mm": [("not_understood", "0.5-1.0 mm")],
    "Ana, 14:30, 500 microns": [("not_understood", "500 microns")],
    "Ana, 14:30, depth: deep": [("not_understood", "deep")],
    "Ana, 14:30, 0 mm": [("depth_impossible", "0 mm")],
    "Ana, 14:30, -1 mm": [("depth_impossible", "-1 mm")],
    "Ana, 14:30, 31 mm": [("depth_impossible", "31 mm")],
    "Ana, 14:30, 5/4": [("number_over_of", "5/4")],
    "Ana, 14:30, 0/4": [("number_zero", "0/4")],
    "Ana, 14:30, 0/0": [("number_zero", "0/0")],
    "Ana, 14:30, session 2": [("number_alone", "session 2")],
    "Ana, 14:30, session: 2": [("number_alone", "2")],
    "Ana, 14:30, session: two": [("not_understood", "two")],
    "Ana, 2/4 14:30": [("count_or_date", "2/4 14:30")],
    "Ana, 14:30, 2/4, 3/4": [("twice", "3/4")],
    "Ana, 14:30, 15:00": [("twice", "15:00")],
    "Ana, 14:30, needling, RF": [("twice", "RF")],
    "Ana, 14:30, use: a, next: none, use: b": [("twice", "b")],
    "Ana, 14:30, face and neck": [("one_area", "face and neck")],
    "Ana, 14:30, face/neck": [("one_area", "face/neck")],
    "Ana, 14:30, face, neck": [("one_area", "neck")],
    "Ana, 14:30, area: face + neck": [("one_area", "face + neck")],
    "Ana, 14:30, area: elbow": [("not_understood", "elbow")],
    "Ana, 14:30, device: laser": [("not_understood", "laser")],
    "Ana, 14:30, use serum": [("use_no_colon", "use serum")],
    "Ana, 14:30-15:30": [("not_understood", "14:30-15:30"), ("no_time", "")],
    "Ana, Monday 22 Nov 14:30": [("not_understood", "Monday 22 Nov 14:30"), ("no_time", "")],
    "Ana, ended: Monday 22 Nov 14:30": [("not_understood", "Monday 22 Nov 14:30")],
    "Ana, tomorrow 14:30": [("ended_too_far_ahead", "tomorrow 14:30")],
    "Ana, 20 Dec 14:30": [("ended_too_far_ahead", "20 Dec 14:30")],
    "Ana, 1 Sep 14:30": [("ended_long_ago", "1 Sep 14:30")],
    "Ana, 2025-11-22 14:30": [("ended_long_ago", "2025-11-22 14:30")],
    "Ana, 14:30, next 20 Dec": [("next_no_time", "next 20 Dec")],
    "Ana, 14:30, next in 4 weeks": [("next_no_time", "next in 4 weeks")],
    "Ana, 14:30, next 3/4/2027": [("next_no_time", "next 3/4/2027")],
    "Ana, next 20 Dec, 14:30": [("next_no_time", "next 20 Dec")],
    "Ana, 14:30, next sometime": [("not_understood", "next sometime")],
    "Ana, 14:30, next: Monday 20 Dec 10:00": [("not_understood", "Monday 20 Dec 10:00")],
    "Ana, 14:30, next 20 Nov 10:00": [("next_before_end", "next 20 Nov 10:00")],
    "Ana, 14:30, next today 14:30": [("next_before_end", "next today 14:30")],
    "Ana, 20 Nov 14:30, next 21 Nov 10:00": [("next_in_past", "next 21 Nov 10:00")],
    "Ana, 14:30, next 2062-12-20 10:00": [("next_too_far_ahead", "next 2062-12-20 10:00")],
    "Ana, blah, 5/4, 0 mm, 14:30, next 20 Dec": [
        ("not_understood", "blah"),
        ("depth_impossible", "0 mm"),
        ("number_over_of", "5/4"),
        ("next_no_time", "next 20 Dec"),
    ],
}


@pytest.mark.parametrize(("text", "expected"), WRONG.items())
def test_what_is_wrong_is_named_all_of_it_at_once(
    text: str, expected: list[tuple[str, str]]
) -> None:
    """By its key and the very words, and no session comes of it."""
    line = read(text)
    assert [(p.key, p.phrase) for p in line.problems] == expected
    assert (line.choices, line.understood) == ((), None)


def test_what_was_understood_beside_a_problem_is_kept() -> None:
    """So that only the wrong part has to be written again."""
    assert read("Ana, 14:30, blah, 2/4").fields == fields(number="2/4")


def test_what_is_not_given_is_assumed_and_said_so() -> None:
    """The cautious values."""
    session = understood("Ana, 14:30")
    assert (session.area, session.device, session.depth_mm) == ("face", "needling", None)
    assert (session.number, session.of, session.next, session.use) == (1, 1, None, None)
    assert session.assumed == ("area", "device", "depth", "number", "next")


def test_what_is_given_is_not_assumed_even_where_it_is_the_same() -> None:
    """Unknown depth and no follow-up can be said."""
    text = "Ana, 14:30, face, needling, 1/1, depth unknown, no follow-up"
    assert understood(text).assumed == ()


def test_a_whole_session_has_its_values_in_utc() -> None:
    """In London in summer, an hour behind the wall."""
    session = understood(
        "Ana, today 14:30, neck, RF, 1,5 mm, 2/4, next 2026-12-20 10:00",
        at=datetime(2026, 7, 22, 15, 0, tzinfo=UTC),
    )
    assert session.ended == datetime(2026, 7, 22, 13, 30, tzinfo=UTC)
    assert session.next == datetime(2026, 12, 20, 10, 0, tzinfo=UTC)
    assert (session.area, session.device, session.depth_mm) == ("neck", "RF", 1.5)
    assert (session.number, session.of) == (2, 4)


@pytest.mark.parametrize(
    ("phrase", "ahead"),
    [("today 15:00", False), ("today 15:01", True), ("23:59", True), ("tomorrow 03:00am", True)],
)
def test_an_end_up_to_twelve_hours_ahead_is_not_over_yet(phrase: str, ahead: bool) -> None:
    """Written at 15:00; it is read, and shown so."""
    assert understood(f"Ana, {phrase}").not_over_yet is ahead


def test_an_end_one_minute_over_twelve_hours_ahead_is_refused() -> None:
    """Written at 15:00."""
    assert [p.key for p in read("Ana, tomorrow 03:01am").problems] == ["ended_too_far_ahead"]


def test_an_end_sixty_days_ago_is_read_and_a_day_more_is_not() -> None:
    """Late recording happens; another year's date is a slip."""
    assert understood("Ana, 2026-09-24 15:00")
    assert [p.key for p in read("Ana, 2026-09-23 15:00").problems] == ["ended_long_ago"]


def test_a_field_hidden_in_the_recommendation_is_pointed_out() -> None:
    """The promise says that it stays in there; perhaps "next:" was meant."""
    session = understood("Ana, 14:30, use: serum, SPF 50, next 2026-12-20 10:00, 2/4")
    assert session.use == "serum, SPF 50, next 2026-12-20 10:00, 2/4"
    assert session.inside_use == ("next 2026-12-20 10:00", "2/4")
    assert understood("Ana, 14:30, 1/4, use: serum, SPF 50, 2/4").inside_use == ()


def test_a_wall_time_that_does_not_exist_moves_forward() -> None:
    """In London the clocks go from 01:00 to 02:00 on 29 March 2026."""
    at = datetime(2026, 3, 29, 9, 0, tzinfo=UTC)
    assert understood("Ana, 01:30", at=at).ended == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_a_wall_time_that_comes_twice_is_the_first() -> None:
    """In London the clocks go from 02:00 back to 01:00 on 25 October 2026."""
    at = datetime(2026, 10, 25, 9, 0, tzinfo=UTC)
    assert understood("Ana, 01:30", at=at).ended == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "ended"),
    [
        ("Pacific/Kiritimati", datetime(2026, 11, 21, 19, 0, tzinfo=UTC)),
        ("Pacific/Pago_Pago", datetime(2026, 11, 22, 20, 0, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 11, 22, 3, 15, tzinfo=UTC)),
    ],
)
def test_the_time_is_the_clinics(zone: str, ended: datetime) -> None:
    """+14 (where it is tomorrow already), -11 and a three-quarter-hour zone."""
    text = "Ana, 2026-11-22 09:00"
    assert understood(text, at=ended + timedelta(hours=1), zone=ZoneInfo(zone)).ended == ended


def test_spanish_clinics_write_spanish_dates() -> None:
    """Beside the same labels."""
    line = read_line(
        "Ana, hoy 14:30, cara, 1,5 mm, next mañana a las 9",
        written_at=AT,
        zone=LONDON,
        language="es",
    )
    assert line.fields == fields(area="face", depth="1.5 mm", next="2026-11-23 09:00")


def test_a_depth_confirmed_by_a_button_is_not_asked_about_again() -> None:
    """But an impossible one stays impossible."""
    assert understood("Ana, 14:30, 5 mm", depth="5 mm").depth_mm == 5
    assert [p.key for p in read("Ana, 14:30", depth="15 mm").problems] == ["depth_impossible"]


def test_a_name_with_a_comma_can_be_an_answer() -> None:
    """As when the form is filled in step by step."""
    assert understood("", name="López, Ana", ended=f"{TODAY} 14:30").name == "López, Ana"


def test_an_empty_name_is_no_name() -> None:
    """An answer of blanks."""
    assert [p.key for p in read(", 14:30", name="  ").problems] == ["no_name"]


@pytest.mark.parametrize("text", list(READ_RIGHT))
def test_the_fields_alone_give_the_same_session(text: str) -> None:
    """Also after they were stored as JSON."""
    line = read(text)
    stored = json.loads(json.dumps(line.fields))
    assert read_line("", written_at=AT, zone=LONDON, answers=stored) == line


@pytest.mark.parametrize(
    ("phrase", "expected"),
    {
        "next 2026-12-20 10:00": datetime(2026, 12, 20, 10, tzinfo=UTC),
        "2026-12-20 10:00": datetime(2026, 12, 20, 10, tzinfo=UTC),
        "20 Dec 10:00": datetime(2026, 12, 20, 10, tzinfo=UTC),
        "next: in 4 weeks, 10:00,": datetime(2026, 12, 20, 10, tzinfo=UTC),
        "next Tuesday 15:00": datetime(2026, 11, 24, 15, tzinfo=UTC),
    }.items(),
)
def test_a_visit_is_moved(phrase: str, expected: datetime) -> None:
    """As /reschedule has it."""
    visit = read_visit(phrase, written_at=AT, zone=LONDON, after=AT)
    assert (visit.next, visit.removed) == (expected, False)
    assert (visit.choices, visit.problems) == ((), ())


@pytest.mark.parametrize("phrase", ["remove", "none", "next: none", "no follow-up", "next remove"])
def test_a_visit_is_removed(phrase: str) -> None:
    """Without a question."""
    visit = read_visit(phrase, written_at=AT, zone=LONDON)
    assert (visit.next, visit.removed, visit.problems) == (None, True, ())


@pytest.mark.parametrize(
    ("phrase", "key"),
    {
        "20 Dec": "next_no_time",
        "blah": "not_understood",
        "": "not_understood",
        "face: neck": "not_understood",
        "area: neck": "not_understood",
        "21 Nov 10:00": "next_before_end",
        "today 14:50": "next_in_past",
        "2062-01-01 10:00": "next_too_far_ahead",
    }.items(),
)
def test_a_visit_that_cannot_be_is_refused_with_its_reason(phrase: str, key: str) -> None:
    """The session ended at 14:30, it is 15:00."""
    visit = read_visit(phrase, written_at=AT, zone=LONDON, after=AT - timedelta(minutes=30))
    assert [p.key for p in visit.problems] == [key]
    assert (visit.next, visit.removed) == (None, False)


def test_a_slashed_visit_is_asked_about() -> None:
    """Both readings."""
    visit = read_visit("3/4/2027 10:00", written_at=AT, zone=LONDON)
    assert visit.choices[0].options == ("2027-04-03 10:00", "2027-03-04 10:00")
    assert (visit.next, visit.problems) == (None, ())


PIECES = st.sampled_from(
    "Ana|14:30|today|now|face|nek|1,5 mm|15 mm|2/4|5/4|next|in|20 Dec|3/4/2027|10:00|use:|SPF 50|"  # noqa: SIM905
    "next:|area:|,|,|,|\n|;| |  |and|2:30|-|mm|/|:|0|Tuesday|4 weeks|name:|depth".split("|")
)
TEXTS = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=14).map(" ".join))
MOMENTS = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    datetime(2028, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
ZONES = st.sampled_from(
    ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "Europe/London", "Asia/Beirut"]
)


@settings(max_examples=300, deadline=None)
@given(TEXTS, MOMENTS, ZONES)
def test_any_text_is_read_asked_about_or_refused(text: str, at: datetime, zone: str) -> None:
    """It never breaks, and what is understood comes back the same from its fields."""
    line = read_line(text, written_at=at, zone=ZoneInfo(zone))
    assert (line.understood is None) == bool(line.choices or line.problems)
    if line.understood:
        again = read_line("", written_at=at, zone=ZoneInfo(zone), answers=line.fields)
        assert again == line
        assert -timedelta(days=60) <= line.understood.ended - at <= timedelta(hours=12)
        assert line.understood.next is None or line.understood.next > max(line.understood.ended, at)


@settings(max_examples=300, deadline=None)
@given(TEXTS, MOMENTS, ZONES)
def test_every_button_answers_its_question(text: str, at: datetime, zone: str) -> None:
    """None is asked twice, whatever it is answered with."""
    line = read_line(text, written_at=at, zone=ZoneInfo(zone))
    for choice in line.choices:
        for option in choice.options:
            again = read_line(
                text, written_at=at, zone=ZoneInfo(zone), answers={choice.field: option}
            )
            assert choice.field not in {other.field for other in again.choices}


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.text(max_size=60))
def test_a_visit_never_breaks(first: str, second: str) -> None:
    """Whatever is written."""
    for text in (first, f"next {first}", f"{first} {second}"):
        visit = read_visit(text, written_at=AT, zone=LONDON)
        assert visit.removed or visit.next or visit.choices or visit.problems


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=300))
def test_a_name_is_kept_to_the_letter(name: str) -> None:
    """Given as an answer, whatever its characters, the blanks around it gone."""
    line = read("", name=name, ended=f"{TODAY} 14:30")
    if name.strip():
        assert line.understood
        assert line.understood.name == name.strip()
    else:
        assert line.problems == (Problem(key="no_name", field="name"),)


# -- how this session differs from others of its kind

LIBRARY = load()


def own(text: str, **answers: str) -> Line:
    return read_line(text, written_at=AT, zone=LONDON, answers=answers, library=LIBRARY)


MARKS = ["marks easily", "Marks Easily", "prone to dark marks", "se mancha fácil", "mark easly"]


@pytest.mark.parametrize("phrase", MARKS)
@pytest.mark.parametrize("line", ["Ana, 14:30, {}", "Ana, {}, 14:30, 2/4", "Ana, {}, {}, 14:30"])
def test_skin_that_marks_easily_is_a_field_in_any_order(line: str, phrase: str) -> None:
    read = own(line.replace("{}", phrase))
    assert (read.problems, read.choices) == ((), ())
    assert read.understood
    assert read.understood.marks_easily
    assert read.understood.session.marks_easily
    assert read.fields["marks_easily"] == "yes"


SET: dict[str, dict[str, float]] = {
    "no sauna 10 days": {"heat": 240},
    "No Sauna for 10 days": {"heat": 240},
    "no sauna for the first 10 days": {"heat": 240},
    "no sauna 10d": {"heat": 240},
    "no makeup 24 h": {"makeup": 24},
    "makeup from 24 h": {"makeup": 24},
    "make-up from 24 hours": {"makeup": 24},
    "make up after 24h": {"makeup": 24},
    "no swimming 2 weeks": {"swimming": 336},
    "no sport 5 days": {"exercise": 120},
    "no gym 1.5 days": {"exercise": 36},
    "no saunna 10 days": {"heat": 240},
    "no sauna or swimming 2 weeks": {"heat": 336, "swimming": 336},
    "no retinol 21 days": {"actives": 504},
    "no sun 4 weeks": {"sun": 672},
    "no vitamin C 10 days": {"vitamin_c": 240},
    "no swimming 90 days": {"swimming": 2160},
    "no alcohol 4 hours": {"alcohol": 4},
    "no botox 4 weeks": {"other_procedures": 672},
    "sin sauna 10 días": {"heat": 240},
    "nada de sauna durante 10 dias": {"heat": 240},
    "sin sauna ni piscina 2 semanas": {"heat": 336, "swimming": 336},
    "maquillaje desde las 24 h": {"makeup": 24},
    "maquillaje a partir de 24 horas": {"makeup": 24},
    "sin deporte 5 días": {"exercise": 120},
    # what needs another thing waits for it
    "no water 30 h": {"water": 30, "cleansing": 30},
}


@pytest.mark.parametrize("phrase", list(SET))
@pytest.mark.parametrize("line", ["Ana, 14:30, 1.0 mm, {}", "Ana, {}, 1.0 mm, 14:30, 2/4"])
def test_hours_of_this_session_are_fields_in_any_order(line: str, phrase: str) -> None:
    read = own(line.format(phrase))
    assert (read.problems, read.choices) == ((), ())
    assert read.understood
    assert read.understood.overrides == SET[phrase]
    assert not read.understood.marks_easily


def test_several_of_them_stand_beside_each_other() -> None:
    read = own("Ana, no sauna 10 days, 14:30, makeup from 24 h, no sauna 240 h, marks easily, RF")
    assert read.understood
    assert read.understood.overrides == {"heat": 240, "makeup": 24}
    assert read.understood.device == "RF"
    assert read.understood.marks_easily
    assert read.fields["overrides"] == "heat=240; makeup=24"


def test_without_them_nothing_is_set() -> None:
    read = own("Ana, 14:30").understood
    assert read
    assert (read.overrides, read.marks_easily) == ({}, False)


WRONGLY_SET: dict[str, list[tuple[str, str]]] = {
    "no sauna": [("rule_no_time", "no sauna")],
    "no sauna 10": [("rule_no_time", "no sauna 10")],
    "no sauna until Friday": [("rule_no_time", "no sauna until Friday")],
    "sauna from tomorrow": [("rule_no_time", "sauna from tomorrow")],
    "no bananas 3 days": [("rule_unknown", "no bananas 3 days")],
    "no sauna or bananas 3 days": [("rule_unknown", "no sauna or bananas 3 days")],
    "no sauna 0 days": [("rule_too_soon", "no sauna 0 days")],
    "no sauna 3 h": [("rule_too_soon", "no sauna 3 h")],
    "no sauna 91 days": [("rule_too_late", "no sauna 91 days")],
    "no sauna 999 weeks": [("rule_too_late", "no sauna 999 weeks")],
    "no sauna 10 days, no sauna 5 days": [("twice", "no sauna 5 days")],
    "sauna 10 days": [("not_understood", "sauna 10 days")],
    "sin plátanos 3 días": [("rule_unknown", "sin plátanos 3 días")],
    "no sleep 3 days": [("rule_unknown", "no sleep 3 days")],
}


@pytest.mark.parametrize(("phrase", "expected"), WRONGLY_SET.items())
def test_what_is_wrong_with_the_hours_of_a_session_is_named(
    phrase: str, expected: list[tuple[str, str]]
) -> None:
    read = own(f"Ana, 14:30, {phrase}")
    assert [(p.key, p.phrase) for p in read.problems] == expected
    assert read.understood is None


@pytest.mark.parametrize(
    "line",
    [
        "Ana, 14:30, no sauna 10 days, sin piscina 2 semanas, marks easily",
        "Ana, 14:30, no water 30 h",
    ],
)
def test_the_fields_alone_give_the_same_hours(line: str) -> None:
    read = own(line)
    stored = json.loads(json.dumps(read.fields))
    assert own("", **stored) == read


def test_the_hours_of_a_session_inside_a_recommendation_are_pointed_out() -> None:
    read = own("Ana, 14:30, no sauna 10 days, use: serum, no sport 5 days, marks easily").understood
    assert read
    assert read.overrides == {"heat": 240}
    assert read.inside_use == ("no sport 5 days", "marks easily")


@pytest.mark.parametrize("text", list(READ_RIGHT))
def test_the_words_for_them_take_nothing_from_other_fields(text: str) -> None:
    """The same line, with and without the words: the same session."""
    assert own(text) == read(text)


@pytest.mark.parametrize("text", [*WRONG, *ASKED])
def test_what_was_wrong_or_unclear_stays_so(text: str) -> None:
    assert own(text) == read(text)


OWN_PIECES = st.sampled_from(
    "Ana|14:30|no|sin|sauna|makeup|make-up|from|desde|24|10|h|days|días|2 weeks|0 days|,|,|,| |for|"  # noqa: SIM905
    "no sauna|marks easily|and|or|no 2/4|face|use:|next|sun|=|heat=5|99|water|1,5".split("|")
)


@settings(max_examples=300, deadline=None)
@given(st.lists(OWN_PIECES, max_size=14).map(" ".join))
def test_any_hours_are_read_or_refused(text: str) -> None:
    """None ever breaks, none is out of bounds, and the fields give the same again."""
    line = own(text)
    assert (line.understood is None) == bool(line.choices or line.problems)
    if line.understood:
        assert all(4 <= hours <= 2160 for hours in line.understood.overrides.values())
        assert own("", **line.fields) == line
