"""Reading messages: letters, misspellings, words run together, parts near each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content.letters import LONGEST, Token, cut, normal, tokens
from content.library import load
from content.matching import read_phrases
from content.reading import ContentError, Layers


def found(text: str) -> set[str]:
    book = load().phrases
    return {hit.key for hit in book.find(book.read(text)) if not hit.ignored}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Can’t BREATHE", "cant breathe"),
        ("me desmayé", "me desmaye"),
        ("38'5", "38.5"),
        ("f e v e r", "fever"),
        ("fe\u200bver", "fever"),
        ("ｆｅｖｅｒ", "fever"),
    ],
)
def test_letters_are_read_as_what_they_mean(written: str, read: str) -> None:
    assert normal(written) == read


def test_tokens_keep_what_ends_them() -> None:
    assert tokens("Red, hot. Pus/fever - ok?") == [
        Token("red", ","),
        Token("hot", "."),
        Token("pus"),
        Token("or"),
        Token("fever", ","),
        Token("ok", "?"),
    ]


def test_of_a_long_text_head_and_tail_are_read() -> None:
    text = cut("a" * LONGEST + "b" * LONGEST)
    assert len(text) == LONGEST + 1
    assert text[0] == "a"
    assert text[-1] == "b"


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("swolllen lipps", "flag:C2"),
        ("hinchason de la boca", "flag:C2"),
        ("mythroatisclosing", "flag:C1"),
        ("cantbreathe", "flag:C1"),
        ("nopuedorespirar", "flag:C1"),
        ("blistters", "flag:C16"),
        ("moisturizer", "topic:moisturiser"),
        ("colour of my skin is uneven color", "topic:dark_patches"),
        ("my lips. they are really very swollen", "flag:C2"),
    ],
)
def test_misspelt_and_run_together_is_found(written: str, key: str) -> None:
    assert key in found(written)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("i saw saints", "flag:C3"),  # faints
        ("highlight of my day", "flag:C9"),  # light
        ("my lips are fine. my left cheek is swollen", "flag:C2"),
        ("we went to the park and had cake with my new friends", "topic:swelling"),
    ],
)
def test_real_words_and_far_parts_are_not(written: str, key: str) -> None:
    assert key not in found(written)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_reading_never_raises_and_gives_spans_inside_the_message(text: str) -> None:
    book = load().phrases
    reading = book.read(text)
    for hit in book.find(reading):
        assert hit.tokens <= set(range(len(reading.tokens)))


def test_faults_in_the_phrases_are_named(tmp_path: Path) -> None:
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "en.toml").write_text("fluff = 3\n")
    (tmp_path / "real_words.toml").write_text("")
    with pytest.raises(ContentError, match=r"phrases/en\.toml"):
        read_phrases(Layers(tmp_path))


def test_an_unknown_group_is_named(tmp_path: Path) -> None:
    shipped = Path(__file__).parent.parent / "content" / "data" / "phrases" / "es.toml"
    (tmp_path / "phrases").mkdir()
    text = shipped.read_text("utf-8").replace("<garganta>", "<nothing>", 1)
    (tmp_path / "phrases" / "es.toml").write_text(text, "utf-8")
    (tmp_path / "real_words.toml").write_text("")
    with pytest.raises(ContentError, match=r"no group 'nothing'"):
        read_phrases(Layers(tmp_path))
