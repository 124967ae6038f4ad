"""How fast Telegram may be spoken to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.pacing import CHATS_KEPT, Pacing

RATE = 25.0


def reminders_in(pacing: Pacing, seconds: float, *, step: float = 0.01, first_chat: int = 1) -> int:
    """Claim every reminder that is granted for so long, each to a chat of its own."""
    claimed, now = 0, 0.0
    while now < seconds:
        for _ in range(pacing.reminders_now(now)):
            pacing.reminder_claimed(first_chat + claimed, now)
            claimed += 1
        now += step
    return claimed


def test_reminders_keep_to_their_rate_after_a_small_burst() -> None:
    claimed = reminders_in(Pacing(RATE), 10)
    assert RATE * 10 <= claimed <= RATE * 10 + RATE * 0.1 + 1


def test_a_slow_rate_still_lets_one_through() -> None:
    assert reminders_in(Pacing(0.5), 10) in (5, 6)


def test_all_sends_together_stay_under_1_2_times_the_rate() -> None:
    pacing, sent, now = Pacing(RATE), 0, 0.0
    going: list[float] = []
    while now < 10:
        for _ in range(pacing.reminders_now(now)):
            pacing.reminder_claimed(1000 + sent, now)
            sent += 1
        going.append(pacing.answer(100_000 + len(going), now))
        now += 0.01
    answered = sum(1 for moment in going if moment <= 10)
    assert sent + answered <= 1.2 * RATE * 10 + 2 * 0.12 * RATE + 2


def test_reminders_keep_half_their_rate_while_answers_wait() -> None:
    pacing = Pacing(RATE)
    pacing.answer_waits()
    assert reminders_in(pacing, 10) == pytest.approx(RATE / 2 * 10, abs=3)
    pacing.answer_went()


def test_answers_to_many_chats_go_at_once_and_then_wait_their_turn() -> None:
    pacing = Pacing(RATE)
    moments = [pacing.answer(chat, 0.0) for chat in range(1, 40)]
    assert moments[0] == 0
    assert moments == sorted(moments)
    assert moments[-1] == pytest.approx((39 - 3) / (1.2 * RATE), abs=0.05)


def test_one_chat_gets_three_at_once_and_then_one_a_second() -> None:
    pacing = Pacing(RATE)
    assert [round(pacing.answer(7, 0.0)) for _ in range(5)] == [0, 0, 0, 1, 2]


def test_a_chat_just_written_to_gets_no_reminder_yet() -> None:
    pacing = Pacing(RATE)
    for _ in range(3):
        pacing.answer(7, 0.0)
    assert pacing.chats_not_ready(0.0) == {7}
    assert pacing.chats_not_ready(1.0) == set()


def test_a_group_takes_twenty_a_minute() -> None:
    pacing = Pacing(RATE)
    moments = [pacing.answer(-5, 0.0) for _ in range(13)]
    assert moments[-1] == pytest.approx(30, abs=0.1)


def test_a_429_holds_its_chat_only() -> None:
    pacing = Pacing(RATE)
    pacing.refused(7, 30, now=0.0)
    assert pacing.chats_not_ready(29.9) == {7}
    assert pacing.reminders_now(1.0) > 0
    assert pacing.answer(7, 1.0) == 30
    assert pacing.answer(8, 1.0) == 1


def test_a_second_chats_429_within_two_seconds_holds_all() -> None:
    pacing = Pacing(RATE)
    pacing.refused(7, 30, now=0.0)
    pacing.refused(8, 5, now=1.9)
    assert pacing.reminders_now(6.8) == 0
    assert pacing.next_reminder_at(2.0) == pytest.approx(6.9)
    assert pacing.answer(9, 2.0) == pytest.approx(6.9)
    assert pacing.reminders_now(7.0) > 0


@pytest.mark.parametrize(("second", "later"), [(7, 1.0), (8, 2.1)])
def test_the_same_chat_again_or_another_one_later_holds_nobody_else(
    second: int, later: float
) -> None:
    pacing = Pacing(RATE)
    pacing.refused(7, 30, now=0.0)
    pacing.refused(second, 30, now=later)
    assert pacing.reminders_now(later + 0.1) > 0


def test_memory_stays_bounded() -> None:
    pacing = Pacing(1000)
    for n in range(3 * CHATS_KEPT):
        pacing.answer(n, n * 1.0)
    assert len(pacing._chats) <= CHATS_KEPT + 1


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
