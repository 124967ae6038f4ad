"""An alarm: the team told at once, who is on it, and what the patient hears if nobody can be."""

from __future__ import annotations

import asyncio
from collections import Counter as Counts
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlmodel import col, select

from bot.simulator.people import Person
from storage import people
from storage.database import Transaction
from storage.models import Alert, Audit, OutgoingRow
from tests.counter import OTHER, OWNER, PATIENT, RIVAL, Counter, counter, empty
from tests.story import PATIENCE, Story
from tests.test_enrolment import PAUSE, agreed, at, invited
from tests.test_patient_chat import BREATH, CALL_NOW, CALL_TODAY, PUS, TOLD, asks, behind, patient

__all__ = ["counter", "empty"]

ON_IT = "I'm on it"
NOBODY = "I cannot reach anybody on the team of Rosewood Clinic from here."
UNHEARD = "My message about you did not reach anybody at Rosewood Clinic."
SEEN = "Rosa Marín from Rosewood Clinic has seen your message and will get in touch with you."
ASKS_FOR_HELP = {"en": BREATH, "es": "ayuda, no puedo respirar"}


async def colleague(story: Story) -> Person:
    """Ben, by now a clinician of the clinic; all read so far."""
    story.owner.say("/invite clinician")
    [link] = await story.reads(story.owner)
    story.ben.open_link(next(word for word in link.split() if word.startswith("https://")))
    await story.reads(story.ben)
    await story.reads(story.owner)
    story.move(seconds=PAUSE)
    return story.ben


async def presses(story: Story, person: Person, label: str) -> list[str]:
    """What a person reads after a press of the newest button of that label."""
    story.move(seconds=PAUSE)
    person.press(label)
    return await story.reads(person)


def all_alerts(tx: Transaction) -> list[Alert]:
    return list(tx.exec(select(Alert).order_by(col(Alert.id))).all())


def in_spanish(tx: Transaction) -> None:
    clinic = people.clinic(tx, 1)
    clinic.language = "es"


# --- who is on it


async def test_who_presses_is_on_it_and_the_others_and_the_patient_are_told_who(
    story: Story,
) -> None:
    ana, ben = await patient(story), await colleague(story)
    await asks(story, ana, PUS)
    for member in (story.owner, ben):
        assert PUS in (await story.reads(member))[0]
        assert member.received[-1].labels == [ON_IT]
    alarm = story.owner.received[-1]
    [yours] = await presses(story, story.owner, ON_IT)
    assert yours.startswith("You are on it. I have told Ana López and the team.")
    [others] = await story.reads(ben)
    assert others == "Rosa Marín is on it: Ana López. Needs the clinic or a doctor today."
    assert story.owner.received[-1].protected
    assert ben.received[-1].protected
    [told] = await story.reads(ana)
    assert told.startswith(SEEN)
    assert "I cannot say when." in told
    assert "+44 20 7946 0000" in told
    assert "999" in told
    await story.owner.until(lambda: not alarm.labels)
    assert PUS in alarm.text  # only the button is gone


async def test_the_second_to_press_is_told_who_has_it_and_nobody_else_hears_of_it(
    story: Story,
) -> None:
    ana, ben = await patient(story), await colleague(story)
    await asks(story, ana, BREATH)
    await story.reads(story.owner)
    await story.reads(ben)
    alarm = ben.received[-1]
    action = behind(alarm, ON_IT)
    await presses(story, story.owner, ON_IT)
    await story.reads(ana)
    await story.reads(ben)
    story.move(seconds=PAUSE)
    story.simulator.press(ben, alarm, action)
    [told] = await story.reads(ben)
    assert told.startswith("Rosa Marín has been on it since Monday 23 November, 14:00")
    await ben.until(lambda: not alarm.labels)
    assert await story.reads(ana) == []
    assert await story.reads(story.owner) == []


def test_pressed_twice_it_is_done_once(counter: Counter) -> None:
    counter.enrol(PATIENT)
    counter.member(OTHER, "clinician")
    counter.say(PATIENT, PUS)
    button = counter.action(OWNER, ON_IT)
    counter.send(OWNER, button)
    heard = {account: len(told) for account, told in counter.shown.items()}
    counter.move(minutes=5)
    assert counter.send(OWNER, button) == ""
    assert counter.toasts == ["You are on it already."]
    assert {account: len(told) for account, told in counter.shown.items()} == heard
    [alert] = counter.ask(all_alerts)
    assert (alert.taken_by, alert.taken_at) == (2, counter.now - timedelta(minutes=5))
    noted = counter.ask(lambda tx: tx.exec(select(Audit.action)).all())
    assert noted.count("took alert 1") == 1


@pytest.mark.parametrize("action", ["onit:1", "onit:99", "onit:", f"onit:{'9' * 40}"])
def test_another_clinic_and_invented_buttons_take_nothing(counter: Counter, action: str) -> None:
    counter.enrol(PATIENT)
    counter.say(PATIENT, PUS)
    assert counter.send(RIVAL, action) == ""
    assert counter.toasts == ["This is not an alert of your clinic."]
    assert [it.taken_at for it in counter.ask(all_alerts)] == [None]


@pytest.mark.parametrize("account", [PATIENT, OTHER])
def test_only_the_team_can_be_on_it(counter: Counter, account: int) -> None:
    counter.enrol(PATIENT)
    counter.say(PATIENT, PUS)
    assert "do not know that command" in counter.send(account, "onit:1")
    assert [it.taken_at for it in counter.ask(all_alerts)] == [None]


async def test_in_a_spanish_clinic_the_team_and_the_patient_read_spanish(story: Story) -> None:
    await story.query(in_spanish)
    ana = story.simulator.add_person(2003, "Ana", language_code="es")
    ana.open((await invited(story)).link)
    await story.reads(ana)
    assert ana.received[-1].labels[0] != "I agree"
    ana.press(ana.received[-1].labels[0])
    await story.reads(ana)
    await story.reads(story.owner)
    answer = await asks(story, ana, ASKS_FOR_HELP["es"])
    assert "Acabo de avisar al equipo de la clínica." in answer
    [alarm] = await story.reads(story.owner)
    assert "EMERGENCIA" in alarm
    assert ASKS_FOR_HELP["es"] in alarm
    assert story.owner.received[-1].labels == ["Me ocupo yo"]
    [yours] = await presses(story, story.owner, "Me ocupo yo")
    assert yours.startswith("Se ocupa usted.")
    [told] = await story.reads(ana)
    assert told.startswith("Rosa Marín, de Rosewood Clinic, ha visto su mensaje")
    assert "999" in told


async def test_each_reads_their_own_language(story: Story) -> None:
    ana = story.simulator.add_person(2003, "Ana", language_code="es-MX")
    ana.open((await invited(story)).link)
    await story.reads(ana)
    ana.press(ana.received[-1].labels[0])
    await story.reads(ana)
    await story.reads(story.owner)
    assert "Acabo de avisar" in await asks(story, ana, ASKS_FOR_HELP["es"])
    [alarm] = await story.reads(story.owner)
    assert alarm.startswith("EMERGENCY")
    await presses(story, story.owner, ON_IT)
    assert (await story.reads(ana))[0].startswith("Rosa Marín, de Rosewood Clinic,")


async def test_logs_hold_no_name_and_no_word_of_it(
    story: Story, capfd: pytest.CaptureFixture[str]
) -> None:
    ana = await patient(story)
    await asks(story, ana, BREATH)
    await story.reads(story.owner)
    await presses(story, story.owner, ON_IT)
    logged = "".join(capfd.readouterr())
    assert "answer.outcome" in logged
    assert [it for it in (BREATH, "Ana", "Rosa", "López") if it in logged] == []


# --- several messages of one trouble


async def test_every_message_is_told_and_the_trouble_is_one_as_bad_as_the_worst(
    story: Story,
) -> None:
    ana = await patient(story)
    for words in (PUS, BREATH, PUS):
        await asks(story, ana, words)
        assert words in (await story.reads(story.owner))[0]
        story.move(minutes=2)
    [alert] = await story.query(all_alerts)
    assert (alert.level, alert.topic) == ("emergency", "emergency")
    shown = await asks(story, story.owner, "/worklist")
    assert shown.count("Ana López") == 1
    assert "Monday 23 November, 14:00" in shown
    await presses(story, story.owner, ON_IT)
    assert (await story.reads(ana))[-1].startswith(SEEN)


async def test_what_is_written_after_somebody_was_on_it_is_a_new_trouble(story: Story) -> None:
    ana = await patient(story)
    await asks(story, ana, PUS)
    await story.reads(story.owner)
    await presses(story, story.owner, ON_IT)
    await story.reads(ana)
    answer = await asks(story, ana, BREATH)
    assert TOLD in answer
    assert BREATH in (await story.reads(story.owner))[0]
    assert [it.taken_at is None for it in await story.query(all_alerts)] == [False, True]


def test_a_trouble_of_another_day_is_one_of_its_own(counter: Counter) -> None:
    counter.enrol(PATIENT)
    counter.say(PATIENT, PUS)
    counter.move(hours=23, minutes=59)
    counter.say(PATIENT, PUS)
    assert len(counter.ask(all_alerts)) == 1
    counter.move(days=21)
    counter.say(PATIENT, BREATH)
    assert [it.level for it in counter.ask(all_alerts)] == ["today", "emergency"]
    shown = counter.say(OWNER, "/worklist")
    assert "1. Ana López, Tuesday 15 December, 13:59\nEMERGENCY" in shown
    assert "2. Ana López, Monday 23 November, 14:00\nNeeds" in shown


# --- nobody can be reached


async def test_a_team_that_has_blocked_the_bot_is_not_promised(story: Story) -> None:
    ana = await patient(story)
    story.owner.block()
    await story.settled()
    answer = await asks(story, ana, BREATH)
    assert answer.startswith(CALL_NOW)
    assert NOBODY in answer
    assert "+44 20 7946 0000" in answer
    assert TOLD not in answer
    assert await story.reads(ana) == []  # told once
    story.owner.unblock()
    await story.settled()
    assert "EMERGENCY" in (await asks(story, story.owner, "/worklist"))
    assert TOLD in await asks(story, ana, BREATH)


async def test_who_is_the_whole_team_and_the_patient_is_told_that_nobody_else_knows(
    story: Story,
) -> None:
    story.owner.open((await invited(story)).link)
    for button in ("I am this patient", "I agree"):
        await story.reads(story.owner)
        story.owner.press(button)
    await story.reads(story.owner)
    assert NOBODY in await asks(story, story.owner, PUS)


async def test_one_who_can_be_reached_is_enough(story: Story) -> None:
    ana, ben = await patient(story), await colleague(story)
    story.owner.block()
    await story.settled()
    assert TOLD in await asks(story, ana, PUS)
    assert PUS in (await story.reads(ben))[0]
    assert await story.reads(ana) == []


async def test_who_left_the_team_is_not_told(story: Story) -> None:
    ana, ben = await patient(story), await colleague(story)
    await presses(story, story.owner, "Take it back")
    await story.reads(ben)
    await asks(story, ana, PUS)
    assert await story.reads(ben) == []


async def test_an_alarm_that_telegram_did_not_take_is_told_to_the_patient(story: Story) -> None:
    """The team deleted their accounts: bots are not told of that until they write."""
    ana, ben = await patient(story), await colleague(story)
    for member in (story.owner, ben):
        member.delete_account()
    story.move(seconds=PAUSE)
    ana.say(BREATH)
    answer, later = await story.reads(ana)
    assert TOLD in answer
    assert later.startswith(UNHEARD)
    assert "+44 20 7946 0000" in later
    assert "999" in later
    assert await story.query(_alarms) == {"unreachable"}


def _alarms(tx: Transaction) -> set[str]:
    """What became of the messages to the team."""
    return set(tx.exec(select(OutgoingRow.state).where(col(OutgoingRow.alert_id) == 1)).all())


async def test_one_of_the_team_who_has_the_alarm_keeps_the_patient_from_being_frightened(
    story: Story,
) -> None:
    ana, ben = await patient(story), await colleague(story)
    ben.delete_account()
    assert TOLD in await asks(story, ana, PUS)
    assert len(await story.reads(story.owner)) == 1
    assert await story.reads(ana) == []


# --- on the worklist


async def test_an_alarm_is_on_the_worklist_until_somebody_is_on_it(story: Story) -> None:
    ana = await patient(story)
    story.move_to(at(24, 2, 10))
    await story.reads(ana)
    ana.say(BREATH)
    await story.reads(ana)
    await story.reads(story.owner)
    story.move_to(at(24, 8))
    shown = await asks(story, story.owner, "/worklist")
    assert "Wrote of trouble, and nobody is on it (1)" in shown
    assert "1. Ana López, Tuesday 24 November, 02:10\nEMERGENCY" in shown
    assert "Please call them now" in shown
    assert story.owner.received[-1].protected
    await presses(story, story.owner, ON_IT)
    assert "nothing for you to look at" in await asks(story, story.owner, "/worklist")


def test_the_worst_comes_first_then_the_newest_and_before_all_else(counter: Counter) -> None:
    for n, words in enumerate((PUS, BREATH, PUS)):
        counter.enrol(PATIENT + n, f"P{n}, today 13:30, face")
        counter.say(PATIENT + n, words)
        counter.move(minutes=1)
    counter.ask(people.unreachable, PATIENT, counter.now, "blocked")
    shown = counter.say(OWNER, "/worklist")
    places = [shown.index(it) for it in ("1. P1", "2. P2", "3. P0", "on Telegram (1)")]
    assert places == sorted(places)
    assert counter.say(RIVAL, "/worklist").startswith("All is well")


def test_ticked_it_leaves_the_list_and_can_still_be_taken(counter: Counter) -> None:
    counter.enrol(PATIENT)
    counter.say(PATIENT, PUS)
    counter.say(OWNER, "/worklist")
    assert counter.press(OWNER, "✓ 1").startswith("All is well")
    noted = counter.ask(lambda tx: tx.exec(select(Audit.action)).all())
    assert "saw to alert 1" in noted
    assert "You are on it" in counter.press(OWNER, ON_IT)
    assert counter.shown[PATIENT][-1].text.startswith("<b>Person 1001</b> from")


# --- who has not agreed


async def test_somebody_invited_is_told_who_is_on_it(story: Story) -> None:
    story.ana.open((await invited(story)).link)
    await story.reads(story.ana)
    await story.reads(story.owner)
    assert (await asks(story, story.ana, PUS)).startswith(CALL_TODAY)
    await presses(story, story.owner, ON_IT)
    assert (await story.reads(story.ana))[0].startswith(SEEN)


async def shared(story: Story) -> str:
    """A link that Ana and Ben have both opened, and neither has agreed; all read so far."""
    link = (await invited(story)).link
    for person in (story.ana, story.ben):
        person.open(link)
        await story.reads(person)
    await story.reads(story.owner)
    return link


async def test_of_two_who_opened_one_link_each_is_told_who_is_on_theirs(story: Story) -> None:
    await shared(story)
    await asks(story, story.ana, PUS)
    assert TOLD in await asks(story, story.ben, BREATH)
    assert [it.level for it in await story.query(all_alerts)] == ["today", "emergency"]
    await story.reads(story.owner)
    await presses(story, story.owner, ON_IT)  # the newest: Ben's
    assert (await story.reads(story.ben))[0].startswith(SEEN)
    assert await story.reads(story.ana) == []
    shown = await asks(story, story.owner, "/worklist")
    assert "nobody is on it (1)" in shown
    assert "EMERGENCY" not in shown


async def test_what_another_wrote_who_opened_the_link_is_not_taken_along(story: Story) -> None:
    other = await invited(story, "Ana L., today 13:40, face")
    link = await shared(story)
    for person in (story.ana, story.ben):
        await asks(story, person, PUS)
    before = (await story.query(all_alerts))[1].patient_id
    await agreed(story, story.ana, other.link)
    story.ana.open(link)
    assert (await story.reads(story.ana))[0].startswith("Your new session is added.")
    anas, bens = await story.query(all_alerts)
    assert (anas.account, anas.patient_id) == (story.ana.id, other.patient)
    assert (bens.account, bens.patient_id) == (story.ben.id, before)
    await story.reads(story.owner)
    shown = await asks(story, story.owner, "/worklist")
    assert "Ana L.," in shown
    assert "Ana López," in shown


async def test_an_alarm_stays_with_whom_the_invited_turned_out_to_be(story: Story) -> None:
    first, second = await invited(story), await invited(story, "Ana L., today 13:40, face")
    story.ana.open(first.link)
    await story.reads(story.ana)
    await asks(story, story.ana, PUS)
    await agreed(story, story.ana, second.link)
    story.ana.open(first.link)
    assert (await story.reads(story.ana))[0].startswith("Your new session is added.")
    [alert] = await story.query(all_alerts)
    assert alert.patient_id == second.patient
    await story.reads(story.owner)
    assert "Ana L.," in await asks(story, story.owner, "/worklist")


# --- while one alarm waits to be sent, the next of the same trouble are told by it

FEVER = "I have a fever of 38.6"


@asynccontextmanager
async def held(story: Story, member: Person) -> AsyncIterator[None]:
    """Telegram takes nothing for `member`: the first of what is said in here has been refused."""
    hold = story.simulator.faults.add(
        "too_many_requests", method="sendMessage", chat_id=member.id, retry_after=2, times=None
    )
    story.move(seconds=PAUSE)
    story.ana.say(PUS)
    async with asyncio.timeout(PATIENCE):
        while not hold.hits or await story.query(_sending):  # noqa: ASYNC110  no event tells it
            await asyncio.sleep(0.01)
    yield
    hold.lift()


def _sending(tx: Transaction) -> bool:
    return tx.exec(select(OutgoingRow.id).where(OutgoingRow.state == "sending")).first() is not None


async def answered(story: Story, person: Person, words: str) -> str:
    """The answer to `words`, while others' messages wait."""
    story.move(seconds=PAUSE)
    before = len(person.received)
    person.say(words)
    await person.until(lambda: len(person.received) > before)
    return person.received[-1].text


async def alarms_queued(story: Story) -> Counts[str]:
    found = select(OutgoingRow.state).where(col(OutgoingRow.alert_id).is_not(None))
    return Counts(await story.query(lambda tx: tx.exec(found).all()))


async def second_patient(story: Story) -> Person:
    await agreed(story, story.ben, (await invited(story, "Ben Diaz, today 13:40, face")).link)
    await story.reads(story.owner)
    return story.ben


async def test_what_follows_while_an_alarm_waits_comes_with_it_the_emergency_first(
    story: Story,
) -> None:
    ana = await patient(story)
    async with held(story, story.owner):
        for words in (FEVER, BREATH, FEVER):
            assert TOLD in await answered(story, ana, words)
        assert await alarms_queued(story) == {"scheduled": 1, "merged": 3}
    [alarm] = await story.reads(story.owner)
    assert alarm.startswith("EMERGENCY")
    places = [alarm.index(words) for words in (BREATH, PUS, FEVER)]
    assert places == sorted(places)
    assert alarm.count(FEVER) == 2
    assert await alarms_queued(story) == {"sent": 1, "merged": 3}
    await story.reads(ana)
    await presses(story, story.owner, ON_IT)
    [told] = await story.reads(ana)
    assert told.startswith(SEEN)


async def test_a_flood_is_as_few_messages_as_hold_its_words(story: Story) -> None:
    ana = await patient(story)
    async with held(story, story.owner):
        for n in range(6):
            await answered(story, ana, f"{n}. {FEVER} {'and it hurts a lot 😢 ' * 40}")
        assert TOLD in await answered(story, ana, BREATH)
        await answered(story, ana, f"7. {FEVER}")
    alarms = await story.reads(story.owner)
    assert len(alarms) <= 4
    words = "\n".join(alarms)
    assert all(f"{n}. {FEVER}" in words for n in (0, 1, 2, 3, 4, 5, 7))
    assert BREATH in words


async def test_a_flood_of_small_words_loses_none(story: Story) -> None:
    ana = await patient(story)
    async with held(story, story.owner):
        for n in range(20):
            await answered(story, ana, f"{n}. {FEVER}")
    alarms = await story.reads(story.owner)
    assert len(alarms) <= 4
    assert all(f"{n}. {FEVER}" in "\n".join(alarms) for n in range(20))


async def test_emergencies_then_alarms_go_before_all_else_that_waits_in_a_chat(
    story: Story,
) -> None:
    ana, ben = await patient(story), await second_patient(story)
    async with held(story, story.owner):
        story.owner.say("/help")
        await answered(story, ben, PUS)
        await answered(story, ana, FEVER)
        await answered(story, ben, BREATH)
    bens, anas, help_page = await story.reads(story.owner)
    assert bens.startswith("EMERGENCY")
    assert "Ben Diaz" in bens
    assert BREATH in bens
    assert "Ana López" in anas
    assert FEVER in anas
    assert "/worklist" in help_page


async def test_who_writes_on_keeps_their_place_and_takes_no_others(story: Story) -> None:
    ana, ben = await patient(story), await second_patient(story)
    async with held(story, story.owner):
        await answered(story, ben, PUS)
        await answered(story, ana, FEVER)
    anas, bens = await story.reads(story.owner)
    assert FEVER in anas
    assert "Ben Diaz" in bens


async def test_an_alarm_that_may_have_been_read_is_not_changed(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.answers.REPEAT_UNKNOWN", 2.0)
    ana = await patient(story)
    story.move(seconds=PAUSE)
    story.simulator.faults.add("drop_after", method="sendMessage", chat_id=story.owner.id)
    ana.say(PUS)
    await story.owner.until(lambda: PUS in story.owner.received[-1].text)
    await answered(story, ana, FEVER)
    alarms = await story.reads(story.owner)
    assert [PUS in it for it in alarms] == [True, True, False]
    assert FEVER in alarms[-1]


async def test_beside_an_alarm_of_another_version_the_next_goes_by_itself(story: Story) -> None:
    def later_version(tx: Transaction) -> None:
        row = tx.exec(select(OutgoingRow).where(OutgoingRow.state == "scheduled")).one()
        row.payload = '{"of": "a later version"}'

    ana = await patient(story)
    async with held(story, story.owner):
        await story.query(later_version)
        assert TOLD in await answered(story, ana, BREATH)
    [alarm] = await story.reads(story.owner)
    assert BREATH in alarm


async def test_whose_words_were_told_by_an_alarm_that_failed_is_told_so_once(
    story: Story,
) -> None:
    ana = await patient(story)
    async with held(story, story.owner):
        await answered(story, ana, FEVER)
        await answered(story, ana, BREATH)
        story.owner.delete_account()
    later = await story.reads(ana)
    assert [it.startswith(UNHEARD) for it in later] == [False, False, False, True]


async def test_words_told_by_a_waiting_alarm_have_hope_until_that_one_fails(
    story: Story,
) -> None:
    """The colleague has the first message and not the second; the owner was to have both in one."""
    ana, ben = await patient(story), await colleague(story)
    async with held(story, story.owner):
        await ben.until(lambda: PUS in ben.received[-1].text)
        ben.delete_account()
        await answered(story, ana, FEVER)
        async with asyncio.timeout(PATIENCE):
            while not (await alarms_queued(story))["unreachable"]:  # noqa: ASYNC110  nor this
                await asyncio.sleep(0.01)
        assert not [it for it in ana.received if it.text.startswith(UNHEARD)]
        story.owner.delete_account()
    told = [it for it in await story.reads(ana) if it.startswith(UNHEARD)]
    assert len(told) == 1


async def test_words_told_by_an_alarm_that_arrived_are_told(story: Story) -> None:
    ana, ben = await patient(story), await colleague(story)
    async with held(story, story.owner):
        await ben.until(lambda: PUS in ben.received[-1].text)
        ben.delete_account()
        await answered(story, ana, FEVER)
    [alarm] = await story.reads(story.owner)
    assert FEVER in alarm
    assert not [it for it in await story.reads(ana) if it.startswith(UNHEARD)]
