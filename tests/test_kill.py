"""The same story with the power cut in between: a new process on the same file goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot import app
from bot.clock import MovableClock
from bot.simulator import Simulator
from tests import story
from tests.apart import Apart
from tests.process import BotProcess, environment_of
from tests.story import LINK, heard, settings_for

LINE = "/newsession Ana López, today 13:30, face, 1.0 mm, 1/1"
SECOND = timedelta(seconds=1)


class Cut(Apart):
    """A bot in a process of its own, and the Telegram it talks to."""

    def __init__(self, simulator: Simulator, clock: MovableClock, folder: Path) -> None:
        super().__init__(simulator, clock, folder, settings_for(simulator, folder / "clinic.db"))
        self.bot = BotProcess(environment_of(self.settings), self.clock_file, folder / "log")

    async def recorded(self, count: int) -> None:
        """Wait until so many messages are written down as sent: from here on none is in doubt."""
        async with asyncio.timeout(5):
            while sum(row.state == "sent" for row in self.rows()) < count:  # noqa: ASYNC110  another process's
                await asyncio.sleep(0.02)

    async def more_than(self, count: int) -> None:
        """Wait until Ana has received more messages than that."""
        await self.ana.until(lambda: len(self.ana.received) > count)

    async def killed_and_started(self) -> None:
        await self.bot.kill()
        await self.bot.start()


@pytest.fixture
async def cut(simulator: Simulator, clock: MovableClock, tmp_path: Path) -> AsyncIterator[Cut]:
    cut = Cut(simulator, clock, tmp_path)
    yield cut
    await cut.bot.kill()


async def test_the_story_goes_on_through_four_kills(cut: Cut) -> None:
    link = await app.invite_owner(cut.settings)
    await cut.bot.start()
    cut.owner.open_link(link)
    await heard(cut.owner, "You are on the team")

    cut.owner.say(LINE)
    await heard(cut.owner, "Nothing is saved yet")
    await cut.killed_and_started()
    cut.owner.press("Save session")
    await heard(cut.owner, "scans this")
    found = next(LINK.search(message.text) for message in cut.owner.received[::-1][1:])
    assert found

    cut.ana.open(found[1])
    await heard(cut.ana, "not for emergencies")
    await cut.killed_and_started()
    cut.ana.press("I agree")
    await heard(cut.ana, "Thank you")

    await cut.bot.kill()
    cut.ana.say("Is my face meant to be this red?")
    await cut.bot.start()
    await heard(cut.ana, "expected")

    planned = [row for row in cut.rows() if row.state == "scheduled"]
    for number, row in enumerate(planned):
        before = len(cut.ana.received)
        cut.move_to(row.due_at - 2 * SECOND)
        if number % 4 == 1:
            await cut.killed_and_started()
        assert len(cut.ana.received) == before, row.step
        cut.move_to(row.due_at)
        await cut.more_than(before)
        await cut.recorded(number + 1)
        assert len(cut.ana.received) == before + 1, row.step
    assert await cut.bot.terminate() == 0
    assert [row.state for row in cut.rows()] == ["sent"] * len(planned)


async def test_what_was_on_its_way_at_the_kill_is_sent_again_once(cut: Cut) -> None:
    """Nobody can know whether it arrived: here it had, so the patient reads it twice."""
    await enrolled(cut)
    first = next(row for row in cut.rows() if row.step == "first_hours")
    before = len(cut.ana.received)
    fault = cut.simulator.faults.add("hang_after", method="sendMessage")
    cut.move_to(first.due_at)
    await cut.ana.until(lambda: len(cut.ana.received) == before + 1)
    await cut.bot.kill()
    fault.lift()
    await cut.bot.start()
    row = next(row for row in cut.rows() if row.step == "first_hours")
    assert row.state == "unknown"
    assert row.try_at
    cut.move_to(row.try_at)
    await cut.ana.until(lambda: len(cut.ana.received) == before + 2)
    await cut.bot.terminate()
    row = next(row for row in cut.rows() if row.step == "first_hours")
    assert (row.state, row.doubted, row.attempts) == ("sent", True, 2)


async def test_an_answer_on_its_way_at_the_kill_comes_again_but_its_effect_does_not(
    cut: Cut,
) -> None:
    link = await app.invite_owner(cut.settings)
    await cut.bot.start()
    cut.owner.open_link(link)
    await heard(cut.owner, "You are on the team")
    cut.owner.say(LINE)
    await heard(cut.owner, "Nothing is saved yet")
    fault = cut.simulator.faults.add("hang_after", method="sendMessage")
    cut.owner.press("Save session")
    await heard(cut.owner, "Saved.")
    await cut.bot.kill()
    fault.lift()
    await cut.bot.start()
    await heard(cut.owner, "scans this")
    saved = [message for message in cut.owner.received if message.text.startswith("Saved.")]
    assert len(saved) == 2
    assert saved[0].text == saved[1].text
    cut.owner.say("/sessions")
    await heard(cut.owner, "Has not opened the link yet")
    assert cut.owner.received[-1].text.count("Ana López") == 1


async def test_a_second_bot_on_the_same_file_is_refused(cut: Cut) -> None:
    await cut.bot.start()
    second = BotProcess(cut.bot.environment, cut.clock_file, cut.folder / "second.log")
    with pytest.raises(AssertionError):
        await second.start()
    assert "another `run` is at work" in second.log.read_text()


async def test_at_sigterm_it_ends_cleanly(cut: Cut) -> None:
    await cut.bot.start()
    assert await cut.bot.terminate() == 0
    assert "stopped" in cut.bot.log.read_text()


async def test_no_name_no_word_and_no_token_is_in_the_log(cut: Cut) -> None:
    await enrolled(cut)
    cut.simulator.faults.add("server_error", times=1, chat_id=cut.ana.id)
    cut.ana.say("pus is coming out of my cheek")
    await heard(cut.owner, "cheek")
    await cut.bot.terminate()
    log = cut.bot.log.read_text()
    assert "ready" in log
    for secret in (cut.simulator.token, "Ana", "López", "cheek", "pus", "Rosa"):
        assert secret not in log, secret


async def enrolled(cut: Cut) -> None:
    link = await app.invite_owner(cut.settings)
    await cut.bot.start()
    await story.enrolled(cut.owner, cut.ana, link, LINE)
