"""The demo with its bot: the clock that travels, the line, faults, stories, a clinic's content."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.scripts import Script, scripts
from tests.demo.conftest import ANA, BEN, ROSA, TOM, Visitor, visiting

AT_ONCE = 50
"""The tempo of a story nobody reads along."""


async def until_so(visitor: Visitor, condition: Callable[[], bool], seconds: float = 30) -> None:
    await visitor.simulator.until(condition, seconds)


async def first_is_sent(visitor: Visitor) -> None:
    """The database is another process's: it can only be asked again."""
    async with asyncio.timeout(20):
        while states(await visitor.get("timeline", person=ANA))[0] != "sent":  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def states(line: dict[str, Any]) -> list[str]:
    return [message["state"] for message in line["messages"]]


async def test_staff_are_there_from_the_start(visitor: Visitor) -> None:
    for number in (ROSA, TOM):
        who = visitor.person(number)
        await who.until(lambda who=who: bool(who.received), 20)  # type: ignore[misc]
        assert "You are on the team" in who.received[0].text
        assert {"command": "newsession", "description": "Record a session"} in who.commands


async def test_a_day_sends_what_falls_due_on_the_way_and_the_line_shows_it(
    visitor: Visitor,
) -> None:
    await visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3, next in 4 weeks 10:00")
    began = visitor.clock.now()
    line = await visitor.get("timeline", person=ANA)
    assert line["session"]["text"] == "Face, needling, 1.0 mm, Session 1 of 3"
    assert line["visit"] > line["session"]["ended"] > line["from"]
    assert set(states(line)) == {"scheduled"}
    await visitor.do("move", hours=24)
    assert visitor.later(began, 24)
    line = await visitor.get("timeline", person=ANA)
    due = [it for it in line["messages"] if it["due"] <= visitor.clock.now().timestamp() * 1000]
    assert len(due) >= 3
    assert {it["state"] for it in due} == {"sent"}
    assert all(abs(it["sent"] - it["due"]) < 10_000 for it in due), due


async def test_a_dot_opens_with_text_rules_and_sources(visitor: Visitor) -> None:
    await visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    ana = visitor.person(ANA)
    heard = len(ana.received)
    await visitor.do("move", to="next")
    await ana.until(lambda: len(ana.received) > heard)
    await first_is_sent(visitor)
    sent, planned, *_ = (await visitor.get("timeline", person=ANA))["messages"]
    told = await visitor.get(f"timeline/{sent['id']}")
    assert (told["state"], told["text"]) == ("sent", ana.received[-1].text)
    told = await visitor.get(f"timeline/{planned['id']}")
    assert told["state"] == "scheduled"
    assert told["text"]
    assert told["rules"]
    assert "hours" in told["rules"][0]["says"]
    cited = {source["key"] for source in told["sources"]}
    assert cited
    assert all(source["title"] for source in told["sources"])
    assert set(told["rules"][0]["sources"]) & cited


async def test_what_was_left_out_says_why(visitor: Visitor) -> None:
    await visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    await visitor.do("block", person=ANA)
    await visitor.do("move", hours=24)
    line = await visitor.get("timeline", person=ANA)
    gone = [it for it in line["messages"] if it["state"] in ("skipped", "unreachable")]
    assert gone
    assert all(it["reason"] for it in gone)
    assert any("blocked" in it["reason"] for it in gone)


async def test_killed_and_started_again_it_loses_nothing(visitor: Visitor) -> None:
    await visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    ana = visitor.person(ANA)
    await visitor.do("bot", do="kill")
    assert (await visitor.state())["bot"]["running"] == "stopped"
    heard = len(ana.received)
    await visitor.do("move", to="next")
    ana.say("is my face meant to be red?")
    await asyncio.sleep(0.3)
    assert len(ana.received) == heard
    await visitor.do("bot", do="start")
    await ana.until(lambda: any("is expected" in it.text for it in ana.received[heard:]), 30)
    await first_is_sent(visitor)


@pytest.mark.parametrize("kind", ["down", "slow", "too_many"])
async def test_a_fault_is_told_felt_and_lifted(visitor: Visitor, kind: str) -> None:
    await visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    ana = visitor.person(ANA)
    heard = len(ana.received)
    await visitor.do("fault", kind=kind, on=True)
    assert (await visitor.state())["faults"][kind]
    ana.say("/today")
    await asyncio.sleep(1)
    assert len(ana.received) == heard
    await visitor.do("fault", kind=kind, on=False)
    assert not any((await visitor.state())["faults"].values())
    await ana.until(lambda: len(ana.received) > heard, 60)


async def test_killed_while_it_starts_it_is_gone(visitor: Visitor) -> None:
    await visitor.do("bot", do="kill")
    await asyncio.gather(visitor.do("bot", do="start"), visitor.do("bot", do="kill"))
    assert visitor.stage.bot.running == "stopped"
    process = visitor.stage.bot._process
    assert process is not None
    assert process.returncode is not None


async def test_what_the_clock_was_told_while_it_started_counts(visitor: Visitor) -> None:
    await visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    ana = visitor.person(ANA)
    heard = len(ana.received)
    await visitor.do("bot", do="kill")
    await visitor.do("bot", do="start")
    visitor.stage.move_to(visitor.clock.now() + timedelta(minutes=61))
    await ana.until(lambda: len(ana.received) > heard, 30)


async def test_playing_again_and_again_leaves_one_player(visitor: Visitor) -> None:
    await visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    await asyncio.gather(*(visitor.do("play", speed=speed) for speed in (600, 3600, 600)))
    await visitor.do("play", speed=0)
    now = visitor.clock.now()
    await asyncio.sleep(0.6)
    assert visitor.clock.now() - now < timedelta(seconds=5)


async def test_time_can_be_played_until_a_message_comes(visitor: Visitor) -> None:
    await visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    ana = visitor.person(ANA)
    heard, began = len(ana.received), visitor.clock.now()
    await visitor.do("play", speed=3600)
    assert (await visitor.state())["speed"] == 3600
    await ana.until(lambda: len(ana.received) > heard, 20)
    await visitor.do("play", speed=0)
    assert (await visitor.state())["speed"] == 0
    passed = visitor.clock.now() - began
    assert 0.9 < passed.total_seconds() / 3600 < 2


@pytest.mark.parametrize("name", list(scripts()))
async def test_a_story_plays_to_its_end(visitor: Visitor, name: str) -> None:
    await visitor.do("story", do="start", name=name, tempo=AT_ONCE)
    story = visitor.demo.story
    assert story is not None
    await until_so(visitor, lambda: story.state != "playing", 60)
    told = (await visitor.state())["story"]
    assert (told["state"], told["step"]) == ("ended", told["of"])
    for number in told["show"]:
        assert visitor.person(number).received
    await visitor.do("story", do="stop")
    assert (await visitor.state())["story"] is None


async def test_a_visitor_takes_over_and_lets_it_go_on(visitor: Visitor) -> None:
    await visitor.do("story", do="start", name="first", tempo=AT_ONCE)
    await until_so(visitor, lambda: bool(visitor.person(ANA).messages))
    await visitor.do("say", person=BEN, text="hello")
    told = (await visitor.state())["story"]
    assert told["state"] == "paused"
    await asyncio.sleep(0.5)
    assert (await visitor.state())["story"]["step"] == told["step"]
    await visitor.do("story", do="resume")
    story = visitor.demo.story
    assert story is not None
    await until_so(visitor, lambda: story.state == "ended", 60)


async def test_a_story_that_cannot_go_on_says_so(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.demo.story.ANSWERS_WITHIN", 0.5)
    await visitor.do("story", do="start", name="first", tempo=AT_ONCE)
    story = visitor.demo.story
    assert story is not None
    await until_so(visitor, lambda: bool(visitor.person(ROSA).messages[-1].labels))
    await visitor.do("bot", do="kill")
    await visitor.do("story", do="resume")
    await until_so(visitor, lambda: story.state == "stuck")


async def test_a_story_begins_afresh_where_somebody_was_busy(visitor: Visitor) -> None:
    visitor.person(BEN).say("I was here before")
    await visitor.do("move", hours=30)
    await visitor.do("story", do="start", name="first", tempo=AT_ONCE)
    async with asyncio.timeout(30):
        while visitor.stage.first == 0 or visitor.demo.story is None:  # noqa: ASYNC110  as it ends
            await asyncio.sleep(0.05)
    story = visitor.demo.story
    await until_so(visitor, lambda: story.state != "playing", 60)
    assert story.state == "ended"
    assert visitor.person(BEN).messages == []


def test_a_step_does_one_thing_of_somebody() -> None:
    story = {"title": "x", "about": "x", "minutes": 1, "place": 1}
    for step, words in (
        ({"who": 1, "write": "x", "press": "y"}, "one thing"),
        ({"write": "x"}, "needs `who`"),
        ({"sing": "x"}, "sing"),
    ):
        with pytest.raises(ValueError, match=words):
            Script.model_validate({**story, "step": [step]})


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[tuple[Visitor, Path]]:
    """A clinic's own content, watched."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "rules.toml").write_text("[makeup]\nfrom_hours = 48\n", "utf-8")
    async for each in visiting(folder):
        await each.ready()
        yield each, folder


async def test_an_edited_text_shows_at_once_and_a_fault_with_file_and_key(
    own: tuple[Visitor, Path],
) -> None:
    visitor, folder = own
    await visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    told = (await visitor.state())["content"]
    assert (told["folder"], told["approved"]) == (str(folder), False)
    started = visitor.stage.bot

    (folder / "rules.toml").write_text("[makeup]\nfrom_hours = 24\n", "utf-8")
    await until_so(visitor, lambda: started.running == "starting")
    await visitor.ready()
    ana = visitor.person(ANA)
    heard = len(ana.received)
    ana.say("when can I wear make-up?")
    await ana.until(lambda: len(ana.received) > heard, 20)
    tomorrow = visitor.clock.now() + timedelta(days=1)
    assert (
        f"Not yet. From {tomorrow:%A} {tomorrow.day} {tomorrow:%B}, 14:3" in ana.received[-1].text
    )

    (folder / "rules.toml").write_text("[makeup]\nfrom_ours = 24\n", "utf-8")
    await until_so(visitor, lambda: "from_ours" in str(visitor.demo.content.told()["problems"]))
    (problem,) = (await visitor.state())["content"]["problems"]
    assert "rules.toml" in problem["where"]
    assert visitor.stage.bot.running == "running"


async def test_the_bot_ends_with_the_demo() -> None:
    process = None
    async for visitor in visiting(None):
        await visitor.ready()
        process = visitor.stage.bot._process
    assert process is not None
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
