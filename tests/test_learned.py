"""What whole messages taught: what no phrase holds, and phrases that only sound like danger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from content.answers import answer
from content.by_rules import by_rules
from content.learned import GRAVE, TODAY, Learned, as_text, features, from_text, sign
from content.letters import tokens
from content.library import Library, load
from content.understanding import understand
from content.understood import Understood
from tests.answers.examples import examples, fingerprint
from tests.situations import after

TOPICS = ("redness", "makeup", "exercise", "infection", "emergency", "unknown")
OUTPUTS = (*TOPICS, TODAY, GRAVE)


def row(**weights: float) -> str:
    """Shares of the largest weight, by output."""
    named = {TODAY: weights.pop("today", 0.0), GRAVE: weights.pop("grave", 0.0), **weights}
    return "".join(sign(named.get(output, 0.0)) for output in OUTPUTS)


def taught(**rows: str) -> Learned:
    """What knows these features and no others; their names without spaces and signs."""
    known = {name.replace("_", " "): signs for name, signs in rows.items()}
    return Learned(
        outputs=OUTPUTS,
        scales=(4.0,) * len(OUTPUTS),
        bias=(-1.0,) * len(OUTPUTS),
        rows=known,
    )


ROWS = {
    "zorple": row(redness=1),
    "blarg": row(emergency=1, today=1, grave=1),
    "snee": row(infection=1, today=1),
    "tolly": row(unknown=1, today=-1, grave=-1),
    "quibbly": row(makeup=1, today=-1, grave=-1),
}


@pytest.fixture
def library() -> Library:
    """The shipped content, having learned words that mean nothing."""
    return replace(load(), learned=taught(**ROWS))


def read(library: Library, text: str, hours: float = 30) -> Understood:
    return understand(library, text, hours)


def topics(understood: Understood) -> list[str]:
    return [one.topic.key for one in understood.found]


def test_words_pairs_and_runs_of_letters_are_features_and_numbers_are_not() -> None:
    assert features(tokens("red at 39"), ["@sign"]) == {
        "red", "at", "red at", "@sign",
        "~^re", "~red", "~ed$", "~^red", "~red$", "~^red$", "~^at", "~at$", "~^at$",
    }  # fmt: skip


def test_what_is_written_is_read_again() -> None:
    learned = replace(taught(**ROWS), words=frozenset({"pat", "dry"}), fingerprint="f1")
    assert from_text(as_text(learned)) == learned


def test_a_row_that_is_too_short_is_refused() -> None:
    text = as_text(taught(**ROWS)) + "odd\tOO\n"
    with pytest.raises(ValueError, match="one sign for each output"):
        from_text(text)


def test_the_likeliest_topic_comes_first_and_nothing_known_is_no_judgement() -> None:
    judged = taught(**ROWS).judge({"zorple", "strange"})
    assert judged
    assert judged.main == "redness"
    assert list(judged.topics.values()) == sorted(judged.topics.values(), reverse=True)
    assert taught(**ROWS).judge({"strange"}) is None


def test_a_topic_that_no_phrase_holds_is_found(library: Library) -> None:
    understood = read(library, "zorple")
    assert topics(understood) == ["redness"]
    assert understood.found[0].matched == ("zorple",)


def test_what_sounds_like_danger_is_urgent_though_no_phrase_says_so(library: Library) -> None:
    [raised] = read(library, "blarg").raised
    assert (raised.flag.learned, raised.flag.level) == (True, "emergency")
    [found] = read(library, "snee").found
    assert (found.topic.key, found.level) == ("infection", "today")


def test_a_care_question_that_names_a_sign_is_no_symptom(library: Library) -> None:
    said = "tolly tolly quibbly quibbly tolly quibbly red zorp"
    assert topics(read(load(), "red")) == ["redness"]
    assert topics(read(library, said)) == ["makeup"]


def test_a_flag_counts_only_where_the_message_sounds_like_it(library: Library) -> None:
    flagged = "pus"
    assert read(library, flagged).raised  # nothing else is known
    known = {f"@!{one.flag.key}": row(today=0.1) for one in read(load(), flagged).raised}
    rows = {**ROWS, **known, "about": row(), "the": row()}
    learned = replace(taught(), rows=rows)
    calm = replace(library, learned=learned)
    assert not read(calm, "quibbly tolly quibbly about the tolly pus").raised
    assert read(calm, "pus").raised  # so few words say nothing else


def test_a_flag_that_only_a_clinic_has_stands(library: Library) -> None:
    rows = {**ROWS, "about": row(), "the": row()}
    own = replace(library, learned=replace(taught(), rows=rows))
    assert read(own, "quibbly tolly quibbly about the tolly pus").raised


def test_a_temperature_that_was_measured_is_never_only_a_way_of_speaking() -> None:
    understood = read(load(), "when can I go swimming with my kids? temperature is 38.4 by the way")
    assert [one.flag.row for one in understood.raised] == ["C11"]


def test_danger_told_in_one_sentence_beside_much_else_is_heard() -> None:
    said = (
        "i went to the gym today and it was lovely. my throat is closing up. what time do you open"
    )
    assert read(load(), said).raised[0].flag.level == "emergency"


def test_where_the_words_are_not_known_the_rules_stand_alone() -> None:
    text = "pus kalimera efharisto parakalo yasou filakia poli kala"
    rules = by_rules(load(), text, 30).understood
    assert read(load(), text) == rules
    assert rules.raised


def test_what_was_learned_belongs_to_what_it_was_learned_from() -> None:
    assert load().learned.fingerprint == fingerprint(), "run `make learn`"


def test_what_was_learned_knows_every_topic() -> None:
    learned = load().learned
    assert {*load().topics, "emergency", "unknown", TODAY, GRAVE} == set(learned.outputs)


def test_every_example_is_of_a_topic_and_none_is_there_twice() -> None:
    found = list(examples())
    assert {each.topic for each in found} <= {*load().topics, "emergency", "unknown", ""}
    assert len(found) > 10_000


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("red lipstick ok for tonight?", "makeup"),
        ("when can i have my first bloody mary", "alcohol"),
        ("did you watch the match last night?? absolute heart attack of a game", "unknown"),
        ("me puse rubor sin darme cuenta, me lo quito ya?", "makeup"),
    ],
)
def test_what_only_sounds_like_a_symptom_is_none(text: str, topic: str) -> None:
    given = answer(load(), text, after(30), language="en")
    assert (given.topic, given.level) == (topic, "info")
