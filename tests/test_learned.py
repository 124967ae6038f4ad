"""What whole messages taught: what no phrase holds, and phrases that only sound like danger."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from content.answers import answer
from content.by_rules import by_rules
from content.learned import (
    NEEDS_EMERGENCY,
    NEEDS_TODAY,
    Learned,
    as_text,
    features,
    from_text,
    rarity,
)
from content.learned import row as written
from content.letters import tokens
from content.library import Library, load
from content.library import read as read_content
from content.reading import DATA, ContentError, Layers
from content.understanding import understand
from content.understood import Understood
from tests.answers.examples import examples, fingerprint
from tests.situations import after

TOPICS = ("redness", "makeup", "exercise", "infection", "emergency", "unknown")
OUTPUTS = (*TOPICS, NEEDS_TODAY, NEEDS_EMERGENCY)


def row(**weights: float) -> str:
    """Shares of the largest weight, by output."""
    named = {
        NEEDS_TODAY: weights.pop("today", 0.0),
        NEEDS_EMERGENCY: weights.pop("grave", 0.0),
        **weights,
    }
    return written(1.0, (named.get(output, 0.0) for output in OUTPUTS))


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


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda text: text + "odd\tOO\n", "one sign for each output"),
        (lambda text: text.replace(NEEDS_TODAY, "!later"), "whether a message is urgent"),
        (lambda text: text.replace("4\t4", "4", 1), "no scale or no bias"),
        (lambda text: text + "odd\tA" + "~" * len(OUTPUTS) + "\n", "a sign is none"),
        (lambda text: text + "odd\t!" + "A" * len(OUTPUTS) + "\n", "not rare at all"),
        (lambda text: "\n".join(text.splitlines()[:5]), "one sign for each output"),
        (lambda text: "", "not enough values"),
    ],
)
def test_what_is_no_such_text_is_refused(wrong: Callable[[str], str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_text(wrong(as_text(taught(**ROWS))))


def test_without_what_was_learned_the_content_is_refused_by_name(tmp_path: Path) -> None:
    shutil.copytree(DATA, tmp_path / "data")
    (tmp_path / "data" / "learned.txt").write_text("<<<<<<< mine\n")
    with pytest.raises(ContentError, match=r"learned.txt: .*run `make learn`"):
        read_content(Layers(tmp_path / "data"))
    (tmp_path / "data" / "learned.txt").unlink()
    with pytest.raises(ContentError, match=r"learned.txt: .*run `make learn`"):
        read_content(Layers(tmp_path / "data"))


def test_an_approval_is_of_the_weights_too() -> None:
    first, *rest = load().learned.rows
    changed = {**load().learned.rows, first: load().learned.rows[rest[0]]}
    other = replace(load().learned, rows=changed)
    assert read_content(Layers(), other).fingerprint != load().fingerprint
    assert read_content(Layers(), replace(load().learned, fingerprint="x")).fingerprint == (
        load().fingerprint
    )


def test_what_everybody_says_weighs_less_than_what_few_say() -> None:
    assert rarity(0.5) == 0.7
    assert rarity(0.001) == 6.9
    assert rarity(1.0) == 0.1
    silent = [0.0] * len(OUTPUTS)
    rows = {"zorple": row(redness=0.5), "my": written(0.7, silent), "gonk": written(6.9, silent)}
    learned = replace(taught(), rows=rows)
    alone, common, rare = (learned.judge({"zorple", *more}) for more in ([], ["my"], ["gonk"]))
    assert alone
    assert common
    assert rare
    assert alone.topics["redness"] > common.topics["redness"] > rare.topics["redness"] > -1.0


def test_the_likeliest_topic_comes_first_and_nothing_known_is_no_judgement() -> None:
    judged = taught(**ROWS).judge({"zorple", "strange"})
    assert judged
    assert judged.main == "redness"
    assert list(judged.topics.values()) == sorted(judged.topics.values(), reverse=True)
    assert taught(**ROWS).judge({"strange"}) is None


def test_a_topic_that_no_phrase_holds_is_found(library: Library) -> None:
    understood = read(library, "zorple")
    assert topics(understood) == ["redness"]
    assert understood.found[0].matched == ()  # no word of a patient's is kept


def test_what_sounds_like_danger_is_urgent_though_no_phrase_says_so(library: Library) -> None:
    [raised] = read(library, "blarg " * 6).raised
    assert (raised.flag.learned, raised.flag.level) == (True, "emergency")
    [found] = read(library, "snee " * 6).found
    assert (found.topic.key, found.level) == ("infection", "today")


def test_a_care_question_that_names_a_sign_is_no_symptom(library: Library) -> None:
    said = "tolly tolly quibbly quibbly tolly quibbly red zorp"
    assert topics(read(load(), "red")) == ["redness"]
    assert topics(read(library, said)) == ["makeup"]


CALM_BESIDE_PUS = "quibbly tolly quibbly about the tolly pus"


def test_a_flag_counts_only_where_the_message_sounds_like_it(library: Library) -> None:
    learned = replace(taught(), rows={**ROWS, "about": row(), "the": row()})
    calm = read(replace(library, learned=learned), CALM_BESIDE_PUS)
    assert not calm.raised
    assert [one.matched for one in calm.overruled] == [("pus",)]
    assert read(replace(library, learned=learned), "pus").raised  # few words: nothing else is known


def test_what_is_overruled_is_named_to_whoever_asks_why(library: Library) -> None:
    learned = replace(taught(), rows={**ROWS, "about": row(), "the": row()})
    given = answer(replace(library, learned=learned), CALM_BESIDE_PUS, after(30), language="en")
    assert "ignored C12 (the message does not sound like it): pus" in map(str, given.because)
    assert "topic makeup -> info (sounds like it)" in map(str, given.because)


def test_a_clinics_own_words_stand(tmp_path: Path) -> None:
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "en.toml").write_text(
        "flags.C6 = ['silver freckle']\ntopics.alcohol = ['grog']\n"
    )
    own = load(tmp_path)
    text = "is it ok to use sunscreen with a silver freckle on my nose"
    assert [one.flag.key for one in read(own, text).raised] == ["C6"]
    assert "alcohol" in topics(read(own, "can i wear make-up and sunscreen to where the grog is"))


def test_a_temperature_that_was_measured_is_never_only_a_way_of_speaking() -> None:
    understood = read(load(), "when can I go swimming with my kids? temperature is 38.4 by the way")
    assert [one.flag.row for one in understood.raised] == ["C11"]


GYM = "i went to the gym today and it was lovely"
TIGHT = "my throat is closing up"


@pytest.mark.parametrize(
    "said",
    [
        f"{GYM}. {TIGHT}. what time do you open",
        f"{GYM}\nthe weather was nice\n{TIGHT}\nmy sister says hi",
        ". ".join([*[f"{GYM} {number}" for number in range(10)], TIGHT]),
        " ".join([*[GYM] * 4, TIGHT, *[GYM] * 4]),
    ],
    ids=["sentences", "lines", "late", "without an end"],
)
def test_danger_told_beside_much_else_is_heard(said: str) -> None:
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
    assert {*load().topics, "emergency", "unknown", NEEDS_TODAY, NEEDS_EMERGENCY} == set(
        learned.outputs
    )


def test_every_example_is_of_a_topic() -> None:
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
