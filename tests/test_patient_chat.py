"""What a patient, somebody invited and a stranger are answered, and who else is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlmodel import select

from bot.chat.arrival import PATIENT_MENU
from bot.simulator.chats import Message
from bot.simulator.people import Person
from storage.database import Transaction
from storage.models import Inbox, OutgoingRow, Reminder
from tests.story import Story
from tests.test_enrolment import AWKWARD, LIBRARY, PAUSE, agreed, at, cancel, invited, states

STRANGER = "This is the aftercare helper of Rosewood Clinic."
NOT_UNDERSTOOD = "I am sorry, I did not understand."
CALL_NOW = "Call 999 now. Do not wait for us or for a message."
CALL_TODAY = "Call Rosewood Clinic now: +44 20 7946 0000."
TOLD = "I have just told the clinic's team."
BREATH = "help I can't breathe"
PUS = "there is yellow pus coming out"


async def patient(story: Story) -> Person:
    """Ana, who has agreed to the messages of her session of 13:30; all read so far."""
    await agreed(story, story.ana, (await invited(story)).link)
    await story.reads(story.owner)
    return story.ana


async def asks(story: Story, person: Person, text: str) -> str:
    """The one answer to what `person` writes, a few seconds after what was said before."""
    story.move(seconds=PAUSE)
    person.say(text)
    [answer] = await story.reads(person)
    return answer


# --- commands


async def test_a_patient_sees_the_patients_commands_and_none_of_the_teams(story: Story) -> None:
    ana = await patient(story)
    assert {one["command"] for one in ana.commands} == set(PATIENT_MENU)


async def test_today_says_what_to_do_at_this_hour_and_whom_to_call(story: Story) -> None:
    ana = await patient(story)
    assert "No water on treated skin before today, 17:30" in await asks(story, ana, "/today")
    story.move_to(at(24, 12))
    await story.reads(ana)
    now = await asks(story, ana, "/today")
    assert "Wash with lukewarm water only" in now
    assert "Call 999 now" in now
    assert "Call us today (+44 20 7946 0000)" in now


async def test_plan_says_from_when_and_lists_the_messages_to_come(story: Story) -> None:
    ana = await patient(story)
    plan = await asks(story, ana, "/plan")
    assert "Thursday 26 November, 13:30: make-up" in plan
    assert "Monday 23 November, 19:30: the first evening" in plan
    assert "Your next session is on Monday 21 December, 10:00" in plan


async def test_next_names_the_visit_and_the_next_message(story: Story) -> None:
    ana = await patient(story)
    coming = await asks(story, ana, "/next")
    assert "Monday 21 December, 10:00" in coming
    assert "My next message comes on Monday 23 November, 14:30" in coming


async def test_sideeffects_are_placed_in_this_hours_phase(story: Story) -> None:
    ana = await patient(story)
    assert "Redness" in (await asks(story, ana, "/sideeffects")).split("call us")[0]
    story.move_to(at(27, 18))
    await story.reads(ana)
    later = await asks(story, ana, "/sideeffects")
    assert "Redness" in later.split("call us", 1)[1]


async def test_help_lists_the_commands_every_topic_and_the_numbers(story: Story) -> None:
    shown = await asks(story, await patient(story), "/help")
    for command in ("/today", "/plan", "/next", "/sideeffects", "/contact", "/stop"):
        assert command in shown
    assert all(f"/{topic}" in shown for topic in LIBRARY.topics)
    assert "999" in shown
    assert "+44 20 7946 0000" in shown


async def test_contact_gives_the_numbers_with_one_to_copy(story: Story) -> None:
    ana = await patient(story)
    assert "+44 20 7946 0000" in await asks(story, ana, "/contact")
    [button] = ana.received[-1].buttons[0]
    assert button.copy_text == "+44 20 7946 0000"


async def test_every_topic_is_a_command(story: Story) -> None:
    await patient(story)
    topics = [topic for topic in LIBRARY.topics if topic not in ("stop", "contact")]
    crowd = [story.simulator.add_person(3000 + n, f"P{n}") for n in range(len(topics))]
    for person, topic in zip(crowd, topics, strict=True):
        person.say(f"/{topic}")
    for person, topic in zip(crowd, topics, strict=True):
        [answer] = await story.reads(person)
        assert "I do not know" not in answer, topic
        assert NOT_UNDERSTOOD not in answer, topic


async def test_a_topics_command_is_answered_for_this_hour(story: Story) -> None:
    ana = await patient(story)
    assert "Not yet. From Thursday 26 November, 13:30" in await asks(story, ana, "/makeup")
    story.move_to(at(26, 13, 30))
    await story.reads(ana)
    assert (await asks(story, ana, "/makeup")).startswith("Yes")


async def test_an_unknown_command_is_answered_with_what_there_is(story: Story) -> None:
    answer = await asks(story, story.ana, "/frobnicate")
    assert "/help" in answer
    assert "+44 20 7946 0000" in answer


@pytest.mark.parametrize("command", ["/newsession Ana, today 13:30", "/sessions", "/invite owner"])
async def test_a_command_of_the_team_does_not_exist_for_anybody_else(
    story: Story, command: str
) -> None:
    assert (await asks(story, story.ana, command)).startswith("I do not know that command.")


@pytest.mark.parametrize("command", ["/today", "/plan", "/next"])
async def test_a_patient_whose_session_was_cancelled_is_told_there_is_none(
    story: Story, command: str
) -> None:
    codes = await invited(story)
    await agreed(story, story.ana, codes.link)
    await story.query(cancel, codes.treatment, story.clock.now())
    answer = await asks(story, story.ana, command)
    assert answer.startswith("I have no session of yours")
    assert "+44 20 7946 0000" in answer


# --- free text


async def test_redness_is_expected_at_20_hours_and_for_the_clinic_at_100(story: Story) -> None:
    ana = await patient(story)
    story.move_to(at(24, 9, 30))
    await story.reads(ana)
    assert "Redness, day 1: this is expected." in await asks(story, ana, "my face is so red")
    story.move_to(at(27, 17, 30))
    await story.reads(ana)
    assert "please call us: +44 20 7946 0000" in await asks(story, ana, "my face is so red")
    assert await story.reads(story.owner) == []  # nobody is woken for the next working day


async def test_what_is_not_understood_is_said_so_with_the_numbers(story: Story) -> None:
    answer = await asks(story, await patient(story), "qwerty asdf")
    assert answer.startswith(NOT_UNDERSTOOD)
    assert "+44 20 7946 0000" in answer
    assert "999" in answer


async def test_a_stranger_is_told_what_this_is_and_how_to_get_in(story: Story) -> None:
    for words in ("hello there", "/start", "/today", "/plan", "/next"):
        person = story.simulator.add_person(4000 + len(words), "Zoe")
        answer = await asks(story, person, words)
        assert STRANGER in answer, words
        assert "+44 20 7946 0000" in answer
        assert "999" in answer


async def test_a_stranger_asking_about_care_is_answered_in_general(story: Story) -> None:
    assert "after a session" in await asks(story, story.ana, "can I wear make-up?")


# --- the buttons under an answer


def forged(story: Story, person: Person, action: str) -> None:
    """Press what may not be on the screen at all."""
    story.move(seconds=PAUSE)
    story.simulator.press(person, person.received[-1], action)


def behind(message: Message, label: str) -> str:
    """What the button of that label sends, to press it after it has gone."""
    button = message.button(label)
    assert button
    assert button.callback_data
    return button.callback_data


async def pressed(story: Story, person: Person, label: str) -> list[str]:
    """What follows a press of the newest button of that label."""
    story.move(seconds=PAUSE)
    person.press(label)
    return await story.reads(person)


@pytest.mark.parametrize(
    ("words", "head"),
    [
        ("my face is so red", "Why: Redness"),
        ("can I wear make-up?", "Why: Make-up"),
        ("/makeup", "Why: Make-up"),
        (PUS, "Why: Infection"),
        (BREATH, "Why: call at once"),
    ],
)
async def test_under_an_answer_why_gives_the_reason_and_the_source(
    story: Story, words: str, head: str
) -> None:
    ana = await patient(story)
    await asks(story, ana, words)
    assert ana.received[-1].labels == ["Why?"]
    first, *_ = await pressed(story, ana, "Why?")
    assert first.startswith(head)
    assert "\nSources\n• " in first


async def test_why_tells_of_each_of_the_topics_that_were_answered(story: Story) -> None:
    ana = await patient(story)
    await asks(story, ana, "my face is so red, can I wear make-up?")
    reasons = await pressed(story, ana, "Why?")
    assert sorted(it.splitlines()[0] for it in reasons) == ["Why: Make-up", "Why: Redness"]
    assert await pressed(story, ana, "Why?") == reasons  # pressed twice, told twice


@pytest.mark.parametrize("words", ["/contact", "/results", "thank you"])
async def test_what_is_not_medical_has_no_why(story: Story, words: str) -> None:
    ana = await patient(story)
    await asks(story, ana, words)
    assert "Why?" not in ana.received[-1].labels


@pytest.mark.parametrize("action", ["why:", "why:bogus", "why:contact", "topic:", "topic:bogus"])
async def test_a_button_of_nothing_that_is_known_gives_the_numbers(
    story: Story, action: str
) -> None:
    ana = await patient(story)
    await asks(story, ana, "/contact")
    forged(story, ana, action)
    [answer] = await story.reads(ana)
    assert "+44 20 7946 0000" in answer


async def test_what_is_not_understood_offers_the_closest_topics(story: Story) -> None:
    ana = await patient(story)
    await asks(story, ana, "qwerty asdf")
    labels = ana.received[-1].labels
    assert 1 <= len(labels) <= 3
    names = {str(LIBRARY.texts.say("en", f"topics.{it}.name")): it for it in LIBRARY.topics}
    chosen = next(it for it in labels if names[it] != "contact")
    [answer] = await pressed(story, ana, chosen)
    assert not answer.startswith(NOT_UNDERSTOOD)
    assert "Why?" in ana.received[-1].labels
    assert await story.reads(story.owner) == []


async def test_a_topic_of_a_warning_sign_that_was_meant_tells_staff(story: Story) -> None:
    ana = await patient(story)
    await asks(story, ana, "qwerty asdf")
    forged(story, ana, "topic:infection")
    [answer] = await story.reads(ana)
    assert answer.startswith(CALL_TODAY)
    assert TOLD in answer
    assert "Pressed the button “Infection”" in (await story.reads(story.owner))[0]


@pytest.mark.parametrize("command", ["infection", "allergy", "cold_sore"])
async def test_a_topics_command_alarms_nobody_until_it_is_said_to_be_so_now(
    story: Story, command: str
) -> None:
    ana = await patient(story)
    assert CALL_TODAY in await asks(story, ana, f"/{command}")
    assert ana.received[-1].labels == ["I have this now", "Why?"]
    assert await story.reads(story.owner) == []
    [answer] = await pressed(story, ana, "I have this now")
    assert CALL_TODAY in answer
    assert TOLD in answer
    assert "I have this now" not in ana.received[-1].labels
    assert "Pressed the button “" in (await story.reads(story.owner))[0]


async def test_who_reads_spanish_says_so_in_spanish(story: Story) -> None:
    ana = await spanish(story)
    await story.reads(story.owner)
    await asks(story, ana, "/infection")
    assert ana.received[-1].labels[0] == "Lo tengo ahora"


async def test_where_nobody_can_be_told_or_nothing_is_wrong_there_is_no_such_button(
    story: Story,
) -> None:
    assert CALL_TODAY in await asks(story, story.ben, "/infection")
    assert "I have this now" not in story.ben.received[-1].labels
    ana = await patient(story)
    await asks(story, ana, "/redness")
    assert "I have this now" not in ana.received[-1].labels


# --- a red flag in doubt


MAYBE = "I feel hot"


async def in_doubt(story: Story) -> Person:
    """Ana, a day after the session, asked the question whether she means a red flag."""
    ana = await patient(story)
    story.move_to(at(24, 12))
    await story.reads(ana)
    answer = await asks(story, ana, MAYBE)
    assert ana.received[-1].labels[:2] == ["Yes", "No"]
    assert "999" in answer
    await story.reads(story.owner)
    return ana


async def test_yes_is_the_warning_sign_and_staff_are_told_what_was_asked(story: Story) -> None:
    ana = await in_doubt(story)
    asked = ana.received[-1]
    [answer] = await pressed(story, ana, "Yes")
    assert answer.startswith((CALL_NOW, CALL_TODAY))
    assert TOLD in answer
    [alarm] = await story.reads(story.owner)
    assert "I asked: “" in alarm
    assert "The answer was: Yes" in alarm
    await ana.until(lambda: not asked.labels)


async def test_no_is_answered_and_nobody_is_told(story: Story) -> None:
    ana = await in_doubt(story)
    [answer] = await pressed(story, ana, "No")
    assert not answer.startswith((CALL_NOW, CALL_TODAY))
    assert "999" in answer
    assert await story.reads(story.owner) == []


@pytest.mark.parametrize("first", ["Yes", "No"])
async def test_only_the_first_press_counts(story: Story, first: str) -> None:
    ana = await in_doubt(story)
    asked = ana.received[-1]
    actions = [behind(asked, label) for label in ("Yes", "No")]
    await pressed(story, ana, first)
    await story.reads(story.owner)
    for action in actions:
        story.simulator.press(ana, asked, action)
        assert await story.reads(ana) == []
    assert await story.reads(story.owner) == []
    await ana.until(lambda: ana.toasts[-1:] == ["You have answered this already."])


async def test_a_day_later_the_buttons_ask_how_it_is_now(story: Story) -> None:
    ana = await in_doubt(story)
    asked = ana.received[-1]
    story.move(hours=25)
    await story.reads(ana)
    story.simulator.press(ana, asked, behind(asked, "Yes"))
    [answer] = await story.reads(ana)
    assert answer.startswith("I asked this a while ago.")
    assert "+44 20 7946 0000" in answer
    assert "999" in answer
    assert await story.reads(story.owner) == []


async def test_the_buttons_answer_for_whom_they_were_shown_to(story: Story) -> None:
    ana = await in_doubt(story)
    action = behind(ana.received[-1], "Yes")
    await asks(story, story.ben, "/contact")
    forged(story, story.ben, action)
    assert (await story.reads(story.ben))[0].startswith("I asked this a while ago.")
    assert (await pressed(story, ana, "Yes"))[0].startswith((CALL_NOW, CALL_TODAY))


@pytest.mark.parametrize("words", ["yes", "Yes!", "yeah", "sí", "si", "Yes, a bit I think"])
async def test_a_yes_that_is_written_right_after_is_a_yes(story: Story, words: str) -> None:
    ana = await in_doubt(story)
    assert (await asks(story, ana, words)).startswith((CALL_NOW, CALL_TODAY))
    assert f"The answer was: {words}" in (await story.reads(story.owner))[0]
    assert await pressed(story, ana, "No") == []  # it is answered


@pytest.mark.parametrize("words", ["no", "No.", "nope", "claro que no"])
async def test_a_no_that_is_written_right_after_is_a_no(story: Story, words: str) -> None:
    ana = await in_doubt(story)
    answer = await asks(story, ana, words)
    assert not answer.startswith((CALL_NOW, CALL_TODAY, NOT_UNDERSTOOD))
    assert await story.reads(story.owner) == []


@pytest.mark.parametrize("words", ["no idea", "no but I am worried about it", "not sure"])
async def test_only_a_bare_no_is_a_no(story: Story, words: str) -> None:
    ana = await in_doubt(story)
    await asks(story, ana, words)
    assert (await pressed(story, ana, "Yes"))[-1].startswith((CALL_NOW, CALL_TODAY))


@pytest.mark.parametrize("words", ["maybe", "I don't know", "???", "37.5 so no"])
async def test_words_that_are_neither_get_the_question_again(story: Story, words: str) -> None:
    ana = await in_doubt(story)
    again = await asks(story, ana, words)
    assert "In an emergency" in again or "Call 999" in again
    assert ana.received[-1].labels[:2] == ["Yes", "No"]
    assert (await pressed(story, ana, "Yes"))[-1].startswith((CALL_NOW, CALL_TODAY))


async def test_a_warning_sign_beside_the_no_comes_first(story: Story) -> None:
    ana = await in_doubt(story)
    assert (await asks(story, ana, f"no, but {PUS}")).startswith(CALL_TODAY)


async def test_a_yes_after_something_else_or_much_later_is_meant_for_nothing(story: Story) -> None:
    ana = await in_doubt(story)
    await asks(story, ana, "can I wear make-up?")
    assert not (await asks(story, ana, "yes")).startswith((CALL_NOW, CALL_TODAY))
    await asks(story, ana, MAYBE)
    story.move(minutes=31)
    await story.reads(ana)
    assert not (await asks(story, ana, "yes")).startswith((CALL_NOW, CALL_TODAY))
    assert await story.reads(story.owner) == []


async def test_words_from_before_the_question_do_not_answer_it(story: Story) -> None:
    ana = await patient(story)
    story.move_to(at(24, 12))
    await story.reads(ana)
    await story.stop()
    ana.say(MAYBE)
    ana.say("no")
    story.move(minutes=5)
    story.start()
    _, second = await story.reads(ana)
    assert NOT_UNDERSTOOD in second
    assert ana.received[-2].labels[:2] == ["Yes", "No"]


@pytest.mark.parametrize("action", ["doubt:", "doubt:x:yes:1", "doubt:x:maybe:1", "doubt:x:yes:٣"])
async def test_an_invented_answer_alarms_nobody(story: Story, action: str) -> None:
    ana = await patient(story)
    await asks(story, ana, "/contact")
    forged(story, ana, action)
    assert (await story.reads(ana))[0].startswith("I asked this a while ago.")
    assert await story.reads(story.owner) == []


async def test_a_doubt_after_a_command_is_asked_about(story: Story) -> None:
    ana = await patient(story)
    story.move_to(at(24, 12))
    await story.reads(ana)
    await asks(story, ana, f"/today {MAYBE}")
    assert ana.received[-1].labels[:2] == ["Yes", "No"]


# --- languages


async def spanish(story: Story) -> Person:
    """A patient whose Telegram speaks Spanish, in a clinic that speaks English."""
    ana = story.simulator.add_person(2010, "Ana", language_code="es")
    ana.open((await invited(story)).link)
    [asked] = await story.reads(ana)
    assert asked.startswith("Rosewood Clinic quiere")
    assert ana.received[-1].labels == ["Acepto", "No, gracias"]
    ana.press("Acepto")
    assert (await story.reads(ana))[0].startswith("Gracias.")
    await story.reads(story.owner)
    story.move(seconds=PAUSE)
    return ana


async def test_a_new_patient_is_spoken_to_in_the_language_of_their_telegram(story: Story) -> None:
    ana = await spanish(story)
    assert (await asks(story, ana, "¿puedo maquillarme?")).startswith("Todavía no.")
    assert ana.received[-1].labels == ["¿Por qué?"]
    await asks(story, ana, "qwerty asdf")
    assert "Redness" not in ana.received[-1].labels
    assert await asks(story, ana, "/today") != ""
    menu = {it["command"]: it["description"] for it in ana.commands}
    assert menu["contact"] == "Cómo hablar con la clínica"
    assert set(menu) == set(PATIENT_MENU)
    story.move_to(at(23, 14, 30))
    assert "agua" in (await story.reads(ana))[-1].lower()


async def test_a_no_is_answered_in_the_language_that_was_asked_in(story: Story) -> None:
    ana = story.simulator.add_person(2010, "Ana", language_code="es")
    ana.open((await invited(story)).link)
    await story.reads(ana)
    ana.press("No, gracias")
    assert (await story.reads(ana))[0].startswith("De acuerdo.")


@pytest.mark.parametrize("code", ["fr", "", None])
async def test_a_language_without_texts_is_the_clinics(story: Story, code: str | None) -> None:
    ana = story.simulator.add_person(2010, "Ana", language_code=code)
    ana.open((await invited(story)).link)
    await story.reads(ana)
    assert ana.received[-1].labels == ["I agree", "No, thanks"]


async def test_a_patient_chooses_a_language_for_answers_messages_and_the_menu(story: Story) -> None:
    ana = await patient(story)
    assert await asks(story, ana, "/language") == "Which language would you like?"
    assert ana.received[-1].labels == ["English", "Español"]
    question = ana.received[-1]
    [done] = await pressed(story, ana, "Español")
    assert done.startswith("Hecho.")
    await ana.until(lambda: not question.labels)
    await ana.until(lambda: ana.commands[0]["description"] == "Qué hacer ahora y qué todavía no")
    assert (await asks(story, ana, "can I wear make-up?")).startswith("Todavía no.")
    story.move_to(at(23, 14, 30))
    assert "agua" in (await story.reads(ana))[-1].lower()
    await asks(story, ana, "/language")
    assert (await pressed(story, ana, "English"))[0].startswith("Done.")
    await ana.until(lambda: ana.commands[0]["description"] == "What to do now, and what not yet")


async def test_what_was_chosen_before_agreeing_stays(story: Story) -> None:
    link = (await invited(story)).link
    story.ana.open(link)
    await story.reads(story.ana)
    await asks(story, story.ana, "/language")
    await pressed(story, story.ana, "Español")
    story.move(seconds=PAUSE)
    story.ana.open(link)
    await story.reads(story.ana)
    assert (await pressed(story, story.ana, "Acepto"))[0].startswith("Gracias.")


async def test_who_is_no_patient_is_told_which_languages_there_are(story: Story) -> None:
    assert "English and Español" in await asks(story, story.ana, "/language")
    forged(story, story.ana, "language:es")
    assert "English and Español" in (await story.reads(story.ana))[0]


async def test_a_language_there_is_not_cannot_be_chosen(story: Story) -> None:
    ana = await patient(story)
    await asks(story, ana, "/language")
    forged(story, ana, "language:xx")
    assert await story.reads(ana) == ["Which language would you like?"]


# --- warning signs


@pytest.mark.parametrize(
    ("words", "begins", "level"),
    [(BREATH, CALL_NOW, "EMERGENCY"), (PUS, CALL_TODAY, "Needs the clinic or a doctor today")],
)
async def test_a_warning_sign_is_answered_with_whom_to_call_and_staff_told_at_once(
    story: Story, words: str, begins: str, level: str
) -> None:
    ana = await patient(story)
    story.move_to(at(24, 12, 10))
    await story.reads(ana)
    answer = await asks(story, ana, words)
    assert answer.startswith(begins)
    assert answer.count(TOLD) == 1
    [alarm] = await story.reads(story.owner)
    assert level in alarm
    assert "Ana López, day 1 (22 hours after the session), wrote on" in alarm
    assert words in alarm
    assert story.owner.received[-1].protected


async def test_an_alarm_before_the_sessions_end_says_so(story: Story) -> None:
    await agreed(story, story.ana, (await invited(story, "Ana, today 17:00")).link)
    await story.reads(story.owner)
    await asks(story, story.ana, BREATH)
    assert "Ana, before the session's end, wrote on" in (await story.reads(story.owner))[0]


async def test_the_whole_team_is_told(story: Story) -> None:
    ana = await patient(story)
    story.owner.say("/invite clinician")
    [link] = await story.reads(story.owner)
    story.ben.open_link(next(word for word in link.split() if word.startswith("https://")))
    await story.reads(story.ben)
    await story.reads(story.owner)
    await asks(story, ana, BREATH)
    for person in (story.owner, story.ben):
        assert BREATH in (await story.reads(person))[0]


async def test_somebody_invited_who_has_not_agreed_is_in_the_alarm_as_such(story: Story) -> None:
    story.ana.open((await invited(story)).link)
    await story.reads(story.ana)
    await story.reads(story.owner)
    answer = await asks(story, story.ana, BREATH)
    assert answer.startswith(CALL_NOW)
    assert TOLD in answer
    [alarm] = await story.reads(story.owner)
    assert "Ana López" in alarm
    assert "has not agreed to messages" in alarm


async def test_a_strangers_warning_sign_is_answered_and_nobody_is_told(story: Story) -> None:
    await story.reads(story.owner)
    answer = await asks(story, story.ben, BREATH)
    assert answer.startswith(CALL_NOW)
    assert TOLD not in answer
    assert await story.reads(story.owner) == []


async def test_who_is_the_whole_team_and_the_patient_is_not_told_that_others_know(
    story: Story,
) -> None:
    story.owner.open((await invited(story)).link)
    await story.reads(story.owner)
    story.owner.press("I am this patient")
    await story.reads(story.owner)
    story.owner.press("I agree")
    await story.reads(story.owner)
    answer = await asks(story, story.owner, BREATH)
    assert answer.startswith(CALL_NOW)
    assert TOLD not in answer


@pytest.mark.parametrize("level", ["tips", "everything"])
async def test_a_warning_sign_is_heard_however_much_is_stopped(story: Story, level: str) -> None:
    ana = await patient(story)
    ana.say("/stop")
    await story.reads(ana)
    ana.press("Tips off, keep appointments" if level == "tips" else "Everything off")
    await story.reads(ana)
    assert (await asks(story, ana, BREATH)).startswith(CALL_NOW)
    assert len(await story.reads(story.owner)) == 1


@pytest.mark.parametrize(
    "words",
    [
        f"/frobnicate {BREATH}",
        f"/today {BREATH}",
        f"/help {BREATH}",
        f"/stop {BREATH}",
        f"/makeup {BREATH}",
        f"/language {BREATH}",
        f"/start {BREATH}",
        f"/sessions {BREATH}",
        f"/newsession\n{BREATH}",
    ],
)
async def test_a_warning_sign_after_any_command_is_heard(story: Story, words: str) -> None:
    ana = await patient(story)
    assert (await asks(story, ana, words)).startswith(CALL_NOW)
    [alarm] = await story.reads(story.owner)
    assert BREATH in alarm


async def test_a_warning_sign_written_as_a_command_is_heard(story: Story) -> None:
    assert (await asks(story, story.ben, "/fever")).startswith(CALL_TODAY)


async def test_a_warning_sign_in_a_photos_caption_is_heard_first(story: Story) -> None:
    ana = await patient(story)
    ana.send_photo(b"jpg", caption=PUS)
    first, second = await story.reads(ana)
    assert first.startswith(CALL_TODAY)
    assert "Nobody looks at pictures" in second
    assert PUS in (await story.reads(story.owner))[0]


async def test_an_edited_message_is_answered_like_a_new_one(story: Story) -> None:
    ana = await patient(story)
    ana.say("qwerty asdf")
    mine = ana.messages[-1]
    await story.reads(ana)
    story.move(minutes=2)
    ana.edit(mine, PUS)
    [answer] = await story.reads(ana)
    assert answer.startswith(CALL_TODAY)
    assert PUS in (await story.reads(story.owner))[0]


async def test_awkward_names_and_words_are_shown_literally_in_an_alarm(story: Story) -> None:
    await agreed(story, story.ana, (await invited(story, name=AWKWARD)).link)
    await story.reads(story.owner)
    words = f'<i>{BREATH}</i> & "help" ساعدوني 😱'
    story.ana.say(words)
    await story.reads(story.ana)
    [alarm] = await story.reads(story.owner)
    assert AWKWARD in alarm
    assert words in alarm


async def test_a_very_long_cry_for_help_is_answered_and_shortened_for_staff(story: Story) -> None:
    ana = await patient(story)
    assert (await asks(story, ana, f"{BREATH} " + "& " * 2000)).startswith(CALL_NOW)
    [alarm] = await story.reads(story.owner)
    assert "…" in alarm
    assert len(alarm) < 1500


async def test_an_awkward_name_is_shown_literally_in_the_list_of_sessions(story: Story) -> None:
    await invited(story, name=AWKWARD)
    await story.reads(story.owner)
    assert AWKWARD in await asks(story, story.owner, "/sessions")


@pytest.mark.parametrize("kind", ["today", "plan", "sideeffects", "stop", "onit", "seen", "draft"])
async def test_the_data_of_a_button_are_nobodys_words(story: Story, kind: str) -> None:
    ana = await patient(story)
    await asks(story, ana, "/contact")
    forged(story, ana, f"{kind}:{BREATH}")
    assert not (await story.reads(ana))[0].startswith(CALL_NOW)
    assert await story.reads(story.owner) == []


# --- what is not text


@pytest.mark.parametrize(
    "send",
    [
        lambda person: person.send_photo(b"jpg"),
        lambda person: person.send_voice(),
        lambda person: person.send_video(),
        lambda person: person.send_document(b"pdf"),
        lambda person: person.send_sticker(),
        lambda person: person.send_location(),
    ],
    ids=["photo", "voice", "video", "document", "sticker", "location"],
)
async def test_whatever_is_not_text_is_answered_with_the_numbers(
    story: Story, send: Callable[[Person], object]
) -> None:
    send(story.ana)
    [answer] = await story.reads(story.ana)
    assert answer.startswith("I can only read text.")
    assert "+44 20 7946 0000" in answer
    assert "Call 999 now" in answer


async def test_a_photos_harmless_caption_is_answered_too(story: Story) -> None:
    ana = await patient(story)
    ana.send_photo(b"jpg", caption="can I wear make-up?")
    first, second = await story.reads(ana)
    assert first.startswith("Not yet.")
    assert second.startswith("I can only read text.")


# --- late


async def test_a_late_answer_begins_with_when_it_was_written_and_is_for_now(story: Story) -> None:
    ana = await patient(story)
    assert (await asks(story, ana, "can I use moisturiser?")).startswith("Not yet.")
    await story.stop()
    ana.say("can I use moisturiser?")
    story.ben.say(BREATH)
    story.move_to(at(24, 13, 45))  # Telegram keeps what was not fetched for a day
    story.start()
    [late] = [one for one in await story.reads(ana) if "You wrote this" in one]
    assert late.startswith("You wrote this on Monday 23 November, 14:00.")
    assert "\n\nYes, if it is plain" in late
    [also_late] = await story.reads(story.ben)
    assert also_late.startswith("You wrote this on")
    assert CALL_NOW in also_late


@pytest.mark.parametrize(("minutes", "said"), [(9, False), (11, True)])
async def test_only_an_answer_over_ten_minutes_late_says_so(
    story: Story, minutes: int, said: bool
) -> None:
    await story.stop()
    story.ana.say("hello there")
    story.move(minutes=minutes)
    story.start()
    [answer] = await story.reads(story.ana)
    assert answer.startswith("You wrote this on") is said


@pytest.mark.parametrize("command", ["/start", "/today", "/plan", "/contact", "hello"])
async def test_a_late_answer_shows_no_markup(story: Story, command: str) -> None:
    ana = await patient(story)
    await story.stop()
    ana.say(command)
    story.move(minutes=20)
    story.start()
    [answer] = await story.reads(ana)
    assert answer.startswith("You wrote this on")
    assert "<b>" not in answer
    assert "&lt;" not in answer


async def test_a_late_warning_sign_tells_staff_when_it_was_written(story: Story) -> None:
    ana = await patient(story)
    await story.stop()
    ana.say(PUS)
    story.move(minutes=20)
    story.start()
    await story.reads(ana)
    [alarm] = await story.reads(story.owner)
    assert "wrote on Monday 23 November, 14:00" in alarm
    assert not alarm.startswith("You wrote")


async def test_the_next_message_named_is_never_one_that_was_due_already(story: Story) -> None:
    ana = await patient(story)
    await story.query(_put_off, at(23, 15, 30))
    story.move_to(at(23, 14, 31))
    for command in ("/start", "/next"):
        assert "Monday 23 November, 19:30" in await asks(story, ana, command)


def _put_off(tx: Transaction, until: datetime) -> None:
    """As after Telegram refused it for a while."""
    row = tx.exec(select(Reminder).where(Reminder.step == "first_hours")).one()
    row.try_at = until


# --- stopping and coming back


async def stopped(story: Story, button: str) -> Person:
    ana = await patient(story)
    ana.say("/stop")
    await story.reads(ana)
    assert ana.received[-1].labels == ["Tips off, keep appointments", "Everything off"]
    story.move(seconds=PAUSE)
    ana.press(button)
    [done] = await story.reads(ana)
    assert "/start" in done
    assert "+44 20 7946 0000" in done
    assert "999" in done
    return ana


async def test_tips_off_keeps_the_reminders_of_the_visit(story: Story) -> None:
    ana = await stopped(story, "Tips off, keep appointments")
    for row in await story.rows():
        story.move_to(row.due_at)
        got = await story.reads(ana)
        of_visit = row.step in ("precare", "coming", "today")
        assert len(got) == of_visit, row.step
    found = await states(story)
    assert found["day7"] == "skipped(tips_off)"
    assert found["today"] == "sent"


async def test_everything_off_sends_nothing_at_all(story: Story) -> None:
    ana = await stopped(story, "Everything off")
    for row in await story.rows():
        story.move_to(row.due_at)
        assert await story.reads(ana) == [], row.step
    assert set((await states(story)).values()) == {"skipped(stopped)"}


async def test_nothing_is_stopped_before_a_level_is_chosen(story: Story) -> None:
    ana = await patient(story)
    await asks(story, ana, "/stop")
    story.move(minutes=30)
    assert len(await story.reads(ana)) == 1


async def test_start_brings_back_what_is_ahead_and_not_what_was_missed(story: Story) -> None:
    ana = await stopped(story, "Everything off")
    story.move_to(at(24, 12))
    assert await story.reads(ana) == []
    back = await asks(story, ana, "/start")
    assert back.startswith("Welcome back. Your messages are on again.")
    assert "Next message: Tuesday 24 November, 19:00" in back
    assert (await states(story))["next_morning"] == "skipped(stopped)"
    story.move_to(at(24, 19))
    assert len(await story.reads(ana)) == 1


async def test_start_of_a_patient_who_stopped_nothing_shows_the_plan(story: Story) -> None:
    assert (await asks(story, await patient(story), "/start")).startswith("You are all set.")


@pytest.mark.parametrize(
    ("button", "says"),
    [("Tips off, keep appointments", "Tips are off"), ("Everything off", "Your messages are off")],
)
async def test_plan_and_next_promise_no_message_that_stop_ended(
    story: Story, button: str, says: str
) -> None:
    ana = await stopped(story, button)
    plan, coming = await asks(story, ana, "/plan"), await asks(story, ana, "/next")
    assert says in plan
    assert says in coming
    assert "the first evening" not in plan
    assert "14:30" not in coming
    assert ("are you coming?" in plan) is button.startswith("Tips")


async def test_plan_and_next_of_somebody_who_has_not_agreed_say_so(story: Story) -> None:
    story.ana.open((await invited(story)).link)
    await story.reads(story.ana)
    for command in ("/plan", "/next"):
        assert "You have not agreed to messages yet" in await asks(story, story.ana, command)


async def test_stop_after_everything_is_off_says_so(story: Story) -> None:
    ana = await stopped(story, "Everything off")
    assert "off already" in await asks(story, ana, "/stop")


async def test_stop_of_somebody_without_messages_says_that_none_come(story: Story) -> None:
    assert "nothing to stop" in await asks(story, story.ben, "/stop")
    story.ana.open((await invited(story)).link)
    await story.reads(story.ana)
    assert "nothing to stop" in await asks(story, story.ana, "/stop")


@pytest.mark.parametrize("forged", ["stop:bogus", "stop:", "stop:nothing"])
async def test_a_forged_stop_offers_the_two_levels_again(story: Story, forged: str) -> None:
    ana = await patient(story)
    await asks(story, ana, "/contact")
    story.simulator.press(ana, ana.received[-1], forged)
    [answer] = await story.reads(ana)
    assert "What would you like to stop?" in answer
    story.move(minutes=30)
    assert len(await story.reads(ana)) == 1


@pytest.mark.parametrize("forged", ["stop:everything", "draft:1:save", "undo:1", "bogus", ":"])
async def test_a_strangers_forged_button_changes_nothing(story: Story, forged: str) -> None:
    ana = await patient(story)
    await asks(story, story.ben, "/contact")
    story.simulator.press(story.ben, story.ben.received[-1], forged)
    await story.reads(story.ben)
    story.move(minutes=30)
    assert len(await story.reads(ana)) == 1


# --- out of reach


async def test_a_message_due_while_blocked_is_not_sent_later_and_the_rest_is(story: Story) -> None:
    ana = await patient(story)
    ana.block()
    await story.settled()
    story.move_to(at(23, 14, 30))
    await story.settled()
    assert (await states(story))["first_hours"] == "skipped(unreachable)"
    ana.unblock()
    await story.settled()
    assert await story.reads(ana) == []
    story.move_to(at(23, 19, 30))
    assert len(await story.reads(ana)) == 1


async def test_opening_the_link_again_after_blocking_shows_the_plan(story: Story) -> None:
    codes = await invited(story)
    await agreed(story, story.ana, codes.link)
    story.ana.block()
    await story.settled()
    story.ana.open(codes.link)
    assert (await story.reads(story.ana))[0].startswith("You are all set.")
    story.move(minutes=30)
    assert len(await story.reads(story.ana)) == 1


# --- groups


async def test_in_a_group_nothing_is_said_but_to_write_privately(story: Story) -> None:
    ana = await patient(story)
    group = story.simulator.add_group(-5001, "Family")
    for words in (BREATH, "/today"):
        ana.say_in_group(group, words)
    await story.settled()
    told = [message.text for message in group.messages if message.from_bot]
    assert told == ["Please write to me privately: what I answer is for one person only."] * 2
    assert await story.reads(ana) == []
    assert await story.reads(story.owner) == []


# --- long after


async def test_months_later_a_question_and_a_warning_sign_are_still_answered(story: Story) -> None:
    ana = await patient(story)
    story.move(days=200)
    await story.reads(ana)
    assert "usual care again" in await asks(story, ana, "/today")
    assert (await asks(story, ana, BREATH)).startswith(CALL_NOW)
    assert len(await story.reads(story.owner)) == 1


async def test_the_words_of_a_patient_are_not_kept_once_answered(story: Story) -> None:
    ana = await patient(story)
    await asks(story, ana, "my very own secret words")
    await asks(story, ana, BREATH)
    await story.settled()
    assert await story.query(_payloads) == {""}


def _payloads(tx: Transaction) -> set[str]:
    kept = [*tx.exec(select(Inbox.payload)).all(), *tx.exec(select(OutgoingRow.payload)).all()]
    return set(kept)
