"""`/newsession`: from one line to a saved session, and back."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
import segno

from bot.care import people
from bot.care.session_line import ChoiceKey, ProblemKey
from bot.chat.sender import qr_picture
from content import answers
from content.facts import Situation
from content.library import load
from storage.database import Transaction
from storage.models import Clinic
from tests.counter import (
    CLINICIAN,
    LINE,
    LINK,
    OTHER,
    OWNER,
    PATIENT,
    STRANGER,
    TYPED,
    Counter,
    counter,
    empty,
)
from tests.story import Story

__all__ = ["counter", "empty"]


def test_a_line_is_shown_back_and_nothing_is_saved(counter: Counter) -> None:
    shown = counter.say(OWNER, f"/newsession {LINE}")
    for part in (
        "Nothing is saved yet",
        "Name: Ana López",
        "ended today at 13:30 (Monday 23 November, United Kingdom Time)",
        "Area: face\n",
        "Device: needling (assumed)",
        "Depth: 1.0 mm\n",
        "session 2 of 4",
        "Next visit: Monday 21 December 2026, 10:00\n",
        "plain cream",
    ):
        assert part in shown, shown
    assert counter.labels(OWNER) == ["Save session", "Do not save"]
    assert counter.sessions() == []
    assert counter.patients() == []


def test_what_was_not_given_is_marked_as_assumed(counter: Counter) -> None:
    shown = counter.say(OWNER, "/newsession Ana, 13:30")
    assert shown.count("(assumed)") == 5
    assert "not known, so the most careful times count (assumed)" in shown
    assert "Next visit: none (assumed)" in shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (
            "today 16:00",
            "not over yet? I count from today at 16:00 (Monday 23 November, United Kingdom Time)",
        ),
        ("2026-11-24 01:30", "not over yet? I count from tomorrow at 01:30 (Tuesday 24 November"),
        ("yesterday 18:00", "ended yesterday at 18:00 (Sunday 22 November, United Kingdom Time)"),
        ("2026-11-20 18:00", "ended on Friday 20 November at 18:00 (United Kingdom Time)"),
    ],
)
def test_the_end_is_said_with_its_day_and_clock(counter: Counter, written: str, shown: str) -> None:
    assert shown in counter.say(OWNER, f"/newsession Ana, {written}")


def test_staff_see_whether_a_clinician_has_approved_the_texts(counter: Counter) -> None:
    note = "Texts: not yet approved by a clinician."
    assert note in counter.say(OWNER, f"/newsession {LINE}")
    library = counter.desk.library
    protocol = library.protocol.model_copy(
        update={"approved_by": "Dr Vega", "fingerprint": library.fingerprint}
    )
    counter.desk = replace(counter.desk, library=replace(library, protocol=protocol))
    assert note not in counter.say(OWNER, f"/newsession {LINE}")


def test_alone_it_says_how_with_an_example_that_works(counter: Counter) -> None:
    said = counter.say(OWNER, "/newsession")
    example = next(line for line in said.splitlines() if line.startswith("/newsession"))
    assert "Save session" not in counter.labels(OWNER)
    assert "Nothing is saved yet" in counter.say(OWNER, example)


def test_save_pressed_twice_saves_once(counter: Counter) -> None:
    counter.say(OWNER, f"/newsession {LINE}")
    save = counter.action(OWNER, "Save session")
    counter.send(OWNER, save)
    assert counter.send(OWNER, save) == ""
    assert len(counter.sessions()) == len(counter.patients()) == 1
    assert "dealt with already" in counter.toasts[-1]


def test_the_preview_says_saved_once_it_is(counter: Counter) -> None:
    counter.record()
    assert counter.edits[-1].startswith("Saved:\nName: Ana López")
    assert "Nothing is saved yet" not in counter.edits[-1]


def test_a_discarded_draft_cannot_be_saved(counter: Counter) -> None:
    counter.say(OWNER, f"/newsession {LINE}")
    save = counter.action(OWNER, "Save session")
    counter.press(OWNER, "Do not save")
    assert counter.edits[-1] == "Not saved."
    counter.send(OWNER, save)
    assert counter.sessions() == []


def test_a_draft_can_be_saved_for_a_day_and_no_longer(counter: Counter) -> None:
    counter.say(OWNER, f"/newsession {LINE}")
    counter.move(hours=24)
    counter.press(OWNER, "Save session")
    assert counter.sessions() == []
    assert "too old" in counter.toasts[-1]


def test_nobody_else_on_the_team_can_press_a_draft(counter: Counter) -> None:
    counter.member(CLINICIAN, "clinician")
    counter.say(OWNER, f"/newsession {LINE}")
    counter.send(CLINICIAN, counter.action(OWNER, "Save session"))
    assert counter.sessions() == []


@pytest.mark.parametrize(
    "forged",
    ["draft:1:nonsense", "draft:", "draft:1", "draft:1:pick", "draft:1:pick:ended:99",
     "draft:1:from:999999999999999999", "draft:99999999999999999999999999:save",
     "draft:1:same:999999999", "draft:1:pick:ended:-1", "draft:x:save"],
)  # fmt: skip
def test_an_invented_action_saves_nothing(counter: Counter, forged: str) -> None:
    counter.say(OWNER, f"/newsession {LINE}")
    counter.send(OWNER, forged)
    assert counter.sessions() == []


PROBLEMS: dict[ProblemKey, str] = {
    "no_name": "today 13:30, face",
    "name_too_long": f"{'A' * 301}, today 13:30",
    "no_commas": "Ana López today 13:30",
    "no_time": "Ana López, face",
    "ended_too_far_ahead": "Ana, 2026-11-25 13:30",
    "ended_long_ago": "Ana, 2026-08-01 13:30",
    "next_no_time": "Ana, today 13:30, next 2026-12-21",
    "next_before_end": "Ana, today 13:30, next 2026-11-22 10:00",
    "next_in_past": "Ana, 2026-11-20 13:30, next 2026-11-22 10:00",
    "next_too_far_ahead": "Ana, today 13:30, next 2036-12-21 10:00",
    "number_over_of": "Ana, today 13:30, 5/4",
    "number_zero": "Ana, today 13:30, 0/4",
    "number_alone": "Ana, today 13:30, session 2",
    "count_or_date": "Ana, 2/4 13:30",
    "depth_impossible": "Ana, today 13:30, 90 mm",
    "depth_no_unit": "Ana, today 13:30, 1.5",
    "one_area": "Ana, today 13:30, face and neck",
    "use_no_colon": "Ana, today 13:30, use plain cream",
    "use_too_long": f"Ana, today 13:30, use: {'cream ' * 101}",
    "rule_no_time": "Ana, today 13:30, no sauna",
    "rule_unknown": "Ana, today 13:30, no bananas 3 days",
    "rule_too_soon": "Ana, today 13:30, no sauna 0 days",
    "rule_too_late": "Ana, today 13:30, no sauna 91 days",
    "twice": "Ana, today 13:30, face, neck, 1.0 mm, 1.5 mm",
    "not_understood": "Ana, today 13:30, banana",
}


def test_there_is_a_line_for_every_problem() -> None:
    assert set(PROBLEMS) == set(get_args(ProblemKey))


@pytest.mark.parametrize(("key", "line"), PROBLEMS.items())
def test_a_wrong_line_is_told_what_is_wrong_with_an_example(
    counter: Counter, key: ProblemKey, line: str
) -> None:
    said = counter.say(OWNER, f"/newsession {line}")
    pattern = str(counter.desk.library.texts.say("en", f"staff.problem.{key}", phrase="\0"))
    assert all(part in said for part in pattern.split("\0")), said
    assert "I did not save anything" in said
    assert "\n/newsession Ana López, today 14:30" in said
    assert counter.labels(OWNER) == []


def test_everything_not_understood_is_named_at_once(counter: Counter) -> None:
    said = counter.say(OWNER, "/newsession Ana, today 13:30, banana, 5/4, 1.5, <b>&")
    for phrase in ("“banana”", "“5/4”", "“1.5”", "“<b>&”"):
        assert phrase in said


def test_a_line_of_nothing_but_nonsense_is_still_answered(counter: Counter) -> None:
    many = ", ".join(f"banana{n}" for n in range(400))
    assert "“banana1”" in counter.say(OWNER, f"/newsession Ana, 13:30, {many}")
    long = "🍌" * 1900
    assert "…" in counter.say(OWNER, f"/newsession Ana, 13:30, {long}")


CHOICES: dict[ChoiceKey, tuple[str, list[str], str]] = {
    "slashed_date": (
        "Ana, today 13:30, next 3/4/2027 10:00",
        ["Saturday 3 April 2027, 10:00", "Thursday 4 March 2027, 10:00"],
        "Next visit: Thursday 4 March 2027, 10:00",
    ),
    "which_weekday": (
        "Ana, today 13:30, next Wednesday 10:00",
        ["Wednesday 25 November 2026, 10:00", "Wednesday 2 December 2026, 10:00"],
        "Next visit: Wednesday 2 December 2026, 10:00",
    ),
    "morning_or_afternoon": (
        "Ana, today 13:30, next 2026-12-21 2:30",
        ["Monday 21 December 2026, 02:30", "Monday 21 December 2026, 14:30"],
        "Next visit: Monday 21 December 2026, 14:30",
    ),
    "after_midnight": (
        "Ana, today 23:50",
        ["Monday 23 November 2026, 23:50"],
        "ended yesterday at 23:50",
    ),
    "deep": ("Ana, today 13:30, 5 mm", ["5 mm", "0.5 mm"], "Depth: 0.5 mm"),
    "is_it_next": (
        "Ana, today 13:30, 2026-12-21 10:00",
        ["Monday 21 December 2026, 10:00"],
        "Next visit: Monday 21 December 2026, 10:00",
    ),
}


def test_there_is_a_line_for_every_question() -> None:
    assert set(CHOICES) == set(get_args(ChoiceKey))


@pytest.mark.parametrize(("key", "case"), CHOICES.items())
def test_what_is_unclear_is_asked_with_buttons(
    counter: Counter, key: ChoiceKey, case: tuple[str, list[str], str]
) -> None:
    line, labels, understood = case
    if key == "after_midnight":
        counter.now = datetime(2026, 11, 24, 0, 20, tzinfo=UTC)
    asked = counter.say(OWNER, f"/newsession {line}")
    assert "Nothing is saved yet" not in asked
    assert counter.labels(OWNER) == labels
    assert understood in counter.press(OWNER, labels[-1])
    assert f"→ {labels[-1]}" in counter.edits[-1]
    assert "Save session" in counter.labels(OWNER)


def test_an_answer_that_leads_to_a_problem_is_said(counter: Counter) -> None:
    counter.say(OWNER, "/newsession Ana, 2026-11-20 13:30, next 1/12/2026 10:00")
    said = counter.press(OWNER, "Monday 12 January 2026, 10:00")
    assert "I did not save anything" in said
    assert "2026-01-12" in said


def test_a_button_of_an_answered_question_does_not_answer_the_next(counter: Counter) -> None:
    counter.say(OWNER, "/newsession Ana, 11/12/2026 13:00, next 3/4/2027 10:00")
    counter.now = datetime(2026, 12, 11, 14, 0, tzinfo=UTC)
    counter.say(OWNER, "/newsession Ana, 5/12/2026 13:00, next 3/4/2027 10:00")
    first = counter.labels(OWNER)
    stale = counter.action(OWNER, first[0])
    counter.press(OWNER, first[0])
    asked = counter.labels(OWNER)
    assert counter.send(OWNER, stale) == ""
    assert counter.labels(OWNER) == asked
    counter.press(OWNER, asked[0])
    shown = counter.press(OWNER, "Save session")
    assert LINK.search(shown)
    assert counter.sessions()[0].next_at == datetime(2027, 4, 3, 9, 0, tzinfo=UTC)


def test_a_save_button_before_the_last_answer_asks_instead(counter: Counter) -> None:
    counter.say(OWNER, "/newsession Ana, today 13:30, next 3/4/2027 10:00")
    assert "two ways" in counter.send(OWNER, "draft:1:save")
    assert counter.sessions() == []


# --- what was recommended


@pytest.mark.parametrize("use", ["retinol 0.5%", "Vitamin C serum", "glycolic acid", "make-up"])
def test_what_a_rule_still_forbids_is_asked_from_when(counter: Counter, use: str) -> None:
    asked = counter.say(OWNER, f"/newsession Ana, today 13:30, 1.0 mm, use: {use}")
    assert "From when" in asked
    assert use in asked
    assert "Save session" not in counter.labels(OWNER)
    shown = counter.press(OWNER, "After 14 days")
    assert "Recommended (shown from 14 days after the session)" in shown
    counter.press(OWNER, "Save session")
    assert counter.sessions()[0].recommended_from_hours == 336


def test_the_rules_own_hour_comes_first(counter: Counter) -> None:
    counter.say(OWNER, "/newsession Ana, today 13:30, 1.0 mm, use: tretinoin")
    assert counter.labels(OWNER)[0] == "After 7 days (as in the plan)"
    counter.say(OWNER, "/newsession Ana, today 13:30, RF, use: tretinoin")
    assert counter.labels(OWNER)[0] == "After 14 days (as in the plan)"


def test_straight_away_is_an_answer(counter: Counter) -> None:
    counter.say(OWNER, "/newsession Ana, today 13:30, 1.0 mm, use: mineral make-up")
    shown = counter.press(OWNER, "Straight away")
    assert "Recommended: " in shown
    counter.press(OWNER, "Save session")
    assert counter.sessions()[0].recommended_from_hours == 0


def test_from_when_is_answered_once(counter: Counter) -> None:
    counter.say(OWNER, "/newsession Ana, today 13:30, 1.0 mm, use: retinol")
    stale = counter.action(OWNER, "Straight away")
    counter.press(OWNER, "After 14 days")
    assert counter.send(OWNER, stale) == ""
    counter.press(OWNER, "Save session")
    assert counter.sessions()[0].recommended_from_hours == 336


@pytest.mark.parametrize("hours", [0.5, 24.4, 36.5])
def test_a_clinics_own_hour_need_not_be_a_whole_one(
    counter: Counter, tmp_path: Path, hours: float
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    of_profiles = (f"profiles.{key}" for key in load().rules["makeup"].profiles)
    values = [f"makeup.{it} = {hours}\n" for it in ("from_hours", *of_profiles)]
    (own / "rules.toml").write_text("".join(values))
    counter.desk = replace(counter.desk, library=load(own))
    counter.say(OWNER, "/newsession Ana, today 13:30, 1.0 mm, use: mineral make-up")
    counter.press(OWNER, f"After {hours} hours (as in the plan)")
    assert "Save session" in counter.labels(OWNER)
    counter.press(OWNER, "Save session")
    assert counter.sessions()[0].recommended_from_hours == hours


def test_only_an_hour_that_was_offered_can_be_picked(counter: Counter) -> None:
    counter.say(OWNER, "/newsession Ana, today 13:30, 1.0 mm, use: retinol")
    for n in range(len(counter.labels(OWNER)), 8):
        assert counter.send(OWNER, f"draft:1:from:{n}") == ""
    assert "Save session" not in counter.labels(OWNER)


@pytest.mark.parametrize("use", ["hyaluronic acid", "SPF 50", "gentle cleanser, plain cream"])
def test_what_is_harmless_is_not_asked_about(counter: Counter, use: str) -> None:
    assert "Nothing is saved yet" in counter.say(OWNER, f"/newsession Ana, 13:30, use: {use}")


def test_what_reads_like_a_field_inside_the_recommendation_is_noted(counter: Counter) -> None:
    shown = counter.say(OWNER, "/newsession Ana, 13:30, use: plain cream, next 2026-12-21 10:00")
    assert "“next 2026-12-21 10:00” is read as part of the recommendation" in shown


# --- how this session differs from others of its kind


def test_hours_of_this_session_are_shown_back_and_saved(counter: Counter) -> None:
    line = "Ana, 13:30, 1.0 mm, no sauna 10 days, makeup from 24 h, no sport 72 h, marks easily"
    shown = counter.say(OWNER, f"/newsession {line}")
    assert "Skin: marks easily" in shown
    assert "This session: no sauna, steam or hot tub for 10 days (usual: 7 days)" in shown
    assert "This session: no make-up for 24 hours. Earlier than usual (72 hours)." in shown
    assert "This session: no sport for 72 hours (as usual)" in shown
    assert "earlier than usual. “Save session” confirms them" in shown
    assert counter.sessions() == []
    counter.press(OWNER, "Save session")
    assert "confirms them" not in counter.edits[-1]
    assert "Earlier than usual (72 hours)" in counter.edits[-1]
    saved = counter.sessions()[0]
    assert saved.marks_easily
    assert json.loads(saved.overrides or "") == {"heat": 240, "makeup": 24, "exercise": 72}
    listed = counter.say(OWNER, "/sessions")
    assert "Skin: marks easily" in listed
    assert "no sauna, steam or hot tub for 10 days" in listed


def test_a_session_like_any_other_says_nothing_of_its_own(counter: Counter) -> None:
    assert "This session" not in counter.say(OWNER, f"/newsession {LINE}")
    counter.press(OWNER, "Save session")
    saved = counter.sessions()[0]
    assert (saved.marks_easily, saved.overrides) == (False, None)
    assert "Skin" not in counter.say(OWNER, "/sessions")


def test_what_follows_from_an_hour_is_shown_too(counter: Counter) -> None:
    shown = counter.say(OWNER, "/newsession Ana, 13:30, 1.0 mm, no water 30 h")
    assert "no water on treated skin for 30 hours (usual: 4 hours)" in shown
    assert "no cleanser for 30 hours (usual: 24 hours)" in shown
    assert "earlier than usual" not in shown


def test_a_spanish_clinic_says_and_reads_it_in_spanish(counter: Counter) -> None:
    counter.ask(lambda tx: setattr(tx.get_one(Clinic, 1), "language", "es"))
    line = "Ana, hoy 13:30, 1,0 mm, sin sauna 10 días, maquillaje desde las 24 h, se mancha fácil"
    shown = counter.say(OWNER, f"/newsession {line}")
    assert "sin sauna, vapor ni jacuzzi durante 10 días" in shown
    assert "Antes de lo habitual (72 horas)" in shown
    assert "se mancha fácil" in shown


def test_the_hours_of_a_session_are_in_every_text_its_patient_gets(counter: Counter) -> None:
    counter.enrol(PATIENT, "Ana, 13:30, 1.0 mm, no sauna 10 days, makeup from 96 h")
    assert "Until 3 December, 13:30: no sauna, steam or hot tub." in counter.say(PATIENT, "/today")
    plan = counter.say(PATIENT, "/plan")
    assert "Thursday 3 December, 13:30: sauna, steam and hot tub" in plan
    assert "Friday 27 November, 13:30: make-up with clean brushes" in plan
    assert "Thursday 3 December, 13:30" in str(
        answers.about(counter.desk.library, "heat", counter.ask(_situation, counter.now)).reply
    )
    due = {row.step: row.due_at for row in counter.rows()}
    assert due["check_72"] == datetime(2026, 11, 27, 13, 30, tzinfo=UTC)
    assert due["day7"] == datetime(2026, 11, 30, 13, 30, tzinfo=UTC)


def _situation(tx: Transaction, now: datetime) -> Situation:
    return people.situation(tx, people.who_is(tx, PATIENT), now)


def test_what_is_recommended_waits_for_the_hour_of_this_session(counter: Counter) -> None:
    line = "Ana, today 13:30, 1.0 mm, no retinol 10 days, use: retinol"
    counter.say(OWNER, f"/newsession {line}")
    assert counter.labels(OWNER)[0] == "After 10 days (as in the plan)"


def test_what_is_read_out_keeps_to_the_hours_of_this_session(counter: Counter) -> None:
    counter.say(OWNER, "/newsession Ana, 13:30, 1.0 mm, no water 12 h")
    assert "no water on it for the first 12 hours" in counter.press(OWNER, "Save session")


@pytest.mark.parametrize(
    ("area", "visit", "weeks"),
    [
        ("face", "2026-12-20", None),
        ("face", "2026-12-19", 4),
        ("body", "2026-12-20", 6),
        ("body", "2027-01-04", None),
    ],
)
def test_a_visit_sooner_than_usual_is_pointed_out(
    counter: Counter, area: str, visit: str, weeks: int | None
) -> None:
    shown = counter.say(OWNER, f"/newsession Ana, 13:30, {area}, next {visit} 14:00")
    assert "Save session" in counter.labels(OWNER)
    said = f"less than {weeks} weeks after this session"
    assert (said in shown) if weeks else ("weeks after this session" not in shown)


# --- after saving


def test_a_saved_session_comes_with_link_code_picture_and_words_to_read_out(
    counter: Counter,
) -> None:
    counter.say(OWNER, f"/newsession {LINE}")
    said = counter.press(OWNER, "Save session")
    text, picture = counter.shown[OWNER][-2:]
    link, typed = LINK.search(said), TYPED.search(said)
    assert link
    assert typed
    assert "@rosewood_bot" in said
    assert counter.labels(OWNER) == ["Undo"]
    assert picture.qr == link[0]
    assert not text.protect, "the link is there to be given away"
    assert "No Telegram? Read this out" in said
    assert "Call Rosewood Clinic on +44 20 7946 0000" in said
    assert "Call 999 at once" in said
    assert "I agree" in counter.say(PATIENT, f"/start {typed[0]}") + str(counter.labels(PATIENT))


@pytest.mark.parametrize(
    ("session", "dry"), [("1.0 mm", "4 hours"), ("RF", "6 hours"), ("scalp, 1.0 mm", "24 hours")]
)
def test_what_is_read_out_holds_for_this_session(counter: Counter, session: str, dry: str) -> None:
    counter.say(OWNER, f"/newsession Ana, 13:30, {session}")
    assert f"no water on it for the first {dry}" in counter.press(OWNER, "Save session")


def test_the_picture_is_the_link() -> None:
    link = "https://t.me/rosewood_bot?start=abcdefghijklmnopqrstuv"
    drawn = _pixels(qr_picture(link))
    expected = [list(row) for row in segno.make(link, error="m").matrix_iter(scale=8, border=4)]
    assert drawn == expected


def _pixels(png: bytes) -> list[list[int]]:
    """1 for dark: a one-bit greyscale PNG, as it is read by the PNG specification."""
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    assert (depth, colour) == (1, 0)
    at, data = 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    raw, stride = zlib.decompress(data), (width + 7) // 8 + 1
    rows, above = [], bytes(stride - 1)
    for n in range(height):
        kind, row = raw[n * stride], raw[n * stride + 1 : (n + 1) * stride]
        assert kind in (0, 2), "as it is, or what differs from the row above"
        above = bytes((a + b) % 256 for a, b in zip(row, above, strict=True)) if kind else row
        rows.append([1 - (above[x // 8] >> (7 - x % 8) & 1) for x in range(width)])
    return rows


# --- undo


def test_undo_takes_it_back_and_the_link_opens_nothing(counter: Counter) -> None:
    code = counter.record()
    assert "The session of Ana López is not saved" in counter.press(OWNER, "Undo")
    assert counter.sessions() == []
    assert "I agree" not in counter.say(PATIENT, f"/start {code}")
    assert counter.labels(PATIENT) == []


def test_undo_twice_says_it_is_done(counter: Counter) -> None:
    counter.record()
    counter.press(OWNER, "Undo")
    assert counter.press(OWNER, "Undo") == ""
    assert "taken back or cancelled already" in counter.toasts[-1]


def test_undo_works_while_the_patient_only_looks_and_not_once_they_agreed(
    counter: Counter,
) -> None:
    counter.say(PATIENT, f"/start {counter.record()}")
    undo = counter.action(OWNER, "Undo")
    counter.press(PATIENT, "I agree")
    assert "too late for Undo: Ana López has agreed" in counter.send(OWNER, undo)
    assert len(counter.sessions()) == 1
    counter.say(OTHER, f"/start {counter.record('Ben, 13:00')}")
    counter.press(OWNER, "Undo")
    assert len(counter.sessions()) == 1
    assert counter.press(OTHER, "I agree")
    assert not any(patient.account == OTHER for patient in counter.patients())


# --- the same person again


NEWER = "ana lópez, 2026-11-23 16:00, 1.0 mm, 3/4, next 2027-01-18 10:00"


def test_the_same_person_needs_no_link_and_the_plan_is_made_at_once(counter: Counter) -> None:
    counter.enrol(PATIENT, "Ana López, 2026-11-02 13:30, 1.0 mm, 1/4")
    counter.now = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
    assert "already a patient of this name" in counter.say(OWNER, f"/newsession {NEWER}")
    shown = counter.press(OWNER, "Same person as on Monday 2 November, 13:30")
    assert "start without a new link" in shown
    said = counter.press(OWNER, "Save session")
    assert "No link is needed" in said
    assert not LINK.search(said)
    assert len(counter.patients()) == 1
    older, newer = counter.sessions()
    states = {(row.treatment_id, row.state, row.reason) for row in counter.rows()}
    assert (newer.id, "scheduled", None) in states
    assert (older.id, "scheduled", None) not in states
    assert (older.id, "skipped", "superseded") in states


def test_undo_of_the_newer_session_brings_the_older_plan_back(counter: Counter) -> None:
    counter.enrol(PATIENT, "Ana López, today 13:30, 1.0 mm, 1/4")
    before = {row.step: row.state for row in counter.rows()}
    counter.say(OWNER, "/newsession Ana López, today 13:45, 1.0 mm, 2/4")
    counter.press(OWNER, "Same person as on Monday 23 November, 13:30")
    counter.press(OWNER, "Save session")
    counter.press(OWNER, "Undo")
    older = counter.sessions()[0]
    after = {row.step: row.state for row in counter.rows() if row.treatment_id == older.id}
    assert after == before


def test_for_somebody_known_undo_is_too_late_once_a_message_went_out(counter: Counter) -> None:
    counter.enrol(PATIENT)
    counter.say(OWNER, "/newsession Ana López, today 13:45")
    counter.press(OWNER, "Same person as on Monday 23 November, 13:30")
    counter.press(OWNER, "Save session")

    newest = counter.sessions()[-1]
    row_id = next(row.id for row in counter.rows() if row.treatment_id == newest.id)
    row_type = type(counter.rows()[0])

    def one_went_out(tx) -> None:  # type: ignore[no-untyped-def]
        row = tx.get(row_type, row_id)
        row.state, row.try_at, row.attempts = "sent", None, 1

    counter.ask(one_went_out)
    assert "too late for Undo" in counter.press(OWNER, "Undo")
    assert len(counter.sessions()) == 2


def test_somebody_else_of_this_name_can_be_said_after_all(counter: Counter) -> None:
    counter.enrol(PATIENT)
    counter.say(OWNER, "/newsession Ana López, today 13:45")
    counter.press(OWNER, "Same person as on Monday 23 November, 13:30")
    counter.press(OWNER, "Somebody else of this name")
    assert LINK.search(counter.press(OWNER, "Save session"))
    assert len(counter.patients()) == 2


def test_saved_without_the_button_it_is_a_new_patient(counter: Counter) -> None:
    counter.enrol(PATIENT)
    assert counter.record("Ana López, today 13:45")
    assert [patient.name for patient in counter.patients()] == ["Ana López"] * 2


def test_a_known_patient_who_has_not_agreed_gets_a_new_link(counter: Counter) -> None:
    counter.record("Ana López, today 13:30")
    counter.say(OWNER, "/newsession Ana López, today 13:45")
    shown = counter.press(OWNER, "Same person as on Monday 23 November, 13:30")
    assert "has not agreed yet and gets a new link" in shown
    code = LINK.search(counter.press(OWNER, "Save session"))
    assert code
    assert len(counter.patients()) == 1
    counter.say(PATIENT, f"/start {code[1]}")
    counter.press(PATIENT, "I agree")
    scheduled = {row.treatment_id for row in counter.rows() if row.state == "scheduled"}
    assert scheduled == {counter.sessions()[-1].id}


@pytest.mark.parametrize(
    ("stop", "told"),
    [
        ("Everything off", "has stopped all messages, so nothing is sent"),
        ("Tips off, keep appointments", "wants reminders for visits only"),
    ],
)
def test_staff_are_told_when_a_known_patient_gets_no_messages(
    counter: Counter, stop: str, told: str
) -> None:
    counter.enrol(PATIENT)
    counter.say(PATIENT, "/stop")
    counter.press(PATIENT, stop)
    counter.say(OWNER, "/newsession Ana López, today 13:45, 1.0 mm")
    counter.press(OWNER, "Same person as on Monday 23 November, 13:30")
    said = counter.press(OWNER, "Save session")
    assert told in said
    assert "Read this out" in said


def test_a_forged_patient_of_another_name_is_only_the_clinics_own(counter: Counter) -> None:
    counter.record("Ben, 13:00")
    counter.say(OWNER, f"/newsession {LINE}")
    counter.send(OWNER, "draft:2:same:999")
    counter.press(OWNER, "Save session")
    assert [patient.name for patient in counter.patients()] == ["Ben", "Ana López"]


# --- receptionists' own lines


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Ana, 13.30, cara, 1,5 mm, 2/4", ["13:30", "Depth: 1.5 mm"]),
        ("Ana, today 1:30 pm, neck, 0,5mm", ["13:30", "Area: neck", "Depth: 0.5 mm"]),
        ("Ana, 13:30, use: serum, SPF 50, cream", ["serum, SPF 50, cream"]),
        ("Ana, 13:30, use: a, b, next: 2026-12-21 10:00", ["a, b", "21 December 2026, 10:00"]),
        ("Ana\ntoday 13:30\nface\n1.0 mm", ["Name: Ana", "Depth: 1.0 mm"]),
        ("O'Brien-Smith, 13:30, in 4 weeks 10:00", ["Name: O'Brien-Smith"]),
        ("Ana, 20 minutes ago, RF, scalp", ["ended today at 13:40", "Device: RF", "Area: scalp"]),
    ],
)
def test_a_receptionists_line_is_read(counter: Counter, line: str, shown: list[str]) -> None:
    said = counter.say(OWNER, f"/newsession {line}")
    if "in 4 weeks" in line:
        said = counter.press(OWNER, counter.labels(OWNER)[0])
    for part in shown:
        assert part in said, said


NAMES = [
    "<b>&\"'",
    "</b><i>",
    "👩🏽‍⚕️ Zoë 🌸",
    "آنا لوبيز",
    "{name}",
    "&amp;",
    "Ñ" * 300,
    "🌸" * 300,
    "&" * 300,
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_shown_as_it_is_and_breaks_no_message(counter: Counter, name: str) -> None:
    assert f"Name: {name}\n" in counter.say(OWNER, f"/newsession {name}, today 13:30")
    assert name in counter.press(OWNER, "Save session")
    assert name in counter.say(OWNER, "/sessions")
    assert name in counter.press(OWNER, "New link for 1")
    assert name in counter.say(OWNER, f"/reschedule {name}, 2026-12-21 10:00")
    assert name in counter.press(OWNER, "Change the visit")
    assert name in counter.say(OWNER, f"/newsession {name}, today 13:40")
    counter.press(OWNER, "Save session")
    assert name in counter.say(OWNER, f"/cancel {name}")
    assert name in counter.press(OWNER, counter.labels(OWNER)[0])
    assert name in counter.press(OWNER, "Cancel this session")
    assert name in counter.press(OWNER, "Undo") or counter.toasts


def test_the_longest_name_with_the_longest_recommendation_is_shown(counter: Counter) -> None:
    use = "face," * 120
    line = f"{'🌸' * 300}, today 13:30, use: {use[:600]}"
    counter.say(OWNER, f"/newsession {line}")
    assert LINK.search(counter.press(OWNER, "Save session"))


# --- over the wire


async def test_a_line_corrected_by_editing_it_is_read_like_a_new_one(story: Story) -> None:
    wrong = story.owner.say("/newsession Ana, today 13:30, banana")
    assert "I did not save anything" in (await story.reads(story.owner))[-1]
    story.owner.edit(wrong, "/newsession Ana, today 13:30, face")
    assert "Nothing is saved yet" in (await story.reads(story.owner))[-1]
    story.owner.press("Save session")
    saved = await story.reads(story.owner)
    assert "Saved." in saved[0]
    picture = story.owner.received[-1]
    link = next(word for word in saved[0].split() if word.startswith("https://t.me/"))
    assert picture.photo == qr_picture(link)


def test_a_stranger_is_told_there_is_no_such_command(counter: Counter) -> None:
    assert "do not know that command" in counter.say(STRANGER, f"/newsession {LINE}")
