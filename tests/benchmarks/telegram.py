"""The simulator as a process of its own: a crowd with open chats, and some who ask for /help.

python -m tests.benchmarks.telegram STAGE      STAGE is JSON. Prints its address; once all that is
expected has come, a report as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import cycle

from bot.simulator import Simulator
from bot.simulator.people import Person
from tests.benchmarks import fast
from tests.benchmarks.filling import FIRST_ACCOUNT, NOON

PATIENCE = 10.0
"""Seconds to wait for an answer to /help."""
LOOK_EVERY = 0.5
"""Seconds of the machine: looking takes a moment too."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Who is there, and what is waited for. Moments: seconds of the machine's monotonic clock."""

    crowd: int
    """How many are each to get one message, from FIRST_ACCOUNT + 1 on."""
    askers: int = 0
    """How many more there are, who ask."""
    ask_at: float = 0.0
    ask_every: float = 0.25
    asks: int = 0
    origin: float = 0.0
    noon: str = NOON.isoformat()
    """What the clock shows at `origin`."""
    speed: float = 1.0

    def accounts(self) -> range:
        first = FIRST_ACCOUNT + 1
        return range(first, first + self.crowd)

    def asking(self) -> range:
        first = self.accounts().stop
        return range(first, first + self.askers)

    def dumps(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came. Moments are seconds of the machine's monotonic clock."""

    came: dict[str, float]
    """When each of the crowd got its message."""
    twice: int
    refused: int
    """Calls answered with 429."""
    wrong: int
    answered: list[float]
    """Seconds from each /help to its answer."""


async def play(stage: Stage) -> None:
    clock = fast.FastClock(datetime.fromisoformat(stage.noon), stage.origin, stage.speed)
    async with Simulator(clock=clock) as simulator:
        simulator.checks_itself = False  # the bot is measured, beside which it is to cost little
        for account in (*stage.accounts(), *stage.asking()):
            simulator.add_person(account, "Ana").chat.refusal = None
        print(json.dumps({"url": simulator.url, "token": simulator.token}), flush=True)
        asking = asyncio.create_task(_ask(simulator, stage))
        # Not at each change, of which there are thousands.
        while len(_arrivals(simulator, stage)) < stage.crowd:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY * stage.speed)
        answered = await asking
        print(json.dumps(asdict(_report(simulator, stage, answered))), flush=True)
        await asyncio.Event().wait()  # the bot is ended first


async def _ask(simulator: Simulator, stage: Stage) -> list[float]:
    await asyncio.sleep(max(0.0, stage.ask_at - time.monotonic()))
    asked = []
    for _, account in zip(range(stage.asks), cycle(stage.asking()), strict=False):
        asked.append(asyncio.create_task(_help(simulator.people[account])))
        await asyncio.sleep(stage.ask_every)
    return list(await asyncio.gather(*asked))


async def _help(person: Person) -> float:
    person.skip()
    began = time.perf_counter()
    person.say("/help")
    await person.next_message(PATIENCE)
    return time.perf_counter() - began


def _arrivals(simulator: Simulator, stage: Stage) -> dict[int, list[float]]:
    crowd = stage.accounts()
    found: dict[int, list[float]] = {}
    for call in simulator.journal:
        chat = call.chat_id
        if chat in crowd and call.accepted and call.method == "sendMessage":
            found.setdefault(chat or 0, []).append(call.monotonic / stage.speed)
    return found


def _report(simulator: Simulator, stage: Stage, answered: list[float]) -> Report:
    arrivals = _arrivals(simulator, stage)
    return Report(
        came={str(account): times[0] for account, times in arrivals.items()},
        twice=sum(len(times) - 1 for times in arrivals.values()),
        refused=sum(call.code == 429 for call in simulator.journal),
        wrong=len(simulator.wrong_calls),
        answered=answered,
    )


if __name__ == "__main__":
    told = Stage(**json.loads(sys.argv[1]))
    fast.run(play(told), told.speed)
