"""While Telegram says nothing, nothing more is put into doubt."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bot.delivery.outcome import Outcome, Refused, Retry, Sent, Unknown, Unreachable
from bot.delivery.silence import (
    ASK_MOST,
    IN_A_ROW,
    LAST_TRIES_AFTER,
    TRIAL_LASTS,
    TRY_FIRST,
    TRY_MOST,
    Silence,
)


def silent() -> Silence:
    silence = Silence()
    for count in range(IN_A_ROW):
        assert silence.room(10, 0.0) == 10
        assert silence.note(Unknown(), 0.0) is (count == IN_A_ROW - 1)
    return silence


@pytest.mark.parametrize("nothing", [Unknown(), Retry()])
def test_a_few_without_a_word_in_a_row_hold_the_others(nothing: Outcome) -> None:
    silence = Silence()
    for _ in range(IN_A_ROW):
        silence.note(nothing, 0.0)
    assert silence.room(10, 0.0) == 0


@pytest.mark.parametrize("word", [Sent(1), Retry(3.0), Refused("no"), Unreachable("blocked")])
def test_any_word_in_between_counts_from_the_beginning(word: Outcome) -> None:
    silence = Silence()
    for _ in range(IN_A_ROW - 1):
        silence.note(Unknown(), 0.0)
    silence.note(word, 0.0)
    assert not silence.note(Unknown(), 0.0)
    assert silence.room(10, 0.0) == 10


def test_the_question_is_asked_at_once_and_then_less_and_less_often() -> None:
    silence, now, asked = silent(), 100.0, []
    while now < 200:
        if silence.asks(now):
            asked.append(now)
        now += 0.5
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert asked[0] == 100.0
    assert gaps[:4] == [1, 2, 4, 8]
    assert set(gaps[4:]) == {ASK_MOST}


def test_nobody_is_asked_while_telegram_speaks() -> None:
    assert not Silence().asks(100.0)


def test_after_the_question_one_message_is_tried_and_then_all_go() -> None:
    silence = silent()
    silence.question_answered()
    assert silence.room(10, 0.0) == 1
    silence.goes(0.0)
    assert silence.room(10, 0.0) == 0
    silence.note(Sent(1), 0.0)
    assert silence.room(10, 0.0) == 10


def test_a_message_on_trial_that_is_not_answered_costs_one_doubt_and_a_longer_wait() -> None:
    silence = silent()
    assert silence.asks(100.0)
    silence.question_answered()
    silence.goes(0.0)
    assert not silence.note(Unknown(), 0.0)
    assert silence.room(10, 0.0) == 0
    assert silence.asks(101.0)
    silence.question_answered()
    silence.goes(0.0)
    silence.note(Unknown(), 0.0)
    assert not silence.asks(102.9)
    assert silence.asks(103.0)


def test_a_trial_that_did_not_take_place_leaves_it_to_another() -> None:
    silence = silent()
    silence.question_answered()
    silence.goes(0.0)
    silence.stays()
    assert silence.room(10, 0.0) == 1


def test_a_trial_nothing_comes_back_of_makes_room_for_another() -> None:
    silence = silent()
    silence.question_answered()
    silence.goes(100.0)
    assert silence.room(10, 100.0 + TRIAL_LASTS - 1) == 0
    assert silence.room(10, 100.0 + TRIAL_LASTS) == 1


def test_where_only_the_question_is_answered_messages_are_tried_ever_more_seldom() -> None:
    silence, now, tried = silent(), 0.0, []
    while now < 1500:
        if silence.asks(now):
            silence.question_answered()
        if silence.room(10, now):
            tried.append(now)
            silence.goes(now)
            silence.note(Unknown(), now)
        now += 1
    gaps = [later - earlier for earlier, later in pairwise(tried)]
    assert gaps[:5] == pytest.approx([TRY_FIRST * 2**n for n in range(5)], abs=ASK_MOST)
    assert max(gaps) <= TRY_MOST + ASK_MOST
    assert len(tried) < 14


def test_what_has_but_one_try_left_is_not_tried_first() -> None:
    silence = silent()
    assert silence.asks(1.0)
    silence.question_answered()
    assert silence.room(10, 1.0) == 1
    assert not silence.takes_last_tries(1.0)
    assert silence.takes_last_tries(LAST_TRIES_AFTER)
    silence.note(Sent(1), 2.0)
    assert silence.takes_last_tries(2.0)


def test_where_nothing_was_heard_at_all_an_answer_says_that_it_is_over() -> None:
    silence = silent()
    assert silence.asks(1.0)
    assert not silence.takes_last_tries(1.5)
    assert silence.asks(2.0)
    silence.question_answered()
    assert silence.takes_last_tries(3.0)


def test_what_was_on_its_way_before_is_no_trial() -> None:
    silence = silent()
    assert silence.asks(0.1)
    silence.question_answered()
    for late in (0.5, 1.5, 3.5):
        silence.note(Unknown(), late)
        silence.asks(late + 8)
        silence.question_answered()
    assert silence.room(10, 4.0) == 1
    assert not silence.takes_nothing
