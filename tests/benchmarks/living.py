"""What a patient feels, at true speed: answers beside a burst, and lateness beside nothing.

One bot, one after the other: idle, then messages due now and then, then a burst with questions.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from bot.clock import SystemClock
from storage.database import Transaction
from tests.benchmarks import filling, product
from tests.benchmarks.bench import Bench, Place
from tests.benchmarks.filling import FIRST_ACCOUNT
from tests.benchmarks.processes import HELPING, Child, child
from tests.benchmarks.table import Table, percentile
from tests.benchmarks.telegram import Report, Stage

PENDING = 10_000
STARTING, IDLE, NOW_AND_THEN, PAUSE, BURST = 6.0, 10.0, 25.0, 2.0, 20.0
"""Seconds each part lasts."""
LATENESSES, RATE = 250, 25
ASKERS, ASK_EVERY = 8, 0.2
"""Each of the askers has an answer a while before asking again: one chat may get one a second."""
TITLE = "Beside a burst, and beside nothing"
NOTE = f"""\
`python -m bot run` at true speed against the simulator (a process of its own), with {PENDING:,}
messages pending. Idle: its CPU while nothing is due. Lateness: messages due at random moments over
{NOW_AND_THEN:.0f} s, from due to received. /help: {ASKERS} patients ask in turn, one each
{ASK_EVERY} s, while messages that fell due at once go out at {RATE} a second; from writing to
reading. The patients live where it is noon."""


@dataclass(frozen=True)
class Script:
    """When what happens, in seconds from the beginning."""

    idle_from: float
    idle_until: float
    late: list[float]
    burst_at: float
    burst: int
    asks: int

    def due(self, began: datetime) -> list[datetime]:
        """When each of the crowd has its message, in the order of their accounts."""
        seconds = [*self.late, *[self.burst_at] * self.burst]
        return [began + timedelta(seconds=it) for it in seconds]


def script(bench: Bench) -> Script:
    idle, now_and_then = bench.size(IDLE, 1.0), bench.size(NOW_AND_THEN, 1.0)
    lasting, starting = bench.size(BURST, 1.0), bench.size(STARTING, 3.0)
    late_from = starting + idle
    chance = random.Random(1)
    return Script(
        idle_from=starting,
        idle_until=late_from,
        late=[late_from + chance.random() * now_and_then for _ in range(bench.size(LATENESSES, 5))],
        burst_at=late_from + now_and_then + PAUSE,
        burst=int(lasting * RATE),
        asks=int((lasting - 0.5) / ASK_EVERY),
    )


def measure(bench: Bench) -> list[Table]:
    head = ["database", "idle CPU", "lateness p50, ms", "lateness p99, ms", "/help p50, ms",
            "/help p99, ms", "429s"]  # fmt: skip
    table = Table(TITLE, NOTE, head)
    for place in bench.places:
        table.rows.append([place.name, *_live(bench, place)])
    return [table]


def _live(bench: Bench, place: Place) -> list[str]:
    plan = script(bench)
    began, origin = SystemClock().now(), time.monotonic()
    zone = product.zone_at_noon(began)
    askers = ASKERS
    pending = bench.size(PENDING, 100)

    def fill(tx: Transaction) -> None:
        due = plan.due(began)
        tomorrow = began + timedelta(days=1)
        filling.fill(tx, [*due, *[tomorrow] * askers], zone=zone)
        filling.fill_pending(
            tx, pending, since=tomorrow, first=len(due) + askers + 1, zone=zone
        )  # fmt: skip

    database = place.filled("living", fill)
    crowd = len(plan.late) + plan.burst
    stage = Stage(
        crowd=crowd, askers=askers, ask_at=origin + plan.burst_at + 0.5, ask_every=ASK_EVERY,
        asks=plan.asks, origin=origin, noon=began.isoformat(),
    )  # fmt: skip
    with child("tests.benchmarks.telegram", stage.dumps(), core=HELPING, log=bench.log) as telegram:
        address = json.loads(telegram.line())
        with product.run(bench, database, **address, zone=zone) as bot:
            bot.ready()
            idle = _idle(bot, origin, plan)
            report = Report(**json.loads(telegram.line()))
    place.drop(database)
    return [idle, *_shown(report, plan, origin)]


def _idle(bot: Child, origin: float, plan: Script) -> str:
    time.sleep(max(0.0, origin + plan.idle_from - time.monotonic()))
    before, since = bot.cpu(), time.monotonic()
    time.sleep(max(0.1, origin + plan.idle_until - time.monotonic()))
    after, until = bot.cpu(), time.monotonic()
    if before is None or after is None:
        return "not told by this system"
    return f"{(after - before) / (until - since):.1%}"


def _shown(report: Report, plan: Script, origin: float) -> list[str]:
    if report.wrong or report.twice:
        raise RuntimeError(f"{report.wrong} wrong calls, {report.twice} messages twice")
    late = [
        1000 * (report.came[str(FIRST_ACCOUNT + n)] - origin - due)
        for n, due in enumerate(plan.late, 1)
    ]
    answered = [1000 * it for it in report.answered]
    return [
        f"{median(late):.0f}",
        f"{percentile(late, 99):.0f}",
        f"{median(answered):.0f}",
        f"{percentile(answered, 99):.0f}",
        str(report.refused),
    ]
