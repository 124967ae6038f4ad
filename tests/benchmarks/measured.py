"""The process that is measured: one way of sending, one load.

python -m tests.benchmarks.measured WAY LOAD       LOAD is JSON; the outcome is the last line
"""

from __future__ import annotations

import asyncio
import sys

from bot.app import new_event_loop
from tests.benchmarks import durable, plain, schedulers
from tests.benchmarks.load import Load, Sent, Way

WAYS: dict[str, Way] = {
    "raw": plain.raw,
    "ptb": plain.ptb,
    "ours": plain.ours,
    "durable": durable.durable,
    "job_queue": schedulers.job_queue,
    "apscheduler": schedulers.apscheduler,
    "apscheduler_patient": schedulers.apscheduler_patient,
}


async def _one(way: str, load: Load) -> Sent:
    return await WAYS[way](load)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:  # the same for every way
        print(runner.run(_one(sys.argv[1], Load.loads(sys.argv[2]))).dumps())
