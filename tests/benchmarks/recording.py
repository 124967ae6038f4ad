"""How long it takes to record a session, and to agree to it: the whole plan is made then."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import timedelta

import content.library
from bot.care.session_line import Understood
from bot.care.sessions import Recorded, record_session
from bot.care.values import Desk, Handle, Incoming, Outgoing
from bot.chat import application, arrival
from storage import inbox
from storage.database import Database, Transaction
from storage.models import Staff
from tests.benchmarks import filling
from tests.benchmarks.bench import Bench
from tests.benchmarks.filling import NOON
from tests.benchmarks.processes import outcome
from tests.benchmarks.table import Table, percentile

REPEATS, WARM_UPS = 300, 10
ROWS = 10_000
TITLE = "Recording and agreeing"
NOTE = f"""\
One transaction each, committed to disk, one after the other, in a clinic with {ROWS:,} pending
messages: `record_session` as at `Save session`; and `I agree` through the door every update comes
in by, with all rows of the plan and the answer that shows it."""


def measure(bench: Bench) -> list[Table]:
    head = ["database", "recording p50, ms", "p99, ms", "agreeing p50, ms", "p99, ms"]
    table = Table(TITLE, NOTE, head)
    for place in bench.places:
        url = place.filled("recording", _fill)
        repeats = str(bench.size(REPEATS, 2))
        took = outcome("tests.benchmarks.recording", url, repeats, log=bench.log)
        place.drop(url)
        shown = [f"{percentile(took[it], of):.1f}" for it in ("record", "agree") for of in (50, 99)]
        table.rows.append([place.name, *shown])
    return [table]


def _fill(tx: Transaction) -> None:
    filling.fill(tx, [])
    filling.fill_pending(tx, ROWS, since=NOON + timedelta(days=1), first=1)


class Clinic:
    """One whose sessions are recorded, and whose patients agree, each a moment after the other."""

    def __init__(self, url: str) -> None:
        self.desk = Desk(content.library.load(), "sink_bot")
        self.database = Database(url, leads=True)

    async def record(self, n: int) -> tuple[float, Recorded]:
        """The milliseconds it took, and what was recorded."""
        ended = NOON - timedelta(minutes=n % 30)
        understood = Understood(
            name=f"Ana {n}", ended=ended, not_over_yet=False, area="face", device="needling",
            depth_mm=1.0, number=1, of=3, next=ended + timedelta(days=28), use="plain cream",
            assumed=(), inside_use=(),
        )  # fmt: skip
        began = time.perf_counter()
        recorded = await self.database.run(_record, self.desk, understood)
        return 1000 * (time.perf_counter() - began), recorded

    async def agree(self, n: int, recorded: Recorded) -> float:
        """Open the link, then agree; the milliseconds `I agree` took."""
        account = 5_000_000 + n
        assert recorded.codes
        opened = await self._update(2 * n, account, recorded.codes.link, arrival.start)
        action = opened[0].buttons[0][0].action or ""
        began = time.perf_counter()
        answers = await self._update(2 * n + 1, account, action, application.PRESSES["agree"])
        if not answers:
            raise RuntimeError("agreeing was not answered")
        return 1000 * (time.perf_counter() - began)

    async def _update(self, number: int, account: int, text: str, handle: Handle) -> list[Outgoing]:
        incoming = Incoming(
            account=account, sender="Ana", language="en", text=text, written_at=NOON
        )
        await self.database.run(inbox.store, [(number, account, "{}")], NOON)
        reactions = await self.database.run(
            application._in_one, self.desk, number, handle, incoming, NOON
        )
        return [it for it in reactions if isinstance(it, Outgoing)]


def _record(tx: Transaction, desk: Desk, understood: Understood) -> Recorded:
    return record_session(
        tx,
        desk.library,
        staff=tx.get_one(Staff, 1),
        understood=understood,
        recommended_from_hours=24,
        patient=None,
        now=NOON,
    )


async def repeat(url: str, repeats: int) -> dict[str, Sequence[float]]:
    clinic = Clinic(url)
    record, agree = [], []
    try:
        await clinic.database.take_lead()
        for n in range(repeats + WARM_UPS):
            took, recorded = await clinic.record(n)
            record.append(took)
            agree.append(await clinic.agree(n, recorded))
    finally:
        clinic.database.close()
    return {"record": record[WARM_UPS:], "agree": agree[WARM_UPS:]}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(repeat(sys.argv[1], int(sys.argv[2])))))
