"""Words that no phrase holds: what a message is most like, of the examples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from content.letters import tokens
from content.library import Library, load
from content.likeness import Example, Likeness
from content.understanding import Understood, understand

EXAMPLES = [
    *(Example(f"zorple my {thing} quibbly flarn", "redness") for thing in ("one", "two", "three")),
    *(Example(f"wozzle {thing} the grumbit", "sleep") for thing in ("four", "five", "six")),
    *(Example(f"blarg {thing} vexing morple snee", "emergency") for thing in ("ten", "elf")),
    *(Example(f"nibbet {thing} tolly pom", "unknown") for thing in ("vast", "tall")),
    *(Example(f"{topic} {topic} words", topic) for topic in load().topics),
]


@pytest.fixture
def library() -> Library:
    """The shipped content with examples of words that mean nothing."""
    return replace(load(), likeness=Likeness(EXAMPLES))


def read(library: Library, text: str) -> Understood:
    return understand(library, text, 30)


def topics(understood: Understood) -> list[str]:
    return [one.topic.key for one in understood.found]


def test_a_message_is_most_like_its_own_kind() -> None:
    likeness = Likeness(EXAMPLES)
    scores = likeness.scores(tokens("is zorple so quibbly?"))
    assert max(scores, key=lambda topic: scores[topic]) == "redness"
    assert sum(scores.values()) == pytest.approx(0, abs=1e-9)
    assert likeness.scores(tokens("xyzzy")) == {}
    assert Likeness([]).scores(tokens("zorple")) == {}


def test_it_says_the_same_every_time_and_whatever_the_order() -> None:
    said = tokens("zorple my wozzle")
    turned = Likeness(reversed(EXAMPLES)).scores(said)
    assert turned == pytest.approx(dict(Likeness(EXAMPLES).scores(said)))


def test_numbers_are_not_what_a_message_is_about() -> None:
    numbered = Likeness([*EXAMPLES, Example("39 39 39", "emergency")])
    assert numbered.scores(tokens("39 39")) == {}


def test_the_words_that_speak_for_it_are_those_of_the_examples() -> None:
    words = Likeness(EXAMPLES).words_for(tokens("my zorple secret quibbly"), "redness")
    assert set(words) == {"zorple", "quibbly", "my"}


def test_where_no_phrase_speaks_the_likeliest_topic_is_taken(library: Library) -> None:
    understood = read(library, "zorple one quibbly flarn")
    assert topics(understood) == ["redness"]
    assert "zorple" in understood.found[0].matched


def test_what_phrases_say_stands(library: Library) -> None:
    assert topics(read(library, "zorple one quibbly flarn, can I shave?")) == ["shaving"]


@pytest.mark.parametrize("text", ["zorple", "nibbet vast tolly pom", "thanks zorple quibbly flarn"])
def test_a_word_or_two_and_small_talk_are_no_topic(library: Library, text: str) -> None:
    assert topics(read(library, text)) == []


def test_like_an_emergency_counts_as_one(library: Library) -> None:
    [raised, *_] = read(library, "so blarg ten vexing morple snee").raised
    assert raised.flag.learned
    assert raised.flag.level == "emergency"


def test_what_is_denied_is_not_learned_either(library: Library) -> None:
    assert read(library, "no fever, so blarg ten vexing morple snee").raised == ()
