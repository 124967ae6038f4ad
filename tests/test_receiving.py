"""From Telegram into the inbox and to the handlers: nothing lost, nothing out of order."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select
from structlog.testing import capture_logs

from bot.chat.patient import questions
from bot.clock import MovableClock
from bot.config import SettingsError
from bot.simulator import Simulator
from bot.updates import as_row, chat_of
from storage import inbox
from storage.database import Database, Transaction
from storage.models import Inbox, OutgoingRow
from tests.conftest import START
from tests.story import PATIENCE, Story, settings_for
from tests.test_connection import answering


def all_updates(tx: Transaction) -> list[Inbox]:
    return list(tx.exec(select(Inbox).order_by(col(Inbox.id))).all())


async def test_a_handled_update_keeps_its_id_and_loses_its_words(story: Story) -> None:
    story.ana.open()
    story.ana.say("hello")
    await story.reads(story.ana)
    updates = await story.query(all_updates)
    assert {(row.state, row.payload) for row in updates} == {("done", "")}


async def test_an_update_that_comes_twice_has_one_effect(story: Story) -> None:
    story.ana.open()
    await story.reads(story.ana)
    await story.stop()
    story.ana.say("hello")
    raw = story.simulator.updates.pending()[-1].as_json()
    row = as_row(raw)
    assert row
    stored = [await story.query(inbox.store, [row, row], story.clock.now()) for _ in range(2)]
    assert [len(new) for new in stored] == [1, 0]
    story.start()
    assert len(await story.reads(story.ana)) == 1


async def test_what_people_wrote_while_the_bot_was_down_is_answered_in_order(
    story: Story,
) -> None:
    story.ana.open()
    await story.reads(story.ana)
    await story.stop()
    story.ana.say("can I wear make-up?")
    story.ana.say("is my face meant to be red?")
    story.ben.open()
    story.start()
    first, second = await story.reads(story.ana)
    assert "brushes" in first
    assert "edness" in second
    assert len(await story.reads(story.ben)) == 1


async def test_an_update_that_cannot_be_handled_is_set_aside_kept_and_apologised_for(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    def broken(*_: Any, **__: Any) -> Any:
        nonlocal tries
        tries += 1
        raise RuntimeError("a fault of ours")

    story.ana.open()
    await story.reads(story.ana)
    monkeypatch.setattr(questions, "free_text", broken)
    monkeypatch.setattr("bot.chat.inbox_worker.PAUSE", 0.01)
    story.ana.say("poison")
    (sorry,) = await story.reads(story.ana)
    assert tries == 3
    assert "Something went wrong" in sorry
    assert "999" in sorry
    aside = (await story.query(all_updates))[-1]
    assert (aside.state, aside.problem) == ("aside", "RuntimeError")
    assert "poison" in aside.payload
    monkeypatch.undo()
    story.ana.say("/help")
    assert "What I can do" in (await story.reads(story.ana))[0]


async def test_a_malformed_update_does_not_stop_the_others(story: Story) -> None:
    story.ana.open()
    await story.reads(story.ana)
    story.simulator.checks_itself = False  # it is made to tell what Telegram never would
    story.simulator.updates.add("message", {"message_id": "not a number", "chat": 7})
    story.ana.say("/help")
    assert len(await story.reads(story.ana)) == 1
    malformed = next(row for row in await story.query(all_updates) if row.state == "aside")
    assert malformed.tries == 3


@pytest.mark.parametrize("letter", ["\ud800", "\x00", "\udc00\ud83d"])
async def test_what_no_database_takes_does_not_cost_an_alarm(
    simulator: Simulator,
    clock: MovableClock,
    tmp_path: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    letter: str,
) -> None:
    here = settings_for(simulator, tmp_path).model_copy(update={"database_url": database_url})
    monkeypatch.setattr("tests.story.settings_for", lambda *_: here)
    async with Story(simulator=simulator, clock=clock, folder=tmp_path) as story:
        await story.enrol(story.ana)
        await story.reads(story.ana)
        await story.reads(story.owner)
        story.ana.say(f"I have a fever {letter} and pus 😀")
        [answer] = await story.reads(story.ana)
        assert "+44 20 7946 0000" in answer
        [alarm] = await story.reads(story.owner)
        assert "I have a fever" in alarm
        assert "\ufffd and pus 😀" in alarm
        assert {row.state for row in await story.query(all_updates)} == {"done"}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("plain", "plain"),
        ("é 한 \ud7ff \ue000 😀", "é 한 \ud7ff \ue000 😀"),
        ("\ud83d😀\ude00", "\ufffd😀\ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\\ud83d\ude00", "\\ud83d\ufffd"),
        ("\\\ud83d", "\\\ufffd"),
        ("\\u0000 \n\x00\t", "\\u0000 \n\ufffd\t"),
    ],
)
def test_only_what_is_no_letter_is_replaced(said: str, kept: str) -> None:
    row = as_row({"update_id": 1, "message": {said: [said]}})
    assert row
    assert json.loads(row[2])["message"] == {kept: [kept]}


async def test_letters_no_file_can_hold_do_not_stop_the_others(story: Story) -> None:
    story.ana.open()
    await story.reads(story.ana)
    story.ana.say("half a letter \ud83d in here")
    story.ana.say("/help")
    assert any("What I can do" in text for text in await story.reads(story.ana))


async def test_nothing_is_lost_while_telegram_is_down(story: Story) -> None:
    story.ana.open()
    await story.reads(story.ana)
    port = int(story.simulator.url.rsplit(":", 1)[1])
    await story.simulator.stop()
    story.ana.say("/help")
    await story.simulator.start(port)
    assert "What I can do" in (await story.reads(story.ana))[0]


async def test_a_404_does_not_end_it_and_is_asked_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chat.poll.PAUSE_FIRST", 0.01)
    story.ana.open()
    await story.reads(story.ana)
    port = int(story.simulator.url.rsplit(":", 1)[1])
    await story.simulator.stop()
    story.ana.say("/help")
    with capture_logs() as logged:
        async with answering(404, port) as asked, asyncio.timeout(PATIENCE):
            while asked.count("getUpdates") < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    said = [it for it in logged if it["event"] == "poll.failed" and "404" in it["problem"]]
    assert said[0]["host"] == f"127.0.0.1:{port}"
    assert "TELEGRAM_API_URL" in said[0]["problem"]
    await story.simulator.start(port)
    assert "What I can do" in (await story.reads(story.ana))[0]


async def test_a_token_that_is_taken_back_ends_it(story: Story) -> None:
    story.simulator.token = "42:ANOTHER"
    story.simulator.updates.end_poll("the end of that token")
    running, story._running = story._running, None
    assert running
    with pytest.raises(SettingsError, match="Telegram does not know this token"):
        await asyncio.wait_for(running, PATIENCE)
    story.simulator.wrong_calls.clear()


async def test_a_batch_that_could_not_be_stored_is_fetched_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.ana.open()
    await story.reads(story.ana)
    stored, failures = inbox.store, 0

    def full(*given: Any) -> Any:
        nonlocal failures
        failures += 1
        if failures == 1:
            raise OSError("no space left on device")
        return stored(*given)

    monkeypatch.setattr(inbox, "store", full)
    story.ana.say("/help")
    assert len(await story.reads(story.ana)) == 1
    assert failures >= 2


async def test_another_program_on_the_same_token_is_said_and_outlived(story: Story) -> None:
    story.ana.open()
    await story.reads(story.ana)
    story.simulator.updates.end_poll("other getUpdates request")
    story.ana.say("/help")
    assert len(await story.reads(story.ana)) == 1


async def test_the_ids_of_handled_updates_are_forgotten_after_14_days(story: Story) -> None:
    story.ana.open()
    await story.reads(story.ana)
    now = story.clock.now()
    assert await story.query(inbox.forget_handled, now + timedelta(days=13, hours=23)) == 0
    assert await story.query(inbox.forget_handled, now + timedelta(days=14, hours=1)) > 0
    assert await story.query(all_updates) == []


async def test_updates_of_other_kinds_are_done_without_an_answer(story: Story) -> None:
    group = story.simulator.add_group(-200, "Clinic")
    story.ana.open()
    await story.reads(story.ana)
    group.remove_bot()
    await story.settled()
    assert {row.state for row in await story.query(all_updates)} == {"done"}


async def test_a_message_of_nobody_is_done_without_an_answer(story: Story) -> None:
    story.ana.open()
    await story.reads(story.ana)
    nobody = {"message_id": 9, "date": 1795442400, "chat": {"id": 2001, "type": "private"}}
    story.simulator.updates.add("message", {**nobody, "text": "/help"})
    assert await story.reads(story.ana) == []
    assert {row.state for row in await story.query(all_updates)} == {"done"}


@pytest.mark.parametrize(
    ("update", "chat"),
    [
        ({"message": {"chat": {"id": 7}}}, 7),
        ({"edited_message": {"chat": {"id": 8}}}, 8),
        ({"callback_query": {"from": {"id": 9}, "message": {"chat": {"id": 9}}}}, 9),
        ({"callback_query": {"from": {"id": 9}}}, 9),
        ({"my_chat_member": {"chat": {"id": 5}}}, 5),
        ({"poll": {}}, None),
        ({"message": "nonsense"}, None),
        ({"callback_query": {"message": "nonsense", "from": {"id": 4}}}, 4),
        ({"message": {"chat": {"id": 2**70}}}, None),
        ({"message": {"chat": {"id": "x"}}}, None),
    ],
)
def test_the_chat_an_update_belongs_to(update: dict[str, Any], chat: int | None) -> None:
    assert chat_of(update) == chat


def test_an_update_nested_as_nobody_writes_is_none() -> None:
    """It can never be stored, so it must not be fetched again for ever."""
    nested: list[Any] = []
    for _ in range(500_000):
        nested = [nested]
    assert as_row({"update_id": 1, "message": nested}) is None


async def test_one_chat_with_much_to_say_does_not_shut_the_others_out(database: Database) -> None:
    """Its first few are taken; once they are at hand, room is left for everybody else."""

    def store(tx: Transaction) -> None:
        inbox.store(tx, [(n, 7, "{}") for n in range(300)], START)
        inbox.store(tx, [(1000, 8, "{}"), (1001, None, "{}")], START)

    await database.run(store)
    rows = await database.run(inbox.waiting, 200)
    assert {account for _, account, _ in rows} == {7}
    rows = await database.run(inbox.waiting, 200, without=[7])
    assert [account for _, account, _ in rows] == [8, None]


async def test_a_long_queue_of_one_chat_is_worked_off_in_order(story: Story) -> None:
    story.ana.open()
    await story.reads(story.ana)
    await story.stop()
    for n in range(35):
        story.ana.say(f"/today {n}")
    story.start()
    async with asyncio.timeout(PATIENCE):
        while len(handled := await story.query(_handled_in_order)) < 36:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert handled == sorted(handled)


def _handled_in_order(tx: Transaction) -> list[int]:
    rows = tx.exec(
        select(OutgoingRow.update_id)
        .where(col(OutgoingRow.update_id).is_not(None))
        .order_by(col(OutgoingRow.id))
    ).all()
    return [update_id for update_id in rows if update_id is not None]
