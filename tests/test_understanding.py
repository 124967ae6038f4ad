"""What a message says: what is ignored and why, doubts, times said."""

from __future__ import annotations

import pytest

from content.doubts import Doubt, doubt_problems
from content.flags import rank
from content.library import load
from content.understanding import understand
from content.understood import Understood


def read(text: str, hours: float | None = 30) -> Understood:
    return understand(load(), text, hours)


def level(text: str, hours: float | None = 30) -> str:
    raised = read(text, hours).raised
    return raised[0].flag.level if raised else "none"


def reasons(text: str, hours: float | None = 30) -> set[str]:
    return {one.why for one in read(text, hours).ignored}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no fever, no pus", "denied"),
        ("what if i get a fever", "hypothetical"),
        ("can i get an infection from this", "hypothetical"),
        ("how do i know if its infected", "hypothetical"),
        ("i had cold sores last year", "past"),
        ("had a fever 3 weeks ago", "past"),
        ("i was dizzy after but fine now", "past"),
        ("my sister had an infection after hers", "someone_else"),
        ("im dying to wear makeup", "harmless"),
        ("breathing is fine", "harmless"),
        ("y si me da fiebre", "hypothetical"),
        ("el año pasado tuve herpes", "past"),
        ("mi hermana tuvo infeccion", "someone_else"),
        ("me muero por maquillarme", "harmless"),
        ("respiro bien", "harmless"),
    ],
)
def test_what_is_not_so_is_ignored_and_says_why(text: str, why: str) -> None:
    assert why in reasons(text)
    assert not [one for one in read(text).raised if rank(one.flag.level) >= rank("today")]


@pytest.mark.parametrize(
    ("text", "at_least"),
    [
        ("what if it is the fever, it is 39 now", "today"),
        ("i had cold sores last year and one is coming now", "today"),
        ("i had cold sores last year, today my lip tingles", "today"),
        ("had a fever last month and again today", "today"),
        ("my sister fainted just now", "emergency"),
        ("my sister had a seizure", "emergency"),
        ("i fainted but fine now", "emergency"),
        ("not breathing well", "emergency"),
        ("no respiro bien", "emergency"),
        ("fever 2 days ago", "today"),
        ("what if i cant stop it, it keeps bleeding", "today"),
    ],
)
def test_in_doubt_it_is_so(text: str, at_least: str) -> None:
    assert level(text) != "none"
    assert rank(level(text)) >= rank(at_least)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("burning question: how many sessions for large pores", "session_count"),
        ("fever tree and gin tonight?", "alcohol"),
        ("i cant stop picking at my skin", "touching"),
        ("can i have a peeling cream before a hen do", "other_procedures"),
    ],
)
def test_an_idiom_says_nothing_of_its_own_words(text: str, topic: str) -> None:
    found = read(text)
    assert not found.raised
    assert topic in {one.topic.key for one in found.found}
    assert not {one.topic.key for one in found.found} & {"soreness", "stop"}


@pytest.mark.parametrize(
    "text",
    [
        "im faint and red",
        "im faint, red and sweaty",
        "cant breathe, laughing hurts",
        "fever, tree pollen is no excuse",
    ],
)
def test_what_is_parted_is_no_harmless_phrase(text: str) -> None:
    assert rank(level(text)) >= rank("today")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "at_least"),
    [
        ("my mouth looks like bad filler all of a sudden", "emergency"),
        ("my hearts going like a drum", "emergency"),
        ("better off if i just disappeared for good", "emergency"),
        ("lips have swollen up in the past hour", "emergency"),
        ("in the past 20 minutes my lips have swollen", "emergency"),
        ("got that buzzy feeling on my lip", "today"),
        ("pressed 20 min, another 20, still trickling", "today"),
        ("held gauze on for half an hour and its still dripping", "today"),
    ],
)
def test_body_sign_and_degree_together_raise_a_flag(text: str, at_least: str) -> None:
    assert rank(level(text)) >= rank(at_least)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "faint little lines in rows on my cheek",
        "nearly had a heart attack at the price",
        "my heart doctor says i can",
        "cant breathe for laughing",
        "im dying lol",
        "this itch is killing me, nothing to see",
        "its like a murder scene, teeny red dots all over",
        "still a wee bit rosy, hasnt gone down since yesterday",
        "a bruise next to my eye, going a bit yellow",
        "a brown stain on my upper lip like a moustache",
        "my son passed out at the dentist, im fine",
        "doesnt even hurt",
    ],
)
def test_a_vital_word_without_its_sign_raises_no_flag(text: str) -> None:
    assert not [one for one in read(text).raised if rank(one.flag.level) >= rank("today")]


def test_a_stain_on_the_lip_that_swells_is_an_emergency() -> None:
    assert level("a brown stain on my lip and its swelling up fast") == "emergency"


def test_what_is_ignored_names_its_topic() -> None:
    ignored = read("what if i get an infection").ignored
    assert "infection" in {one.key for one in ignored}
    assert all("get an" not in one.phrase for one in ignored)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("calentura", "fever_or_sore"),
        ("creo que me salio un fuego", "fever_or_sore"),
        ("i feel hot", "hot"),
        ("my face feels weird", "weird"),
        ("my face does that thing", "anything"),
        ("fever", None),
        ("redness", None),
        ("can i feel my face", None),
    ],
)
def test_what_may_be_a_red_flag_is_asked(text: str, doubt: str | None) -> None:
    assert read(text).doubt == doubt


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("had it done 3 days ago", 72),
        ("since yesterday", 24),
        ("day 8 and still red", 192),
        ("its been two weeks since", 336),
        ("hace 3 dias", 72),
        ("llevo dos dias roja", 48),
        ("is it meant to be red", None),
    ],
)
def test_without_a_session_the_time_said_counts(text: str, hours: float | None) -> None:
    assert read(text, None).hours == hours


def test_with_a_session_the_session_counts() -> None:
    assert read("had it done 3 days ago", 30).hours == 30


def test_what_makes_an_effect_more_urgent_is_named() -> None:
    found = read("only my left cheek is swollen").found
    assert found[0].raised_by == ("one_sided",)


def test_what_a_doubt_names_and_is_not_there_is_said() -> None:
    x = Doubt(
        key="x",
        row="C1",
        level="soon",
        topic="none",
        if_yes="none",
        none_of=("none",),
        sources=("OLD",),
    )
    assert list(doubt_problems({"x": x}, (), (), {"doubt:y"}, ())) == [
        "doubts.toml: x.if_yes: there is no flag 'none'",
        "doubts.toml: x.topic: 'none' is not in topics.toml",
        "doubts.toml: x: no phrases in [doubts]: it is never asked",
        "doubts.toml: x.none_of: no signal 'none' in phrases",
        "doubts.toml: x.sources: OLD is not in sources.toml",
        "phrases: [doubts] y: not in doubts.toml",
    ]
