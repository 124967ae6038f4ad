"""`/sessions`, `/reschedule` and `/cancel`, at the counter."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from storage import people
from storage.database import Transaction
from tests.counter import LINE, LINK, OTHER, OWNER, PATIENT, Counter, counter, empty
from tests.story import Story

__all__ = ["counter", "empty"]

APPOINTMENT = ("precare", "coming", "today")


def occasions(counter: Counter) -> dict[str, set[tuple[str, str | None]]]:
    """By the moment of the visit: the states of its reminders."""
    found: dict[str, set[tuple[str, str | None]]] = {}
    for row in counter.rows():
        if row.step in APPOINTMENT:
            moment = row.occasion.partition(":")[2]
            found.setdefault(moment, set()).add((row.state, row.reason))
    return found


# --- /sessions


def test_without_sessions_it_says_so(counter: Counter) -> None:
    assert "No sessions in the last 30 days" in counter.say(OWNER, "/sessions")


def test_each_session_says_how_far_its_patient_is(counter: Counter) -> None:
    code = counter.record()
    assert "Has not opened the link yet" in counter.say(OWNER, "/sessions")
    counter.say(PATIENT, f"/start {code}")
    assert "Opened the link, has not answered yet" in counter.say(OWNER, "/sessions")
    counter.press(PATIENT, "No, thanks")
    assert "Said “No, thanks”" in counter.say(OWNER, "/sessions")
    counter.say(PATIENT, f"/start {code}")
    counter.press(PATIENT, "I agree")
    shown = counter.say(OWNER, "/sessions")
    assert "Agreed." in shown
    assert "Ended Monday 23 November, 13:30. Next visit: Monday 21 December 2026, 10:00." in shown


@pytest.mark.parametrize("opened", [False, True])
def test_a_link_that_ran_out_is_told(counter: Counter, opened: bool) -> None:
    code = counter.record()
    if opened:
        counter.say(PATIENT, f"/start {code}")
    counter.move(days=7)
    assert "the link has run out" in counter.say(OWNER, "/sessions")


@pytest.mark.parametrize(
    ("button", "state"),
    [
        ("Everything off", "Agreed earlier, then stopped everything"),
        ("Tips off, keep appointments", "Tips are off, reminders for visits are on"),
    ],
)
def test_who_stopped_is_told(counter: Counter, button: str, state: str) -> None:
    counter.enrol(PATIENT)
    counter.say(PATIENT, "/stop")
    counter.press(PATIENT, button)
    assert state in counter.say(OWNER, "/sessions")


def test_who_cannot_be_reached_is_told(counter: Counter) -> None:
    counter.enrol(PATIENT)

    def blocked(tx: Transaction) -> None:
        people.unreachable(tx, PATIENT, counter.now, "blocked")

    counter.ask(blocked)
    assert "cannot be reached on Telegram" in counter.say(OWNER, "/sessions")


def test_five_at_a_time_newest_first(counter: Counter) -> None:
    for n in range(1, 13):
        counter.record(f"Patient {n:02}, {n:02}:00")
    first = counter.say(OWNER, "/sessions")
    assert "1. Patient 12" in first
    assert "5. Patient 08" in first
    assert "Patient 07" not in first
    second = counter.press(OWNER, "Show more")
    assert "6. Patient 07" in second
    third = counter.press(OWNER, "Show more")
    assert "12. Patient 01" in third
    assert "Show more" not in counter.labels(OWNER)
    assert counter.labels(OWNER) == ["New link for 11", "New link for 12"]
    assert "1. Patient 12" in counter.say(OWNER, "/sessions 5")
    assert "There are no more" in counter.send(OWNER, "sessions:500")


@pytest.mark.parametrize("letter", ["🌸", "&", "Ñ"])
def test_a_page_of_the_longest_names_is_one_message(counter: Counter, letter: str) -> None:
    for n in range(6):
        counter.record(f"{n}{letter * 299}, 1{n}:00, 10/10, next 2026-12-23 10:00")
    shown = counter.say(OWNER, "/sessions")
    assert shown.count(letter * 299) == 5


def test_older_sessions_leave_the_list_unless_a_visit_is_ahead(counter: Counter) -> None:
    counter.record("Old, today 13:30")
    counter.record("Booked, today 13:00, next 2027-03-01 10:00")
    counter.move(days=31)
    shown = counter.say(OWNER, "/sessions")
    assert "Booked" in shown
    assert "Old" not in shown


def test_a_new_link_ends_the_old_one(counter: Counter) -> None:
    old = counter.record()
    counter.say(OWNER, "/sessions")
    said = counter.press(OWNER, "New link for 1")
    assert "The old one no longer works" in said
    new = LINK.search(said)
    assert new
    counter.say(PATIENT, f"/start {old}")
    assert counter.labels(PATIENT) == []
    counter.say(PATIENT, f"/start {new[1]}")
    assert "I agree" in counter.labels(PATIENT)
    picture = counter.shown[OWNER][-1]
    assert picture.qr == new[0]


def test_whoever_agreed_needs_no_new_link(counter: Counter) -> None:
    counter.enrol(PATIENT)
    counter.say(OWNER, "/sessions")
    assert counter.send(OWNER, "link:1") == ""
    assert "agreed already" in counter.toasts[-1]


def test_a_cancelled_session_gets_no_new_link(counter: Counter) -> None:
    counter.record()
    counter.press(OWNER, "Undo")
    assert counter.send(OWNER, "link:1") == ""
    assert "taken back or cancelled" in counter.toasts[-1]


# --- /reschedule


@pytest.mark.parametrize("line", ["", "Ana López", ", 2026-12-20 10:00"])
def test_half_a_line_is_told_how(counter: Counter, line: str) -> None:
    counter.record()
    assert "/reschedule Ana López, 2026-12-20 10:00" in counter.say(OWNER, f"/reschedule {line}")


@pytest.mark.parametrize("name", ["Nobody", "<b>&", "🌸" * 2000])
def test_a_name_that_is_not_known_is_said(counter: Counter, name: str) -> None:
    assert "I do not find a patient called" in counter.say(OWNER, f"/reschedule {name}, none")
    assert "I do not find a patient called" in counter.say(OWNER, f"/cancel {name}")


def test_a_visit_is_moved_by_one_button_and_the_reminders_follow(counter: Counter) -> None:
    counter.enrol(PATIENT)
    shown = counter.say(OWNER, "/reschedule ana lópez, 2026-12-22 15:00")
    assert "The next visit will be on Tuesday 22 December 2026, 15:00" in shown
    assert "Nothing is changed yet" in shown
    assert list(occasions(counter)) == ["2026-12-21T10:00:00+00:00"]
    assert "is on Tuesday 22 December 2026, 15:00" in counter.press(OWNER, "Change the visit")
    assert occasions(counter) == {
        "2026-12-21T10:00:00+00:00": {("skipped", "moved")},
        "2026-12-22T15:00:00+00:00": {("scheduled", None)},
    }


def test_moved_there_and_back_no_reminder_is_of_the_time_between(counter: Counter) -> None:
    counter.enrol(PATIENT)
    for when in ("2026-12-22 15:00", "2026-12-21 10:00"):
        counter.say(OWNER, f"/reschedule Ana López, {when}")
        counter.press(OWNER, "Change the visit")
    scheduled = [r for r in counter.rows() if r.step in APPOINTMENT and r.state == "scheduled"]
    assert len(scheduled) == 3
    assert {row.occasion.partition(":")[2] for row in scheduled} == {"2026-12-21T10:00:00+00:00"}


def test_a_visit_is_set_where_there_was_none(counter: Counter) -> None:
    counter.enrol(PATIENT, "Ana López, today 13:30")
    assert occasions(counter) == {}
    counter.say(OWNER, "/reschedule Ana López, in 4 weeks 10:00")
    counter.press(OWNER, "Change the visit")
    assert list(occasions(counter)) == ["2026-12-21T10:00:00+00:00"]


@pytest.mark.parametrize("word", ["none", "remove", "no"])
def test_a_visit_is_removed(counter: Counter, word: str) -> None:
    counter.enrol(PATIENT)
    shown = counter.say(OWNER, f"/reschedule Ana López, {word}")
    assert "The next visit will be removed" in shown
    assert "has no next visit any more" in counter.press(OWNER, "Change the visit")
    assert occasions(counter) == {"2026-12-21T10:00:00+00:00": {("skipped", "moved")}}


def test_removed_means_the_visit_of_an_older_session_too(counter: Counter) -> None:
    counter.enrol(PATIENT, "Ana López, 2026-11-02 13:30, next 2026-12-21 10:00")
    counter.say(OWNER, "/newsession Ana López, today 13:30")
    counter.press(OWNER, "Same person as on Monday 2 November, 13:30")
    counter.press(OWNER, "Save session")
    assert ("scheduled", None) in occasions(counter)["2026-12-21T10:00:00+00:00"]
    counter.say(OWNER, "/reschedule Ana López, none")
    counter.press(OWNER, "Change the visit")
    assert all(("scheduled", None) not in states for states in occasions(counter).values())


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("banana", "I do not understand this part"),
        ("2026-12-21", "at what time"),
        ("2026-11-01 10:00", "before this session ended"),
        ("today 13:45", "in the past"),
        ("2036-12-21 10:00", "more than two years away"),
    ],
)
def test_a_wrong_date_is_said_and_changes_nothing(counter: Counter, when: str, told: str) -> None:
    counter.enrol(PATIENT)
    said = counter.say(OWNER, f"/reschedule Ana López, {when}")
    assert told in said
    assert "/reschedule Ana López" in said
    assert counter.send(OWNER, "change:2:do") == ""
    assert list(occasions(counter)) == ["2026-12-21T10:00:00+00:00"]


def test_a_slashed_date_is_asked_about_and_not_guessed(counter: Counter) -> None:
    counter.enrol(PATIENT)
    counter.say(OWNER, "/reschedule Ana López, 3/4/2027 10:00")
    assert counter.labels(OWNER) == [
        "Saturday 3 April 2027, 10:00", "Thursday 4 March 2027, 10:00",
    ]  # fmt: skip
    assert "two ways" in counter.send(OWNER, "change:2:do")
    stale = counter.action(OWNER, "Saturday 3 April 2027, 10:00")
    shown = counter.press(OWNER, "Thursday 4 March 2027, 10:00")
    assert "will be on Thursday 4 March 2027, 10:00" in shown
    assert counter.send(OWNER, stale) == ""
    counter.press(OWNER, "Change the visit")
    assert counter.sessions()[0].next_at == datetime(2027, 3, 4, 10, 0, tzinfo=UTC)


def test_a_visit_that_was_ahead_when_written_is_not_set_once_it_has_passed(
    counter: Counter,
) -> None:
    counter.enrol(PATIENT)
    counter.say(OWNER, "/reschedule Ana López, today 16:00")
    counter.move(hours=3)
    assert "in the past" in counter.press(OWNER, "Change the visit")
    assert list(occasions(counter)) == ["2026-12-21T10:00:00+00:00"]


def test_left_as_it_is_nothing_changes(counter: Counter) -> None:
    counter.enrol(PATIENT)
    counter.say(OWNER, "/reschedule Ana López, none")
    do = counter.action(OWNER, "Change the visit")
    counter.press(OWNER, "Leave it as it is")
    assert "The visit stays as it was" in counter.edits[-1]
    assert counter.send(OWNER, do) == ""
    assert list(occasions(counter)) == ["2026-12-21T10:00:00+00:00"]


def test_several_of_that_name_are_told_apart_by_their_sessions(counter: Counter) -> None:
    counter.enrol(PATIENT)
    counter.enrol(OTHER, "Ana López, today 12:00")
    asked = counter.say(OWNER, "/reschedule Ana López, 2026-12-22 15:00")
    assert "several patients called “Ana López”" in asked
    labels = ["The one of Monday 23 November, 13:30", "The one of Monday 23 November, 12:00"]
    assert counter.labels(OWNER) == labels
    stale = counter.action(OWNER, labels[0])
    counter.press(OWNER, labels[1])
    assert counter.send(OWNER, stale) == ""
    counter.press(OWNER, "Change the visit")
    first, second = counter.sessions()
    assert first.next_at == datetime(2026, 12, 21, 10, 0, tzinfo=UTC)
    assert second.next_at == datetime(2026, 12, 22, 15, 0, tzinfo=UTC)


# --- /cancel


@pytest.mark.parametrize("line", ["", "Ana López, today"])
def test_cancel_is_told_how(counter: Counter, line: str) -> None:
    assert "/cancel Ana López" in counter.say(OWNER, f"/cancel {line}")


def test_a_cancelled_session_sends_nothing_more(counter: Counter) -> None:
    counter.enrol(PATIENT)
    assert "Nothing is changed yet" in counter.say(OWNER, "/cancel Ana López")
    assert len(counter.sessions()) == 1
    do = counter.action(OWNER, "Cancel this session")
    assert "is cancelled" in counter.press(OWNER, "Cancel this session")
    assert counter.sessions() == []
    assert all(row.try_at is None for row in counter.rows())
    assert counter.send(OWNER, do) == ""
    assert "No sessions" in counter.say(OWNER, "/sessions")


def test_a_session_taken_back_meanwhile_is_not_changed(counter: Counter) -> None:
    counter.record()
    counter.say(OWNER, "/reschedule Ana López, 2026-12-22 15:00")
    counter.send(OWNER, "undo:1")
    assert counter.press(OWNER, "Change the visit") == ""
    assert "Nothing was changed" in counter.toasts[-1]


def test_cancelling_the_newer_session_brings_the_older_plan_back(counter: Counter) -> None:
    counter.enrol(PATIENT)
    before = {(row.step, row.occasion): row.state for row in counter.rows()}
    counter.say(OWNER, f"/newsession {LINE.replace('13:30', '13:45')}")
    counter.press(OWNER, "Same person as on Monday 23 November, 13:30")
    counter.press(OWNER, "Save session")
    counter.say(OWNER, "/cancel Ana López")
    assert "Ended Monday 23 November, 13:45" in str(counter.shown[OWNER][-1].text)
    counter.press(OWNER, "Cancel this session")
    (older,) = counter.sessions()
    after = {
        (row.step, row.occasion): row.state
        for row in counter.rows()
        if row.treatment_id == older.id
    }
    assert after == before


@pytest.mark.parametrize(
    "forged", ["change:1:nonsense", "change:", "change:1:who:9999", "change:1"]
)
def test_an_invented_action_changes_nothing(counter: Counter, forged: str) -> None:
    counter.enrol(PATIENT)
    counter.say(OWNER, "/cancel Ana López")
    counter.send(OWNER, forged)
    assert len(counter.sessions()) == 1


def test_a_button_of_another_form_does_nothing(counter: Counter) -> None:
    counter.record()
    counter.say(OWNER, "/cancel Ana López")
    assert counter.send(OWNER, "draft:2:save") == ""
    assert len(counter.sessions()) == 1


# --- over the wire


async def test_a_moved_visit_is_reminded_of_at_its_new_time_only(story: Story) -> None:
    await story.enrol(story.ana)
    story.owner.say("/reschedule Ana López, 2026-12-22 15:00")
    await story.reads(story.owner)
    story.owner.press("Change the visit")
    assert "22 December" in (await story.reads(story.owner))[-1]
    await story.reads(story.ana)
    story.move_to(datetime(2026, 12, 19, 10, 0, tzinfo=UTC))
    await story.reads(story.ana)
    story.move_to(datetime(2026, 12, 20, 10, 0, tzinfo=UTC))
    coming = await story.reads(story.ana)
    assert len(coming) == 1
    assert "22 December" in coming[0]
    assert "21 December" not in coming[0]
