"""While Telegram says nothing, nothing more is put into doubt."""

from __future__ import annotations

from bot.delivery.silence import ASK_MOST, IN_A_ROW, Silence


def silent() -> Silence:
    silence = Silence()
    for _ in range(IN_A_ROW):
        assert not silence.holds
        silence.nothing_heard()
    return silence


def test_a_few_without_a_word_in_a_row_hold_the_others() -> None:
    assert silent().holds


def test_any_word_in_between_counts_from_the_beginning() -> None:
    silence = silent()
    silence.heard()
    assert not silence.holds
    silence.nothing_heard()
    assert not silence.holds


def test_the_question_is_asked_at_once_and_then_less_and_less_often() -> None:
    silence, now, asked = silent(), 100.0, []
    while now < 200:
        if silence.asks(now):
            asked.append(now)
        now += 0.5
    gaps = [later - earlier for earlier, later in zip(asked, asked[1:], strict=False)]
    assert asked[0] == 100.0
    assert gaps[:4] == [1, 2, 4, 8]
    assert set(gaps[4:]) == {ASK_MOST}


def test_nobody_is_asked_while_telegram_speaks() -> None:
    assert not Silence().asks(100.0)


def test_a_second_silence_is_asked_about_as_soon_as_the_first() -> None:
    silence = silent()
    now = 500.0
    assert silence.asks(now)
    silence.heard()
    for _ in range(IN_A_ROW):
        silence.nothing_heard()
    assert silence.asks(now + ASK_MOST)
    assert silence.asks(now + ASK_MOST + 1)
