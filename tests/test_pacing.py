"""How fast Telegram may be spoken to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.pacing import CHATS_KEPT, Pacing

RATE = 25.0


class Traffic:
    """Reminders and answers that want to go, each answer asked for anew as the limiter does."""

    def __init__(self, pacing: Pacing, *, answers: list[int] | None = None) -> None:
        self.pacing = pacing
        self.waiting = list(answers or [])
        self.answered: list[float] = []
        self.reminded = 0
        for _ in self.waiting:
            pacing.answer_waits()

    def run(self, seconds: float, *, reminders: bool = True, step: float = 0.005) -> Traffic:
        now = 0.0
        while now < seconds:
            for chat in list(self.waiting):
                if self.pacing.answer_ready_at(chat, now) <= now:
                    self.pacing.answer_goes(chat, now)
                    self.pacing.answer_waits_no_more()
                    self.waiting.remove(chat)
                    self.answered.append(now)
            for _ in range(self.pacing.reminders_now(now) if reminders else 0):
                self.reminded += 1
                self.pacing.reminder_claimed(1_000_000 + self.reminded, now)
            now += step
        return self


def test_reminders_keep_to_their_rate_after_a_small_burst() -> None:
    traffic = Traffic(Pacing(RATE)).run(10)
    assert RATE * 10 <= traffic.reminded <= RATE * 10 + RATE * 0.1 + 1


def test_a_slow_rate_still_lets_one_through() -> None:
    assert Traffic(Pacing(0.5)).run(10).reminded in (5, 6)


def test_under_a_flood_of_answers_all_stay_under_1_2_times_and_reminders_keep_half() -> None:
    traffic = Traffic(Pacing(RATE), answers=list(range(1, 800))).run(20)
    assert traffic.waiting
    assert len(traffic.answered) + traffic.reminded <= 1.2 * RATE * 20 + 10
    assert traffic.reminded >= RATE / 2 * 20 - 1
    assert len(traffic.answered) >= 0.65 * RATE * 20


def test_answers_to_many_chats_go_at_once_and_then_by_the_rate() -> None:
    traffic = Traffic(Pacing(RATE), answers=list(range(1, 40))).run(3, reminders=False)
    assert traffic.answered[0] == traffic.answered[2] == 0
    assert traffic.answered[-1] == pytest.approx((39 - 3) / (1.2 * RATE), abs=0.05)


def test_one_chat_gets_three_at_once_and_then_one_a_second() -> None:
    traffic = Traffic(Pacing(RATE), answers=[7] * 5).run(3, reminders=False)
    assert [round(moment, 1) for moment in traffic.answered] == [0, 0, 0, 1, 2]


def test_a_chat_just_written_to_gets_no_reminder_yet() -> None:
    pacing = Pacing(RATE)
    for _ in range(3):
        pacing.answer_goes(7, 0.0)
    assert pacing.chats_not_ready(0.0) == {7}
    assert pacing.chats_not_ready(1.0) == set()


def test_a_group_takes_twenty_a_minute() -> None:
    traffic = Traffic(Pacing(RATE), answers=[-5] * 13).run(31, reminders=False, step=0.05)
    assert traffic.answered[-1] == pytest.approx(30, abs=0.2)


def test_a_429_holds_its_chat_only() -> None:
    pacing = Pacing(RATE)
    pacing.refused(7, 30, now=0.0)
    assert pacing.chats_not_ready(29.9) == {7}
    assert pacing.reminders_now(1.0) > 0
    assert pacing.answer_ready_at(7, 1.0) == 30
    assert pacing.answer_ready_at(8, 1.0) == 1


def test_a_second_chats_429_within_two_seconds_holds_all() -> None:
    pacing = Pacing(RATE)
    pacing.refused(7, 30, now=0.0)
    pacing.refused(8, 5, now=1.9)
    assert pacing.reminders_now(6.8) == 0
    assert pacing.next_reminder_at(2.0) == pytest.approx(6.9)
    assert pacing.answer_ready_at(9, 2.0) == pytest.approx(6.9)
    assert pacing.reminders_now(7.0) > 0


@pytest.mark.parametrize(("second", "later"), [(7, 1.0), (8, 2.1)])
def test_the_same_chat_again_or_another_one_later_holds_nobody_else(
    second: int, later: float
) -> None:
    pacing = Pacing(RATE)
    pacing.refused(7, 30, now=0.0)
    pacing.refused(second, 30, now=later)
    assert pacing.reminders_now(later + 0.1) > 0


def test_memory_stays_bounded_and_chats_that_are_ready_are_forgotten() -> None:
    pacing = Pacing(1000)
    for n in range(3 * CHATS_KEPT):
        pacing.answer_goes(n, n * 1.0)
    assert len(pacing._chats) <= CHATS_KEPT + 1
    assert pacing.chats_not_ready(3 * CHATS_KEPT + 10.0) == set()
    assert pacing._spent == set()


@given(st.lists(st.floats(0, 5), max_size=60), st.floats(0.5, 200))
def test_time_that_stands_still_or_jumps_never_grants_more_than_the_burst(
    steps: list[float], rate: float
) -> None:
    pacing, now, claimed = Pacing(rate), 0.0, 0
    for step in steps:
        now += step
        granted = pacing.reminders_now(now)
        assert granted <= max(1, rate * 0.1)
        for _ in range(granted):
            pacing.reminder_claimed(claimed + 1, now)
            claimed += 1
        assert pacing.reminders_now(now) == 0
