"""How long it takes to send what fell due at once at 25 a second, the most a bot may."""

from __future__ import annotations

import json
import time
from datetime import timedelta

from tests.benchmarks import filling, product
from tests.benchmarks.bench import Bench
from tests.benchmarks.filling import NOON
from tests.benchmarks.processes import HELPING, child
from tests.benchmarks.table import Table
from tests.benchmarks.telegram import Report, Stage

MESSAGES, SPEED = 4_000, 4.0
ALL, REAL_TIME = 10_000, 1.0
"""By hand: the whole of it takes seven minutes."""
RATE = 25
STARTING = 6.0
"""Seconds of the machine from the first process's start to when all is due."""
TITLE = "A burst at Telegram's pace"
NOTE = f"""\
All due at one moment, sent by `run` at {RATE} a second to the simulator, which answers 429 beyond
30 a second (after a burst of 60). "Speed": both processes live on time that runs so many times as
fast, clock, sleeps and timeouts alike; work does not run faster, so each commit and each call seems
so many times as slow as it is, and the figure is no better than at true speed. The floor is
messages / {RATE}."""


def measure(bench: Bench) -> list[Table]:
    head = ["database", "messages", "speed", "seconds", "beside the floor", "429s", "twice"]
    table = Table(TITLE, NOTE, head)
    count, speed = (ALL, REAL_TIME) if bench.largest else (bench.size(MESSAGES, 20), SPEED)
    due = NOON + timedelta(seconds=STARTING * speed)
    place = bench.places[0]
    database = place.filled(f"burst{count}", lambda tx: filling.fill(tx, [due] * count))
    report, origin = play(bench, database, count, speed)
    drained = (max(report.came.values()) - origin - STARTING) * speed
    if report.wrong:
        raise RuntimeError(f"{report.wrong} calls that no bot may make")
    table.rows.append(
        [
            place.name,
            f"{count:,}",
            f"{speed:.0f}",
            f"{drained:.1f}",
            f"{drained / (count / RATE):.3f}",
            str(report.refused),
            str(report.twice),
        ]
    )
    return [table]


def play(bench: Bench, database: str, count: int, speed: float) -> tuple[Report, float]:
    """The report, and the machine's monotonic second at which the fast clock showed NOON."""
    origin = time.monotonic()
    stage = Stage(crowd=count, origin=origin, speed=speed)
    with child("tests.benchmarks.telegram", stage.dumps(), core=HELPING, log=bench.log) as telegram:
        address = json.loads(telegram.line())
        fast = ("tests.benchmarks.fastbot", str(origin), str(speed))
        with product.run(bench, database, **address, module=fast) as bot:
            bot.ready()
            report = Report(**json.loads(telegram.line()))
    return report, origin
