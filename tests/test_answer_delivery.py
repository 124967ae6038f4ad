"""Answers as rows: in order within a chat, retried, given up after their time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from bot.care.values import Outgoing
from bot.clock import MovableClock
from bot.delivery.answers import Answers
from bot.delivery.outcome import Kind, Outcome, Refused, Retry, Sent, Unknown, Unreachable
from bot.delivery.pacing import Pacing
from bot.delivery.silence import IN_A_ROW, LAST_TRIES_AFTER, TRY_MOST, Silence
from bot.metrics import Metrics
from storage import alerts, outgoing
from storage.database import Database, Transaction
from storage.models import Alert, OutgoingRow
from tests.test_counts import add_clinic

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
PATIENCE = 10


class Post:
    """Answers on a real file; only Telegram is made up."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = MovableClock(NOW)
        self.silence = Silence()
        self.hears, self.asked = True, 0
        self.sent: list[tuple[int, str]] = []
        self.says: list[Outcome] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._taken = asyncio.Condition()
        self.answers = self.new()

    def new(self) -> Answers:
        return Answers(
            database=self.database,
            clock=self.clock,
            send=self,
            too_late=lambda _tx, account: Outgoing(account=account, text="sorry, too late"),
            unheard=lambda _tx, alert: Outgoing(account=7, text=f"nobody heard {alert}"),
            pacing=Pacing(1000),
            silence=self.silence,
            metrics=Metrics(),
        )

    async def is_heard(self) -> bool:
        self.asked += 1
        return self.hears

    async def __call__(self, message: Outgoing, kind: Kind) -> Outcome:
        return await self.send(message, kind)

    async def send(self, message: Outgoing, kind: Kind) -> Outcome:
        assert kind == "answer"
        async with self._taken:
            self.sent.append((message.account, message.text))
            self._taken.notify_all()
        await self.gate.wait()
        return self.says.pop(0) if self.says else Sent(len(self.sent))

    async def write(
        self, *texts: str, account: int = 7, alert_id: int | None = None, update_id: int = 1
    ) -> None:
        rows = [(account, Outgoing(account=account, text=text).dumps()) for text in texts]
        await self.database.run(
            lambda tx: outgoing.add(
                tx, rows, update_id=update_id, now=self.clock.now(), alert_id=alert_id
            )
        )

    async def alert(self) -> int:
        """Of a patient who was told of nothing yet."""
        return await self.database.run(_new_alert)

    async def rows(self) -> list[OutgoingRow]:
        return await self.database.run(all_rows)

    async def until_sent(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE), self._taken:
            await self._taken.wait_for(lambda: len(self.sent) >= count)

    async def idle(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.answers.waiting():  # noqa: ASYNC110  no event tells that nothing is left
                await asyncio.sleep(0.01)


def _new_alert(tx: Transaction) -> int:
    add_clinic(tx)
    alert = Alert(
        clinic_id=1, patient_id=1, account=7, level="today", topic="infection", written_at=NOW,
        created_at=NOW,
    )  # fmt: skip
    return alerts.add(tx, alert).id


def all_rows(tx: Transaction) -> list[OutgoingRow]:
    return list(tx.exec(select(OutgoingRow).order_by(col(OutgoingRow.id))).all())


@pytest.fixture
async def post(database: Database) -> AsyncIterator[Post]:
    post = Post(database)
    yield post
    post.gate.set()
    await post.answers.stop()


async def test_answers_go_out_in_order_and_their_words_are_forgotten(post: Post) -> None:
    await post.write("one", "two", "three")
    post.answers.notify([7])
    await post.idle()
    assert post.sent == [(7, "one"), (7, "two"), (7, "three")]
    assert [(row.state, row.payload) for row in await post.rows()] == [("sent", "")] * 3


async def test_one_slow_chat_does_not_hold_another(post: Post) -> None:
    await post.write("slow")
    post.gate.clear()
    post.answers.notify([7])
    await post.write("quick", account=8)
    post.answers.notify([8])
    await post.until_sent(2)
    assert set(post.answers.waiting()) == {7, 8}
    post.gate.set()
    await post.idle()


async def test_an_answer_written_while_another_goes_out_follows_it(post: Post) -> None:
    await post.write("one")
    post.gate.clear()
    post.answers.notify([7])
    await post.write("two")
    post.answers.notify([7])
    post.gate.set()
    await post.idle()
    assert [text for _, text in post.sent] == ["one", "two"]


async def test_what_was_surely_not_sent_is_sent_again_before_the_next(post: Post) -> None:
    post.says = [Retry(after=0.01)]
    await post.write("one", "two")
    post.answers.notify([7])
    await post.idle()
    assert [text for _, text in post.sent] == ["one", "one", "two"]
    assert not (await post.rows())[0].doubted


async def test_what_may_have_arrived_is_sent_once_more_and_no_oftener(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.answers.REPEAT_UNKNOWN", 0.01)
    post.says = [Unknown(), Unknown()]
    monkeypatch.setattr("bot.delivery.answers.LOOK_AGAIN", 0.01)
    await post.write("one", "two")
    post.answers.notify([7])
    await post.until_sent(2)
    await asyncio.sleep(0.05)
    post.silence.question_answered()  # the dispatcher asks
    post.clock.move(timedelta(seconds=TRY_MOST))
    await post.idle()
    assert [text for _, text in post.sent] == ["one", "one", "two"]
    assert [row.state for row in await post.rows()] == ["unknown", "sent"]


@pytest.mark.parametrize(
    ("outcome", "state"), [(Unreachable("blocked"), "unreachable"), (Refused("bad"), "failed")]
)
async def test_what_cannot_be_sent_does_not_stop_the_next(
    post: Post, outcome: Outcome, state: str
) -> None:
    post.says = [outcome]
    await post.write("one", "two")
    post.answers.notify([7])
    await post.idle()
    assert [row.state for row in await post.rows()] == [state, "sent"]


async def test_an_answer_older_than_an_hour_is_given_up(post: Post) -> None:
    await post.write("old")
    post.clock.move(timedelta(hours=1))
    await post.write("new")
    post.answers.notify([7])
    await post.idle()
    assert post.sent == [(7, "new"), (7, "sorry, too late")]
    assert [(row.state, row.payload) for row in await post.rows()] == [
        ("expired", ""),
        ("sent", ""),
        ("sent", ""),
    ]


async def test_a_word_about_what_came_to_nothing_is_not_followed_by_another(post: Post) -> None:
    await post.write("old")
    post.says = [Retry(7200.0)]
    post.clock.move(timedelta(hours=1))
    post.answers.notify([7])
    await post.until_sent(1)
    await post.answers.stop()
    post.clock.move(timedelta(hours=3))
    post.answers = post.new()
    await post.answers.recover()
    await post.idle()
    assert post.sent == [(7, "sorry, too late")]


async def test_at_a_start_what_waited_is_sent_and_what_was_on_its_way_once_more(
    post: Post,
) -> None:
    await post.write("on its way", "twice in doubt", "waited")

    def crash(tx: Transaction) -> None:
        first, second, _ = all_rows(tx)
        first.state = second.state = "sending"
        second.doubted = True

    await post.database.run(crash)
    await post.answers.recover()
    await post.idle()
    assert [text for _, text in post.sent] == ["on its way", "waited"]
    assert [row.state for row in await post.rows()] == ["sent", "unknown", "sent"]


async def test_stopping_lets_what_is_on_its_way_come_back(post: Post) -> None:
    await post.write("one", "two")
    post.gate.clear()
    post.answers.notify([7])
    await post.until_sent(1)
    stopping = asyncio.create_task(post.answers.stop())
    await asyncio.sleep(0)
    post.gate.set()
    await stopping
    assert [row.state for row in await post.rows()] == ["sent", "scheduled"]
    post.answers.notify([7])
    assert not post.answers.waiting()


async def test_what_became_of_an_answer_is_written_down_before_the_next_goes_out(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.outcome.BACKOFF_FIRST", 0.01)
    finished, failures = outgoing.finish, 0

    def full(*given: Any, **named: Any) -> None:
        nonlocal failures
        failures += 1
        if failures == 1:
            raise OSError("no space left on device")
        finished(*given, **named)

    monkeypatch.setattr(outgoing, "finish", full)
    await post.write("one", "two")
    post.answers.notify([7])
    await post.idle()
    assert [text for _, text in post.sent] == ["one", "two"]
    assert [row.state for row in await post.rows()] == ["sent", "sent"]


async def test_a_send_that_breaks_is_in_doubt_like_one_without_an_answer(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.answers.REPEAT_UNKNOWN", 0.01)
    sends, breaks = post.send, iter([True])

    async def send(message: Outgoing, kind: Kind) -> Outcome:
        if next(breaks, False):
            raise AttributeError("a reply nobody expects")
        return await sends(message, kind)

    monkeypatch.setattr(post, "send", send)
    post.answers = post.new()
    await post.write("one")
    post.answers.notify([7])
    await post.idle()
    assert [(row.state, row.doubted) for row in await post.rows()] == [("sent", True)]


async def test_old_answers_are_forgotten_in_the_end(post: Post) -> None:
    await post.write("one")
    post.answers.notify([7])
    await post.idle()
    await post.write("not sent yet")
    later = NOW + outgoing.KEEP + timedelta(minutes=1)
    assert await post.database.run(outgoing.forget_old, later) == 1
    assert len(await post.rows()) == 1


async def test_while_telegram_is_silent_an_answer_waits_and_is_not_lost_in_doubt(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.answers.LOOK_AGAIN", 0.01)
    monkeypatch.setattr("bot.delivery.answers.REPEAT_UNKNOWN", 0.01)
    for _ in range(IN_A_ROW - 1):
        post.silence.note(Unknown(), post.clock.monotonic())
    post.says = [Unknown()]
    await post.write("help")
    post.answers.notify([7])
    await post.until_sent(1)
    await asyncio.sleep(0.1)
    assert [row.state for row in await post.rows()] == ["scheduled"]
    post.silence.question_answered()
    post.clock.move(timedelta(seconds=LAST_TRIES_AFTER))
    await post.idle()
    assert post.sent == [(7, "help"), (7, "help")]
    assert [row.state for row in await post.rows()] == ["sent"]
    assert post.silence.room(10, 0.0) == 10


async def test_where_messages_are_not_taken_the_last_try_waits_until_another_was(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`getMe` is answered all along: that alone says nothing of messages."""
    for name in ("answers.LOOK_AGAIN", "answers.REPEAT_UNKNOWN", "transmitter.ASK_AGAIN"):
        monkeypatch.setattr(f"bot.delivery.{name}", 0.01)
    for _ in range(IN_A_ROW - 1):
        post.silence.note(Unknown(), post.clock.monotonic())
    post.says = [Unknown()]
    await post.write("call 112")
    post.answers.notify([7])
    await post.until_sent(1)
    post.silence.question_answered()
    await asyncio.sleep(0.1)
    assert post.sent == [(7, "call 112")]
    await post.write("hello", account=8)
    post.answers.notify([8])
    await post.idle()
    assert post.sent == [(7, "call 112"), (8, "hello"), (7, "call 112")]


async def test_an_answer_in_doubt_is_not_repeated_into_the_same_outage(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.answers.REPEAT_UNKNOWN", 0.01)
    monkeypatch.setattr("bot.delivery.transmitter.ASK_AGAIN", 0.01)
    post.says, post.hears = [Unknown()], False
    await post.write("help")
    post.answers.notify([7])
    async with asyncio.timeout(PATIENCE):
        while post.asked < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert post.sent == [(7, "help")]
    post.hears = True
    await post.idle()
    assert post.sent == [(7, "help")] * 2
    assert [row.state for row in await post.rows()] == ["sent"]


async def test_an_answer_of_another_version_is_given_up_and_the_next_goes(post: Post) -> None:
    await post.database.run(
        lambda tx: outgoing.add(tx, [(7, '{"of": "a later version"}')], update_id=1, now=NOW)
    )
    await post.write("next")
    post.answers.notify([7])
    await post.idle()
    assert post.sent == [(7, "next")]
    assert [(row.state, row.reason) for row in await post.rows()] == [
        ("failed", "unusable"),
        ("sent", None),
    ]
    assert post.silence.room(10, 0.0) == 10


# --- an alarm that reaches nobody

STAFF, COLLEAGUE = 8, 9
UNHEARD = "nobody heard 1"


@pytest.mark.parametrize(
    "outcome", [Refused("Chat not found"), Unreachable("bot was blocked by the user")]
)
async def test_the_patient_of_an_alarm_that_reached_nobody_is_told_once(
    post: Post, outcome: Outcome
) -> None:
    alert = await post.alert()
    for account in (STAFF, COLLEAGUE):
        await post.write("alarm", account=account, alert_id=alert)
    post.says = [outcome, outcome]
    post.answers.notify([STAFF])
    await post.idle()
    assert (7, UNHEARD) not in post.sent  # the colleague may yet have it
    post.answers.notify([COLLEAGUE])
    await post.idle()
    assert [it for it in post.sent if it[0] == 7] == [(7, UNHEARD)]


async def test_an_alarm_that_one_of_the_team_has_is_no_reason_to_worry_the_patient(
    post: Post,
) -> None:
    alert = await post.alert()
    for account in (STAFF, COLLEAGUE):
        await post.write("alarm", account=account, alert_id=alert)
        post.answers.notify([account])
        await post.idle()
        post.says = [Refused("Chat not found")]
    assert [row.state for row in await post.rows()] == ["sent", "failed"]
    assert [it for it in post.sent if it[0] == 7] == []


async def test_each_message_of_one_trouble_is_looked_at_by_itself(post: Post) -> None:
    alert = await post.alert()
    await post.write("alarm", account=STAFF, alert_id=alert, update_id=1)
    post.answers.notify([STAFF])
    await post.idle()
    await post.write("worse", account=STAFF, alert_id=alert, update_id=2)
    post.says = [Refused("Chat not found")]
    post.answers.notify([STAFF])
    await post.idle()
    assert post.sent[-1] == (7, UNHEARD)


async def test_an_alarm_that_came_too_late_for_all_is_told_to_the_patient_and_not_to_staff(
    post: Post,
) -> None:
    alert = await post.alert()
    await post.write("alarm", account=STAFF, alert_id=alert)
    post.clock.move(outgoing.GOOD_FOR_OTHERS)
    post.answers.notify([STAFF])
    await post.idle()
    assert post.sent == [(7, UNHEARD)]


async def test_an_alarm_in_doubt_when_the_process_died_twice_is_told_to_the_patient(
    post: Post,
) -> None:
    alert = await post.alert()
    await post.write("alarm", account=STAFF, alert_id=alert)
    await post.database.run(outgoing.claim, STAFF)
    await post.database.run(outgoing.orphans, NOW)
    await post.database.run(outgoing.claim, STAFF)
    await post.answers.recover()
    await post.idle()
    assert (STAFF, "alarm") in post.sent
    assert post.sent.count((7, UNHEARD)) == 1


async def test_an_alarm_in_doubt_is_tried_for_an_hour_and_the_patient_told_once(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("answers.LOOK_AGAIN", "answers.REPEAT_UNKNOWN", "transmitter.ASK_AGAIN"):
        monkeypatch.setattr(f"bot.delivery.{name}", 0.01)
    alert = await post.alert()
    await post.write("alarm", account=STAFF, alert_id=alert)
    post.says = [Unknown()] * 5
    post.answers.notify([STAFF])
    async with asyncio.timeout(PATIENCE):
        while post.answers.waiting():
            post.silence.question_answered()  # the dispatcher asks
            post.clock.move(timedelta(minutes=1))
            await asyncio.sleep(0.05)
    rows = await post.rows()
    assert [row.state for row in rows if row.account == STAFF][-1] == "sent"
    assert len([row for row in rows if row.account == 7]) == 1
    assert post.sent.count((STAFF, "alarm")) > 2


async def test_after_its_time_an_alarm_in_doubt_is_tried_no_more(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.answers.REPEAT_UNKNOWN", 0.01)
    alert = await post.alert()
    await post.write("alarm", account=STAFF, alert_id=alert)
    monkeypatch.setattr("storage.outgoing.ALARMS_TRIED_FOR", timedelta(0))
    post.says = [Unknown(), Sent(1), Unknown()]
    post.answers.notify([STAFF])
    await post.until_sent(1)
    await post.write("hello", account=9)
    post.answers.notify([9])
    await post.idle()
    assert [row.state for row in await post.rows() if row.account == STAFF] == ["unknown"]


async def test_an_alarm_that_arrived_late_is_hope_for_what_it_tells(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried in vain at first, it came; that a colleague's failed then worries nobody."""
    monkeypatch.setattr("bot.delivery.answers.REPEAT_UNKNOWN", 0.01)
    alert = await post.alert()
    for account in (STAFF, COLLEAGUE):
        await post.write("alarm", account=account, alert_id=alert)
    for outcome in (Unknown(), Unknown()):
        claimed = await post.database.run(outgoing.claim, STAFF)
        assert claimed
        await post.answers._record(claimed, outcome)
    post.answers.notify([STAFF])
    await post.idle()
    post.says = [Unreachable("blocked")]
    post.answers.notify([COLLEAGUE])
    await post.idle()
    assert post.sent == [(STAFF, "alarm"), (COLLEAGUE, "alarm")]


async def test_an_alarm_in_doubt_stands_in_nothings_way(post: Post) -> None:
    alert = await post.alert()
    await post.write("alarm", account=STAFF, alert_id=alert)
    for _ in range(2):
        claimed = await post.database.run(outgoing.claim, STAFF)
        assert claimed
        await post.answers._record(claimed, Unknown())
    await post.write("the list you asked for", account=STAFF)
    post.answers.notify([STAFF])
    await post.idle()
    assert [text for account, text in post.sent if account == STAFF] == [
        "the list you asked for",
        "alarm",
    ]
