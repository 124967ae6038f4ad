"""From a code to `I agree`: what is asked, what is answered at which hour, and what stays shut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

import content.library
from bot.care.session_line import read_line
from bot.care.sessions import cancel_session, invite_patient, record_session
from bot.clock import MovableClock
from bot.simulator import Simulator
from bot.simulator.people import Person
from storage import people
from storage.database import Transaction
from storage.invitations import Codes
from storage.models import Clinic, Patient, Treatment
from tests.story import Story

OWNER = 1001
LINE = "Ana López, today 13:30, face, 1.0 mm, 2/4, next 2026-12-21 10:00, use: plain cream"
PAUSE = 4
"""Seconds in which a chat's burst comes back, so that no test waits for its pacing."""
KIND = "This code cannot be used."
LIBRARY = content.library.load()
LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class Invited:
    """A session recorded for somebody: its codes, and the ids of its rows."""

    link: str
    typed: str
    treatment: int
    patient: int


async def invited(
    story: Story, line: str = LINE, *, name: str | None = None, from_hours: float = 0
) -> Invited:
    """Record a session as the owner's `Save session` does, without the chat about it."""
    return await story.query(_recorded, line, name, from_hours, story.clock.now())


def _recorded(
    tx: Transaction, line: str, name: str | None, from_hours: float, now: datetime
) -> Invited:
    staff = people.staff_by_account(tx, OWNER)
    understood = read_line(line, written_at=now, zone=LONDON, language="en").understood
    assert staff
    assert understood, line
    recorded = record_session(
        tx,
        LIBRARY,
        staff=staff,
        understood=understood,
        recommended_from_hours=from_hours,
        patient=None,
        now=now,
    )
    recorded.patient.name = name or understood.name
    return _with_codes(recorded.codes, recorded.treatment)


def _with_codes(codes: Codes | None, treatment: Treatment) -> Invited:
    assert codes
    assert codes.typed
    return Invited(codes.link, codes.typed, treatment.id, treatment.patient_id)


def _new_link(tx: Transaction, treatment_id: int, now: datetime) -> Invited:
    staff, treatment = people.staff_by_account(tx, OWNER), tx.get_one(Treatment, treatment_id)
    assert staff
    return _with_codes(invite_patient(tx, treatment, staff, now), treatment)


def cancel(tx: Transaction, treatment_id: int, now: datetime) -> None:
    staff = people.staff_by_account(tx, OWNER)
    assert staff
    cancel_session(tx, LIBRARY, tx.get_one(Treatment, treatment_id), staff, now)


def _patients(tx: Transaction) -> list[Patient]:
    return list(tx.execute(select(Patient)).scalars())


async def agreed(story: Story, person: Person, code: str) -> str:
    """Open the code, agree; the answer to `I agree`."""
    person.open(code)
    await story.reads(person)
    person.press("I agree")
    [answer] = await story.reads(person)
    story.move(seconds=PAUSE)
    return answer


async def states(story: Story, patient_only: int | None = None) -> dict[str, str]:
    """What became of each step: its state, with the reason if there is one."""
    return {
        row.step: f"{row.state}({row.reason})" if row.reason else row.state
        for row in await story.rows()
        if patient_only in (None, row.treatment_id)
    }


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of November 2026, when London's clocks show UTC."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


# --- what is asked


async def test_the_consent_text_holds_all_that_must_be_said_before_i_agree(story: Story) -> None:
    story.ana.open((await invited(story)).link)
    [asked] = await story.reads(story.ana)
    for needed in (
        "Rosewood Clinic",
        "up to three a day at first, then fewer, for four weeks",  # what comes, how often
        "automatic",
        "not for emergencies",
        "999",
        "+44 20 7946 0000",
        "Telegram keeps messages on its servers",
        "lock screen can show the first line",
        "What is kept",
        "until you ask the clinic to delete it",  # how long
        "/stop",
        "For a child, a parent or guardian agrees",
    ):
        assert needed in asked
    assert story.ana.messages[-1].labels == ["I agree", "No, thanks"]


async def test_nothing_comes_unasked_before_i_agree(story: Story) -> None:
    story.ana.open((await invited(story)).link)
    await story.reads(story.ana)
    for _ in range(12):
        story.move(hours=12)
        assert await story.reads(story.ana) == []
    assert await story.rows() == []


async def test_opening_the_link_again_or_start_alone_asks_once_more(story: Story) -> None:
    codes = await invited(story)
    for _ in range(2):
        story.ana.open(codes.link)
        [asked] = await story.reads(story.ana)
        assert "Is that all right with you?" in asked
    story.ana.open()
    [asked] = await story.reads(story.ana)
    assert "Is that all right with you?" in asked


# --- the answer to `I agree`, at any hour


async def test_agreed_in_the_afternoon_the_answer_is_for_this_hour(story: Story) -> None:
    answer = await agreed(story, story.ana, (await invited(story)).link)
    assert answer.startswith("Thank you. Rosewood Clinic will write to you here.")
    assert "Your skin now: day 0" in answer
    assert "No water on treated skin before today, 17:30" in answer
    assert "Call 999 now" in answer
    assert "+44 20 7946 0000" in answer
    assert "Rosewood Clinic recommends for you:\nplain cream" in answer
    assert "Next message: Monday 23 November, 14:30" in answer
    assert set((await states(story)).values()) == {"scheduled"}


async def test_agreed_an_hour_and_more_late_what_was_due_is_covered(story: Story) -> None:
    codes = await invited(story)
    story.move_to(at(23, 16, 0))
    answer = await agreed(story, story.ana, codes.link)
    assert (await states(story))["first_hours"] == "skipped(covered)"
    assert "Next message: Monday 23 November, 19:30" in answer
    story.move_to(at(23, 19, 30))
    assert len(await story.reads(story.ana)) == 1


async def test_agreed_at_23_nothing_else_comes_before_the_morning(story: Story) -> None:
    codes = await invited(story)
    story.move_to(at(23, 23, 0))
    answer = await agreed(story, story.ana, codes.link)
    assert "Wash with lukewarm water only" in answer
    assert "Next message: Tuesday 24 November, 08:30" in answer
    found = await states(story)
    assert found["first_hours"] == found["first_evening"] == "skipped(too_late)"
    story.move_to(at(24, 8, 29))
    assert await story.reads(story.ana) == []
    story.move_to(at(24, 8, 30))
    assert len(await story.reads(story.ana)) == 1


async def test_agreed_at_0759_the_mornings_message_still_comes_at_its_hour(story: Story) -> None:
    codes = await invited(story)
    story.move_to(at(24, 7, 59))
    answer = await agreed(story, story.ana, codes.link)
    assert "Your skin now: day 1" in answer
    assert "Next message: Tuesday 24 November, 08:30" in answer
    story.move_to(at(24, 8, 30))
    assert len(await story.reads(story.ana)) == 1


async def test_agreed_right_after_the_morning_message_was_due_it_is_covered(story: Story) -> None:
    codes = await invited(story)
    story.move_to(at(24, 8, 31))
    answer = await agreed(story, story.ana, codes.link)
    assert (await states(story))["next_morning"] == "skipped(covered)"
    assert "no sunscreen before today, 13:30" in answer
    assert "Next message: Tuesday 24 November, 19:00" in answer


async def test_agreed_in_week_2_the_first_week_is_not_sent_and_the_rest_is(story: Story) -> None:
    codes = await invited(story)
    story.move_to(at(30, 12, 0))
    story.ana.open(codes.link)
    await story.reads(story.ana)
    story.move_to(at(30, 13, 0))  # the link is good for 30 minutes or so more
    story.ana.press("I agree")
    [answer] = await story.reads(story.ana)
    assert "Your skin now: day 7" in answer
    assert "Until today, 13:30: no" in answer
    found = await states(story)
    assert found["check_72"] == found["day5"] == "skipped(too_late)"
    assert found["day7"] == found["day14"] == found["precare"] == "scheduled"
    assert "Next message: Monday 30 November, 13:30" in answer


async def test_recorded_30_hours_late_the_plan_begins_where_it_stands(story: Story) -> None:
    answer = await agreed(
        story, story.ana, (await invited(story, "Ana, 22 Nov 2026 08:00, face, 1.0 mm")).link
    )
    assert "Your skin now: day 1" in answer
    assert "Wash gently twice a day" in answer
    found = await states(story)
    assert found["first_hours"] == found["first_evening"] == "skipped(too_late)"
    assert found["next_morning"] == "skipped(covered)"
    assert found["day1_evening"] == "scheduled"
    assert "Next message: Monday 23 November, 19:00" in answer


async def test_recorded_five_weeks_late_nothing_is_left_to_send(story: Story) -> None:
    answer = await agreed(story, story.ana, (await invited(story, "Ana, 19 Oct 2026 08:00")).link)
    assert "Your skin can have its usual care again." in answer
    assert "No more messages are planned." in answer
    story.move(days=60)
    assert await story.reads(story.ana) == []


async def test_agreed_before_the_session_is_over_it_counts_from_its_end(story: Story) -> None:
    answer = await agreed(story, story.ana, (await invited(story, "Ana, today 17:00")).link)
    assert "We count from Monday 23 November, 17:00, when your session ends." in answer
    assert "Next message: Monday 23 November, 18:00" in answer


# --- the recommendation


async def test_a_recommendation_is_quoted_only_from_its_hour(story: Story) -> None:
    codes = await invited(story, "Ana, today 13:30, 1.0 mm, use: vitamin C serum", from_hours=168)
    answer = await agreed(story, story.ana, codes.link)
    assert "vitamin C serum" not in answer
    for command in ("/plan", "/moisturiser"):
        story.ana.say(command)
        assert "vitamin C serum" not in "".join(await story.reads(story.ana))
    story.move_to(at(24, 19))
    assert "vitamin C serum" not in "".join(await story.reads(story.ana))  # day1_evening
    story.move_to(at(30, 13, 31))
    await story.reads(story.ana)
    for command in ("/plan", "/moisturiser"):
        story.ana.say(command)
        assert "recommends for you:\nvitamin C serum" in (await story.reads(story.ana))[0]


async def test_a_recommendation_is_quoted_wherever_it_is_promised(story: Story) -> None:
    quoted = "Rosewood Clinic recommends for you:\nplain cream"
    assert quoted in await agreed(story, story.ana, (await invited(story)).link)
    for command in ("/plan", "/moisturiser"):
        story.ana.say(command)
        assert quoted in (await story.reads(story.ana))[0]
    story.move_to(at(24, 19))
    assert quoted in (await story.reads(story.ana))[-1]


# --- `No, thanks`


async def test_declining_sends_nothing_and_leaves_it_open_for_that_account(story: Story) -> None:
    codes = await invited(story)
    story.ana.open(codes.link)
    await story.reads(story.ana)
    story.ana.press("No, thanks")
    [declined] = await story.reads(story.ana)
    assert "You will not get any messages." in declined
    assert "+44 20 7946 0000" in declined
    assert "999" in declined
    story.move(hours=2)
    assert await story.reads(story.ana) == []
    assert "Thank you" in await agreed(story, story.ana, codes.link)


async def test_no_thanks_under_a_second_copy_after_agreeing_says_how_to_stop(story: Story) -> None:
    codes = await invited(story)
    story.ana.open(codes.link)
    await story.reads(story.ana)
    first = story.ana.received[-1]
    await agreed(story, story.ana, codes.link)
    story.ana.press("No, thanks", message=first)
    [answer] = await story.reads(story.ana)
    assert "/stop" in answer
    assert (await states(story))["next_morning"] == "scheduled"


# --- codes that open nothing


@pytest.mark.parametrize("code", ["ABCDEFGH", "BCDFGHJK", "/start OIEAUYLS"])
async def test_eight_letters_that_open_nothing_get_the_kind_answer(story: Story, code: str) -> None:
    story.ana.open()
    await story.reads(story.ana)
    story.ana.say(code)
    [answer] = await story.reads(story.ana)
    assert "This code cannot be used" in answer


async def test_a_sign_of_danger_in_capitals_is_no_code(story: Story) -> None:
    story.ana.open()
    await story.reads(story.ana)
    story.ana.say("SWELLING")
    [answer] = await story.reads(story.ana)
    assert "This code cannot be used" not in answer


async def test_an_invented_code_gets_the_kind_answer(story: Story) -> None:
    story.ana.open("AbCdEfGhIjKlMnOpQrStUv")
    [answer] = await story.reads(story.ana)
    assert answer.startswith(KIND)
    assert "+44 20 7946 0000" in answer
    assert "999" in answer


@pytest.mark.parametrize("how", ["link", "typed"])
async def test_a_code_used_by_another_opens_nothing(story: Story, how: str) -> None:
    codes = await invited(story)
    await agreed(story, story.ana, codes.link)
    story.ben.open(getattr(codes, how))
    [answer] = await story.reads(story.ben)
    assert answer.startswith(KIND)
    assert story.ben.messages[-1].labels == []


@pytest.mark.parametrize(
    ("how", "life"), [("link", timedelta(days=7)), ("typed", timedelta(hours=24))]
)
async def test_a_code_works_until_it_expires_and_not_after(
    story: Story, how: str, life: timedelta
) -> None:
    code = getattr(await invited(story), how)
    made = story.clock.now()
    story.move_to(made + life - timedelta(seconds=1))
    story.ana.open(code)
    assert "Is that all right with you?" in (await story.reads(story.ana))[0]
    story.move_to(made + life)
    story.ben.open(code)
    assert (await story.reads(story.ben))[0].startswith(KIND)


async def test_i_agree_under_an_expired_link_opens_nothing(story: Story) -> None:
    story.ana.open((await invited(story)).link)
    await story.reads(story.ana)
    story.move(days=7)
    story.ana.press("I agree")
    assert (await story.reads(story.ana))[0].startswith(KIND)
    assert await story.rows() == []


@pytest.mark.parametrize("how", ["link", "typed"])
async def test_a_code_replaced_by_a_new_one_opens_nothing(story: Story, how: str) -> None:
    old = await invited(story)
    new = await story.query(_new_link, old.treatment, story.clock.now())
    story.ana.open(getattr(old, how))
    assert (await story.reads(story.ana))[0].startswith(KIND)
    story.ana.open(getattr(new, how))
    assert "Is that all right with you?" in (await story.reads(story.ana))[0]


async def test_i_agree_to_a_session_cancelled_meanwhile_opens_nothing(story: Story) -> None:
    codes = await invited(story)
    story.ana.open(codes.link)
    await story.reads(story.ana)
    await story.query(cancel, codes.treatment, story.clock.now())
    story.ana.press("I agree")
    assert (await story.reads(story.ana))[0].startswith(KIND)
    assert await story.rows() == []


# --- twice, and two


async def test_i_agree_pressed_twice_counts_once(story: Story) -> None:
    codes = await invited(story)
    story.ana.open(codes.link)
    await story.reads(story.ana)
    asked = story.ana.received[-1]
    callback = story.ana.press("I agree", message=asked)
    story.simulator.press(story.ana, asked, callback.data)
    first, second = await story.reads(story.ana)
    assert first.startswith("Thank you")
    assert second.startswith("You are all set.")
    assert len(await story.rows()) == 12


async def test_the_same_account_opening_its_link_again_sees_its_plan_however_late(
    story: Story,
) -> None:
    codes = await invited(story)
    await agreed(story, story.ana, codes.link)
    story.ana.open(codes.link)
    assert (await story.reads(story.ana))[0].startswith("You are all set.")
    story.ana.say(codes.typed)
    assert (await story.reads(story.ana))[0].startswith("You are all set.")
    story.move(days=9)
    await story.reads(story.ana)
    story.ana.open(codes.link)
    [answer] = await story.reads(story.ana)
    assert answer.startswith("You are all set.")
    assert "Your skin now: day 9" in answer


async def test_of_two_accounts_that_opened_it_the_first_to_agree_has_it(story: Story) -> None:
    codes = await invited(story)
    for person in (story.ana, story.ben):
        person.open(codes.link)
        await story.reads(person)
    story.ben.press("I agree")
    assert (await story.reads(story.ben))[0].startswith("Thank you")
    story.ana.press("I agree")
    assert (await story.reads(story.ana))[0].startswith(KIND)
    [patient] = await story.query(_patients)
    assert patient.account == story.ben.id
    story.move(hours=1)
    assert await story.reads(story.ana) == []


# --- staff


async def test_a_staff_account_sees_a_preview_and_may_be_the_patient(story: Story) -> None:
    codes = await invited(story)
    await story.reads(story.owner)
    story.owner.open(codes.link)
    [preview] = await story.reads(story.owner)
    assert preview.startswith("This code is for a patient.")
    assert "Is that all right with you?" in preview
    assert story.owner.messages[-1].labels == ["I am this patient"]
    story.owner.press("I am this patient")
    await story.reads(story.owner)
    assert story.owner.messages[-1].labels == ["I agree", "No, thanks"]
    story.owner.press("I agree")
    assert (await story.reads(story.owner))[0].startswith("Thank you")
    assert {"newsession", "today"} <= {one["command"] for one in story.owner.commands}


async def test_a_preview_uses_nothing_up(story: Story) -> None:
    codes = await invited(story)
    story.owner.open(codes.link)
    await story.reads(story.owner)
    assert (await agreed(story, story.ana, codes.link)).startswith("Thank you")


# --- a second session


async def test_a_patient_opening_a_second_sessions_link_adds_it_at_once(story: Story) -> None:
    first = await invited(story)
    await agreed(story, story.ana, first.link)
    story.move_to(at(25, 14))
    await story.reads(story.ana)
    second = await invited(
        story, "Ana again, today 13:30, neck, 0.5 mm, 1/3, next 2026-12-28 11:00"
    )
    story.ana.open(second.link)
    [answer] = await story.reads(story.ana)
    assert answer.startswith("Your new session is added.")
    assert "Your skin now: day 0" in answer
    assert "Monday 28 December, 11:00" in answer
    older, newer = await states(story, first.treatment), await states(story, second.treatment)
    for step in ("check_72", "day5", "day7", "day14"):
        assert older[step] == "skipped(superseded)"
    for step in ("precare", "coming", "today"):  # the follow-up given anew replaces the old one
        assert older[step] == "skipped(superseded)"
        assert newer[step] == "scheduled"
    assert newer["first_hours"] == "scheduled"
    [patient] = await story.query(_patients)
    assert patient.name == "Ana López"


async def test_a_visit_well_after_a_second_session_without_one_stands(story: Story) -> None:
    first = await invited(story)
    await agreed(story, story.ana, first.link)
    story.move_to(at(25, 14))
    await story.reads(story.ana)
    second = await invited(story, "Ana, today 13:00, neck, 0.5 mm")
    story.ana.open(second.link)
    [answer] = await story.reads(story.ana)
    assert "Your next session is on Monday 21 December, 10:00" in answer
    older, newer = await states(story, first.treatment), await states(story, second.treatment)
    assert [older[step] for step in ("precare", "coming", "today")] == ["scheduled"] * 3
    assert not {"precare", "coming", "today"} & set(newer)
    story.ana.say("/next")
    assert "Your next session is on Monday 21 December" in (await story.reads(story.ana))[0]


async def test_a_visit_that_was_the_second_session_ends(story: Story) -> None:
    first = await invited(story, "Ana, today 13:30, 1.0 mm, next 2026-12-01 10:00")
    await agreed(story, story.ana, first.link)
    story.move_to(at(30, 9))
    await story.reads(story.ana)
    second = await invited(story, "Ana, today 08:30, 1.0 mm")  # came a day early
    story.ana.open(second.link)
    [answer] = await story.reads(story.ana)
    assert "1 December" not in answer
    assert (await states(story, first.treatment))["today"] == "skipped(superseded)"


# --- typed codes


async def test_a_typed_code_works_alone_after_start_with_spaces_and_in_small_letters(
    story: Story,
) -> None:
    code = (await invited(story)).typed
    cara = story.simulator.add_person(2003, "Cara")
    ways = {
        story.ana: code,
        story.ben: f"/start {code}",
        cara: f" {code[:4].lower()} - {code[4:].lower()}. ",
    }
    for person, words in ways.items():
        person.say(words)
        assert "Is that all right with you?" in (await story.reads(person))[0], words


async def test_after_five_wrong_codes_even_the_right_one_waits_for_an_hour(story: Story) -> None:
    code = (await invited(story)).typed
    wrong = [f"BCDFGHJ{letter}" for letter in "BCDFG"]
    for one in wrong:
        story.ana.say(one)
    answers = await story.reads(story.ana)
    story.ana.say(code)
    answers += await story.reads(story.ana)
    assert len(answers) == 6
    assert len(set(answers)) == 1
    assert answers[0].startswith(KIND)
    story.ben.say(code)  # another account is not held up
    assert "Is that all right with you?" in (await story.reads(story.ben))[0]
    story.move(hours=1)
    story.ana.say(code)
    assert "Is that all right with you?" in (await story.reads(story.ana))[0]


# --- buttons that nobody was shown


@pytest.mark.parametrize(
    "forged",
    ["agree:999", "agree:", "agree:-1", "agree:99999999999999999999", "decline:999", "mine:999"],
)
async def test_a_forged_button_gets_the_kind_answer(story: Story, forged: str) -> None:
    story.ana.say("/contact")
    await story.reads(story.ana)
    story.simulator.press(story.ana, story.ana.received[-1], forged)
    assert (await story.reads(story.ana))[0].startswith(KIND)
    assert await story.rows() == []


@pytest.mark.parametrize("action", ["agree", "decline", "mine"])
async def test_an_invitation_never_shown_to_an_account_cannot_be_answered_by_it(
    story: Story, action: str
) -> None:
    codes = await invited(story)
    story.ana.open(codes.link)
    await story.reads(story.ana)
    shown = story.ana.received[-1].buttons[0][0].callback_data or ""
    story.ben.say("/contact")
    await story.reads(story.ben)
    number = shown.partition(":")[2]
    story.simulator.press(story.ben, story.ben.received[-1], f"{action}:{number}")
    assert (await story.reads(story.ben))[0].startswith(KIND)
    assert await story.rows() == []


async def test_i_am_this_patient_of_a_team_link_opens_nothing(story: Story) -> None:
    story.owner.say("/help")
    await story.reads(story.owner)
    story.simulator.press(story.owner, story.owner.received[-1], "mine:1")  # the owner's own link
    assert (await story.reads(story.owner))[0].startswith(KIND)


# --- names are shown as they are


AWKWARD = "<b>&\"'</b> 👩🏽‍⚕️ أنا ﷽ " + "x" * 260


def _rename(tx: Transaction, name: str) -> None:
    for clinic in tx.execute(select(Clinic)).scalars():
        clinic.name = name


async def test_an_awkward_clinic_name_is_shown_literally_everywhere(story: Story) -> None:
    await story.query(_rename, AWKWARD)
    codes = await invited(story)
    story.ana.open(codes.link)
    assert (await story.reads(story.ana))[0].count(AWKWARD) == 2
    story.ana.press("I agree")
    assert AWKWARD in (await story.reads(story.ana))[0]


async def test_an_awkward_recommendation_is_quoted_literally(story: Story) -> None:
    words = '<i>A & B</i> "cream" 🧴 كريم'
    answer = await agreed(
        story, story.ana, (await invited(story, f"Ana, today 13:30, use: {words}")).link
    )
    assert words in answer


# --- the same on a clock of another day


@pytest.fixture
async def late_evening(tmp_path: Path) -> AsyncIterator[Story]:
    """The clinic at 21:30."""
    clock = MovableClock(at(23, 21, 30))
    simulator = Simulator(clock=clock)
    async with simulator, Story(simulator=simulator, clock=clock, folder=tmp_path) as story:
        yield story
    assert simulator.wrong_calls == []


async def test_after_a_late_session_only_first_hours_comes_at_night(late_evening: Story) -> None:
    story = late_evening
    answer = await agreed(story, story.ana, (await invited(story, "Ana, today 21:15, 1.0 mm")).link)
    assert "Next message: Monday 23 November, 22:15" in answer
    story.move_to(at(23, 22, 15))
    [first] = await story.reads(story.ana)
    assert "Hands off" in first
    story.move_to(at(24, 7, 59))
    assert await story.reads(story.ana) == []
