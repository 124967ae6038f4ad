"""What waits, counted on both databases, by indexes only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, text
from sqlmodel import SQLModel

from storage import counts, outgoing, reminders, treatments
from storage.counts import Counts
from storage.database import Database, Transaction
from storage.migrate import migrate
from storage.models import Alert, Clinic, Inbox, OutgoingRow, Patient, Reminder, Staff, Treatment

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
AGO = NOW - timedelta(minutes=5)
AHEAD = NOW + timedelta(days=3)
MANY = 5_000


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'clinic.db'}"
        migrate(url)
    else:
        url = request.getfixturevalue("postgres_url")
    database = Database(url)
    yield database
    database.close()


def add_clinic(tx: Transaction) -> None:
    """A clinic with one patient and one session, numbered 1 each."""
    tx.add(
        Clinic(
            name="R", phone="1", emergency_number="112", timezone="Europe/London", created_at=NOW
        )
    )
    tx.flush()
    tx.add(Staff(clinic_id=1, account=1, name="Rosa", role="owner", joined_at=NOW))
    tx.add(
        Patient(clinic_id=1, name="Ana", plain_name="ana", timezone="Europe/London", created_at=NOW)
    )
    tx.flush()
    tx.add(
        Treatment(
            clinic_id=1,
            patient_id=1,
            ended_at=NOW,
            ended_local=NOW.replace(tzinfo=None),
            timezone="Europe/London",
            area="face",
            device="needling",
            number=1,
            of=1,
            recorded_by=1,
            recorded_at=NOW,
        )
    )
    tx.flush()


class Rows:
    """Fills tables with rows whose other values do not matter."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._made = 0

    def reminders(self, number: int = 1, **values: Any) -> None:
        common = {
            "clinic_id": 1,
            "patient_id": 1,
            "treatment_id": 1,
            "step": "day2",
            "due_at": NOW,
            "due_local": NOW.replace(tzinfo=None),
            "timezone": "Europe/London",
            "expires_at": AHEAD,
        }
        self._add(Reminder, number, "occasion", str, {**common, **values})

    def updates(self, number: int = 1, **values: Any) -> None:
        common = {"account": 2001, "payload": "{}", "received_at": NOW}
        self._add(Inbox, number, "update_id", int, {**common, **values})

    def answers(self, number: int = 1, **values: Any) -> None:
        common = {"payload": "{}", "created_at": NOW - timedelta(seconds=7.5), "expires_at": AHEAD}
        self._add(OutgoingRow, number, "account", int, {**common, **values})

    def patients(self, number: int = 1, **values: Any) -> None:
        common = {"clinic_id": 1, "name": "B", "plain_name": "b", "timezone": "UTC"}
        self._add(Patient, number, "account", int, {**common, "created_at": NOW, **values})

    def _add(
        self, table: type[SQLModel], number: int, apart: str, as_type: type, values: dict[str, Any]
    ) -> None:
        rows = [{**values, apart: as_type(self._made + place)} for place in range(number)]
        self._made += number
        self._tx.execute(insert(table), rows)


def fill(tx: Transaction, many: int = 0) -> None:
    """A little of everything that is counted, and `many` of what is not."""
    add_clinic(tx)
    rows = Rows(tx)
    if many:
        rows.reminders(many, state="sent")
        rows.reminders(many, try_at=AHEAD)
        rows.updates(many, state="done")
        rows.answers(many, state="sent")
        rows.patients(many)
    rows.reminders(2, try_at=NOW)
    rows.reminders(try_at=AGO)
    rows.reminders(try_at=AHEAD)
    rows.reminders(3, state="unknown", try_at=AHEAD)
    rows.reminders(4, state="unknown", reason="not_repeated")
    rows.reminders(5, state="failed")
    rows.reminders(state="failed", seen_at=NOW)
    rows.reminders(state="sent")
    rows.updates(state="done", received_at=AGO - timedelta(days=1))
    rows.updates(6, received_at=AGO)
    rows.updates(received_at=NOW)
    rows.updates(8, state="aside")
    rows.updates(state="aside", seen_at=NOW)
    rows.answers(9)
    rows.answers(state="sent")
    rows.patients(10, unreachable_at=AGO)


EXPECTED = Counts(
    due=3,
    due_age=300,
    updates=7,
    updates_age=300,
    answers=9,
    answers_age=7.5,
    repeating=3,
    in_doubt=4,
    failed=5,
    set_aside=8,
    unreachable=10,
)


async def test_all_that_waits_is_counted_and_nothing_else(database: Database) -> None:
    await database.run(fill)
    assert await database.read(counts.read, NOW) == EXPECTED


async def test_where_nothing_waits_all_is_nothing(database: Database) -> None:
    found = await database.read(counts.read, NOW)
    assert set(vars(found).values()) == {0}


async def test_a_clock_set_back_makes_nothing_older_than_it_is(database: Database) -> None:
    await database.run(fill)
    found = await database.read(counts.read, AGO - timedelta(hours=1))
    assert (found.due, found.due_age, found.updates_age) == (0, 0, 0)


async def test_no_table_is_read_through(database: Database) -> None:
    """What is done and what is far ahead is most of a database, and costs nothing here."""
    await database.run(fill, MANY)
    await database.run(analyze)
    plans = await database.read(plans_of, lambda tx: counts.read(tx, NOW))
    assert len(plans) > 5
    assert [plan for plan in plans if reads_all(plan)] == []
    assert await database.read(counts.read, NOW) == EXPECTED


def analyze(tx: Transaction) -> None:
    """Let the database learn what is in its tables."""
    tx.execute(text("ANALYZE"))


def plans_of(tx: Transaction, asking: Callable[[Transaction], object]) -> list[str]:
    """How the database would answer each question of `asking`."""
    asked: list[tuple[str, Any]] = []
    connection = tx.connection()

    def listening(_connection: Any, _cursor: Any, sql: str, given: Any, *_: Any) -> None:
        asked.append((sql, given))

    event.listen(connection, "before_cursor_execute", listening)
    asking(tx)
    event.remove(connection, "before_cursor_execute", listening)
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return [
        "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + sql, given))
        for sql, given in asked
    ]


def reads_all(plan: str) -> bool:
    """Whether a table is read from its first row to its last."""
    return any(
        "Seq Scan" in line or (line.startswith("SCAN ") and " INDEX " not in line)
        for line in plan.splitlines()
    )


async def test_looking_for_what_is_due_reads_no_table_through(tmp_path: Path) -> None:
    """On SQLite, which has not been told what is in its tables: as a clinic's file is."""
    url = f"sqlite:///{tmp_path / 'clinic.db'}"
    migrate(url)
    database = Database(url)
    await database.run(fill, MANY)

    def looking(tx: Transaction) -> None:
        reminders.patients_due(tx, NOW, limit=20, without=())
        reminders.to_look_at(tx, [1, 2, 3], NOW, tried_since=AGO)
        reminders.next_due(tx, after=NOW)
        treatments.standing_of(tx, [1, 2, 3])

    plans = await database.read(plans_of, looking)
    database.close()
    assert len(plans) >= 4
    assert [plan for plan in plans if reads_all(plan)] == []


async def test_looking_for_the_next_answer_reads_no_table_through(database: Database) -> None:
    """Neither the answers sent long ago nor the alerts of years: the worst alarm comes first."""

    def alarms(tx: Transaction) -> None:
        fill(tx, MANY)
        common = {"clinic_id": 1, "patient_id": 1, "account": 7, "topic": "infection"}
        common |= {"written_at": AGO, "created_at": AGO, "taken_at": NOW}
        levels = [{**common, "level": "today"}] * MANY + [{**common, "level": "emergency"}]
        tx.execute(insert(Alert), levels)
        rows = [(None, "rest"), (1, "today"), (MANY + 1, "worst"), (2, "last")]
        for alert_id, payload in rows:
            outgoing.add(tx, [(7, payload)], update_id=1, now=NOW, alert_id=alert_id)

    def looking(tx: Transaction) -> None:
        assert outgoing.waiting_alarm(tx, 1, 7)
        newest = outgoing.waiting_alarm(tx, MANY + 1, 7)
        assert newest
        assert outgoing.has_hope(tx, newest.id)
        claimed = outgoing.claim(tx, 7)
        assert claimed
        assert claimed.payload == "worst"

    await database.run(alarms)
    await database.run(analyze)
    plans = await database.run(plans_of, looking)
    assert len(plans) >= 4
    assert [plan for plan in plans if reads_all(plan)] == []
