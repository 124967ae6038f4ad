"""Answers: messages as data (tests/answers), and what every reply holds."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
import tomllib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from pydantic import ValidationError

from bot.__main__ import main
from content.answers import about, answer, answer_to, settled, side_effects, why
from content.facts import Situation
from content.flags import LEVELS, Flag, Raised
from content.library import Library, load, read
from content.reading import DATA, Layers
from content.replies import Voice, effect
from content.topics import Phase, Raise, Topic, topic_problems
from content.understanding import understand
from content.understood import Found, Ignored, Understood
from tests.situations import CLINIC, ENDED_AT, after

MESSAGES: list[dict[str, Any]] = [
    {"lang": data["lang"], **message}
    for file in sorted((Path(__file__).parent / "answers").glob("*.toml"))
    for data in [tomllib.loads(file.read_text("utf-8"))]
    for message in data["messages"]
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message["say"])
def test_a_message_is_understood_and_placed_at_its_hour(message: dict[str, Any]) -> None:
    found = answer(load(), message["say"], after(message["hours"]), language=message["lang"])
    assert (found.topic, found.level) == (message["topic"], message["level"]), found.matched


TEXT = st.text(max_size=300) | st.lists(
    st.sampled_from(
        ["no", "fever", "39", "lips", "swollen", "¿", "no puedo", ",", "\n", "ünd", "😱"]
    )
).map(" ".join)


@settings(deadline=None)
@given(
    text=TEXT, hours=st.none() | st.floats(-12, 5000), language=st.sampled_from(["en", "es", "xx"])
)
def test_whatever_is_written_is_answered(text: str, hours: float | None, language: str) -> None:
    found = answer(load(), text, after(hours), language=language)
    assert found.level in LEVELS
    assert str(found.reply)
    assert answer(load(), text, after(hours), language=language) == found


@pytest.mark.parametrize(
    "text", ["", " ", "a" * 100_000, "🤒" * 5000, "\x00\ud800", "לא מרגיש טוב", "发烧"]
)
def test_any_length_and_any_script_is_answered(text: str) -> None:
    assert answer(load(), text, after(30), language="en").reply


def test_danger_at_the_end_of_a_long_message_is_seen() -> None:
    text = "my skin is dry and " * 500 + "i cant breathe"
    assert answer(load(), text, after(30), language="en").level == "emergency"


@pytest.mark.parametrize("hours", [-2, 0, 2, 30, 80, 200, 400, 2000, None])
def test_every_topic_answers_at_every_hour(hours: float | None) -> None:
    for topic in load().topics:
        found = about(load(), topic, after(hours))
        assert found.topic == topic
        assert found.reply
        assert "{" not in found.reply
    assert "112" in side_effects(load(), after(hours))


@pytest.mark.parametrize("hours", [2, 100, None])
def test_every_reply_to_a_side_effect_says_what_to_call_for(hours: float | None) -> None:
    for topic in load().topics.values():
        if topic.kind == "effect":
            reply = about(load(), topic.key, after(hours)).reply
            assert CLINIC.phone in reply
            assert CLINIC.emergency_number in reply


def test_a_reply_begins_with_whom_to_call() -> None:
    emergency = answer(load(), "i cant breathe", after(2), language="en").reply
    today = answer(load(), "there is pus", after(60), language="en").reply
    assert "112" in emergency.splitlines()[0]
    assert CLINIC.phone in today.splitlines()[0]
    assert "out-of-hours" in today.splitlines()[0]


def test_talk_of_self_harm_is_met_kindly_and_with_the_number() -> None:
    found = answer(load(), "i want to kill myself", after(60), language="en")
    assert (found.level, found.flag) == ("emergency", "C24")
    assert "sorry" in found.reply.splitlines()[0]
    assert "112" in found.reply.splitlines()[0]
    assert "not alone" in found.reply
    assert "112" in found.reply


def test_care_is_answered_with_this_patients_moment() -> None:
    before = answer(load(), "can i wear makeup", after(30), language="en").reply
    later = answer(load(), "can i wear makeup", after(72), language="en").reply
    nobody = answer(load(), "can i wear makeup", after(None), language="en").reply
    assert before.startswith("<b>Not yet.</b> From Wednesday 25 November, 14:30")
    assert later.startswith("<b>Yes</b>, if")
    assert nobody.startswith("<b>Not for 72 hours after a session.</b>")


def test_the_cautious_hours_count_where_the_depth_is_not_known() -> None:
    shallow = answer(load(), "can i go to the gym", after(100), language="en").reply
    unknown = answer(load(), "can i go to the gym", after(100, depth_mm=None), language="en").reply
    assert shallow.startswith("<b>Yes</b>")
    assert unknown.startswith("<b>Not yet.</b>")


def test_what_a_visit_ahead_forbids_is_not_allowed() -> None:
    next_at = ENDED_AT + timedelta(days=10)
    found = answer(load(), "can i use retinol", after(200, next_at=next_at), language="en").reply
    assert found.startswith("<b>Not before your next session</b>")


def test_a_late_side_effect_comes_before_the_care_asked_for_and_both_are_answered() -> None:
    found = answer(load(), "still red, can i wear makeup", after(80), language="en")
    assert (found.topic, found.level) == ("redness", "soon")
    assert "brushes" in found.reply


def test_side_effects_change_their_place_with_the_hour() -> None:
    early, late = (str(side_effects(load(), after(hours))) for hours in (10, 100))
    assert "Expected now, if mild:</b> Redness" in early
    assert "Redness" not in late[late.index("Expected now") : late.index("If you have it now")]


def test_side_effects_are_expected_only_once_they_can_have_begun() -> None:
    early, week = (str(side_effects(load(), after(hours))) for hours in (2, 60))
    expected = early[early.index("Expected now") : early.index("May come later")]
    assert "Peeling" not in expected
    assert "Peeling" in week[week.index("Expected now") :]
    for never in ("Dark patches", "Marks or lines"):
        assert never not in early


def test_a_product_of_their_own_is_never_simply_allowed() -> None:
    reply = answer(load(), "is emla cream ok", after(200), language="en").reply
    assert reply.startswith("<b>Ask us first")


def test_sunbeds_are_never_allowed() -> None:
    assert "sunbeds out" in about(load(), "sun", after(1200)).reply


def test_home_care_is_said_once() -> None:
    assert about(load(), "redness", after(72)).reply.count("At home") == 1


def test_names_are_shown_literally() -> None:
    situation = replace(after(2), clinic=replace(CLINIC, name='<b>&"Derma"'))
    found = answer(load(), "there is pus", situation, language="en")
    assert "&lt;b&gt;&amp;" in found.reply


def test_the_patients_words_are_never_repeated() -> None:
    assert "xyzzy" not in answer(load(), "xyzzy pus xyzzy", after(2), language="en").reply
    assert "xyzzy" not in answer(load(), "xyzzy", after(2), language="en").reply


@pytest.mark.parametrize("text", ["thanks", "hello", "what is the capital of France"])
def test_what_is_not_understood_is_said_with_the_numbers(text: str) -> None:
    found = answer(load(), text, after(2), language="en")
    assert found.topic == "unknown"
    assert CLINIC.phone in found.reply
    assert CLINIC.emergency_number in found.reply


# --- several things in one message -----------------------------------------------------------

EXPECTED = {"en": "this is expected", "es": "es lo esperado"}
CALL_NOW = {"en": "Call 112 now", "es": "Llame ya al 112"}
SEVERAL = [
    ("en", "red and itchy", 30, ["redness", "itching"], ["Redness, day 1", "Itching, day 1"]),
    ("es", "tengo la cara roja y me pica", 30, ["redness", "itching"], ["Enrojecimiento, día 1"]),
    (
        "en", "still swollen and peeling", 100, ["swelling", "peeling"],
        ["Swelling, day 4: please call us", "Peeling, day 4: this is expected"],
    ),
    (
        "en", "my face is dry, can i wear makeup", 30, ["dryness", "makeup"],
        ["Dryness, day 1: this is expected", "Make-up: Not yet"],
    ),
    (
        "en", "when can i wear makeup and go to the gym", 30, ["makeup", "exercise"],
        ["Make-up: Not yet", "Sport: Not yet"],
    ),
    (
        "es", "cuando puedo usar maquillaje y nadar", 30, ["makeup", "swimming"],
        ["Maquillaje: Todavía no", "Nadar: Todavía no"],
    ),
    (
        "en", "there is pus, my skin is dry. can i swim?", 60, ["infection", "dryness", "swimming"],
        ["Call Clinic One now", "Tell us about this too: Dryness", "Swimming: Not yet"],
    ),
]  # fmt: skip


def shown(reply: Markup) -> str:
    """As it is read: without the marks of HTML."""
    return reply.replace("\n", "¶").striptags().replace("¶", "\n")


@pytest.mark.parametrize(("language", "text", "hours", "topics", "says"), SEVERAL)
def test_everything_a_message_asks_is_answered_worst_first(
    language: str, text: str, hours: float, topics: list[str], says: list[str]
) -> None:
    found = answer(load(), text, after(hours), language=language)
    reply = shown(found.reply)
    assert list(found.topics) == topics
    places = [reply.find(words) for words in says]
    assert min(places) >= 0
    assert places == sorted(places)


def test_several_that_are_late_are_told_whom_to_call_once() -> None:
    reply = shown(answer(load(), "still red and swollen", after(100), language="en").reply)
    assert reply.startswith("Please call us: 01 234")
    assert reply.count("next working day") == 1
    assert "Redness, day 4." in reply
    assert "Swelling, day 4." in reply


ALL_AT_ONCE = {
    "en": "red, swollen, sore, bleeding, bruised, dry, peeling, itchy, pimples, dark spots. "
    "can i wear makeup, use retinol, go to the gym, swim, shave and drink alcohol",
    "es": "rojez, hinchada, me duele, sangrado, moretones, piel seca, se me pela, me pica, "
    "granitos, manchas. puedo usar maquillaje, retinol, ir al gimnasio, nadar y beber alcohol",
}


@pytest.mark.parametrize("hours", [2, 30, 100, 400, None])
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_reply_stays_short_and_names_what_it_has_no_room_for(
    language: str, hours: float | None
) -> None:
    found = answer(load(), ALL_AT_ONCE[language], after(hours), language=language)
    assert len(found.topics) >= 12
    assert len(found.reply) <= 1500
    for key in found.topics:
        first_word = load().texts.say(language, f"topics.{key}.name").lower().split()[0]
        assert first_word in found.reply.lower(), key


@pytest.mark.parametrize("hours", [2, 30, 100, 400, None])
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_reply_to_a_symptom_ends_with_whom_to_call_and_says_it_once(
    language: str, hours: float | None
) -> None:
    situation = speaking(language, after(hours))
    for topic in load().topics.values():
        if topic.kind == "effect":
            found = about(load(), topic.key, situation)
            last = shown(found.reply).split("\n\n")[-1]
            assert "112" in last, topic.key
            assert found.reply.count(CALL_NOW[language]) <= 1
            if found.level == "today":
                assert CLINIC.phone in shown(found.reply).split("\n")[0]


def speaking(language: str, situation: Situation) -> Situation:
    return replace(situation, patient=replace(situation.patient, language=language))


@pytest.mark.parametrize("language", ["en", "es"])
def test_beside_a_flag_nothing_is_called_expected_and_nothing_is_allowed(language: str) -> None:
    text = "there is pus, my skin is dry and peeling, can i wear makeup and use cleanser"
    reply = shown(answer(load(), text, after(80), language=language).reply)
    assert EXPECTED[language] not in reply
    assert "Yes" not in reply
    assert "Sí," not in reply
    assert {"en": "Make-up: ask us when you call", "es": "Maquillaje: pregúntenos"}[
        language
    ] in reply


def test_in_an_emergency_all_else_waits() -> None:
    text = "i cant breathe, my face is red, can i wear makeup"
    found = answer(load(), text, after(80), language="en")
    reply = shown(found.reply)
    assert found.topics == ("emergency", "redness", "makeup")
    assert reply.startswith("Call 112 now.")
    assert "Tell them about this too: Redness." in reply
    assert "This can wait: Make-up." in reply


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("level", ["today", "emergency"])
def test_however_many_signs_are_there_the_reply_stays_short(language: str, level: str) -> None:
    library, situation = load(), speaking(language, after(30))
    flags = (Raised(flag=it, matched=("x",)) for it in library.flags if it.level == level)
    topics = (
        Found(topic=it, level=it.level(30), weight=1, start=1, matched=())
        for it in library.topics.values()
    )
    everything = understood(raised=tuple(flags), found=tuple(topics), asked_at=0)
    found = answer_to(library, everything, "", situation)
    assert found.level == level
    assert len(found.reply) <= 1500
    assert str(library.texts.say(language, "topics.makeup.name")) in found.reply


def test_a_thing_only_mentioned_beside_a_symptom_is_not_answered() -> None:
    found = answer(load(), "a bit of blood on my pillowcase", after(10), language="en")
    assert found.topics == ("bleeding",)


def test_beside_a_flag_for_a_working_day_nothing_is_called_expected() -> None:
    found = answer(load(), "hard lumps, and my skin is dry", after(30), language="en")
    assert found.flag == "C21"
    assert EXPECTED["en"] not in found.reply
    assert "Tell us about this too:</b> Dryness" in found.reply


# --- the hour, and a clinic's own values -----------------------------------------------------


def test_a_side_effect_is_placed_in_its_phase() -> None:
    at_once = about(load(), "redness", after(1)).reply
    # An evening session that is recorded before it ends is still of this day, not of day -1.
    before_it_ends = about(load(), "redness", after(-18)).reply
    assert at_once.startswith("<b>Redness, session day: this is expected.</b>")
    assert before_it_ends.startswith("<b>Redness, session day")
    early = about(load(), "redness", after(46)).reply
    late = about(load(), "redness", after(190)).reply
    flagged = answer(load(), "red and there is pus", after(46), language="en").reply
    assert early.startswith("<b>Redness, day 2: this is expected.</b>")
    assert late.startswith(f"<b>Redness, day 8: please call us: {CLINIC.phone}.</b>")
    assert flagged.startswith("<b>Call Clinic One now")


@pytest.mark.parametrize(("language", "span"), [("en", "5 days"), ("es", "5 días")])
def test_a_clinics_own_phase_is_in_every_text(tmp_path: Path, language: str, span: str) -> None:
    own = '[redness]\nphases = [{ until_hours = 120, level = "normal" }, { level = "soon" }]\n'
    (tmp_path / "topics.toml").write_text(own)
    reply = about(read(Layers(own=tmp_path)), "redness", speaking(language, after(100))).reply
    assert EXPECTED[language] in reply
    assert reply.count(span) == 2
    assert not re.search(r"\b3 d", reply)


def test_a_clinics_own_rule_is_in_what_is_left_out_before_a_visit(tmp_path: Path) -> None:
    before = about(load(), "before_session", after(400)).reply
    assert "7 days before it: no acids" in before
    assert "1 day before it: no alcohol" in before
    (tmp_path / "rules.toml").write_text("[actives]\nleave_out_days = 5\n")
    own = about(read(Layers(own=tmp_path)), "before_session", after(400)).reply
    assert "5 days before it: no acids" in own


HOURS_AND_DAYS = re.compile(
    r"(\d+ ?(?:to|a|-) ?)?\d+ (?:hour|day|week|hora|día|semana)|(?:day|día) \d"
    r"|\b(?:first|second|third|two|three|primer|segundo|dos|tres)\w* (?:day|week|día|semana)"
)
NO_RULE_HOLDS_IT = {
    "topics.sunscreen.how",
    "topics.session_count.text",
    "topics.session_count.known",
}
"""How often a day sunscreen is put on again, and how many weeks series are apart."""


@pytest.mark.parametrize("language", ["en", "es"])
def test_no_text_of_an_answer_holds_an_hour_or_a_day_itself(language: str) -> None:
    for key in load().texts.keys(language):
        if key.split(".")[0] in AREAS and key not in NO_RULE_HOLDS_IT:
            assert not HOURS_AND_DAYS.search(words(language, key)), key


AREAS = {"answers", "topics", "flags", "why", "doubts"}


class Shown(dict[str, str]):
    """Every value of a text as its name in brackets."""

    def __missing__(self, key: str) -> str:
        return f"[{key}]"


def words(language: str, key: str) -> str:
    return str(load().texts.variant(language)[key].fill(Shown()))


# --- what does not count ---------------------------------------------------------------------


def understood(**values: Any) -> Understood:
    nothing: dict[str, Any] = {"raised": (), "found": (), "signals": frozenset(), "asked_at": None}
    return Understood(**{**nothing, **values})


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    ("why_not", "topic", "begins"),
    [
        ("hypothetical", "infection", {"en": "If that happens", "es": "Si eso pasa"}),
        ("past", "before_session", {"en": "Please tell us", "es": "Por favor, cuéntenoslo"}),
        ("someone_else", "infection", {"en": "I can only speak", "es": "Solo puedo hablar"}),
        ("denied", "unknown", {"en": "It is good that", "es": "Ha hecho bien"}),
    ],
)
def test_what_is_only_feared_past_anothers_or_denied_gets_its_word_and_the_numbers(
    why_not: Any, topic: str, begins: dict[str, str], language: str
) -> None:
    said = understood(ignored=(Ignored(phrase="fever", why=why_not, key="infection"),))
    found = answer_to(load(), said, "", speaking(language, after(30)))
    assert (found.topic, found.level) == (topic, "info")
    assert found.topics == (() if topic == "unknown" else (topic,))
    assert shown(found.reply).startswith(begins[language])
    assert CALL_NOW[language] in found.reply
    assert CLINIC.phone in found.reply
    assert [reason.kind for reason in found.because] == ["ignored"]


def test_a_question_beside_the_past_is_answered_too() -> None:
    swimming = Found(
        topic=load().topics["swimming"], level="info", weight=1, start=9, matched=("swim*",),
    )  # fmt: skip
    ignored = (Ignored(phrase="herpes", why="past", key="cold_sore"),)
    found = answer_to(load(), understood(found=(swimming,), ignored=ignored), "", after(30))
    assert found.topics == ("before_session", "swimming")
    assert "Not yet" in found.reply


def test_a_denial_beside_a_question_needs_no_words() -> None:
    makeup = understand(load(), "can i wear makeup", 30)
    ignored = (Ignored(phrase="pus", why="denied", key="infection"),)
    found = answer_to(load(), replace(makeup, ignored=ignored), "", after(30))
    assert (found.topic, found.topics) == ("makeup", ("makeup",))
    assert found.reply.startswith("<b>Not yet.")


# --- doubt -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def doubting(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The content with a doubt of its own, whatever ships."""
    folder = Path(shutil.copytree(DATA, tmp_path_factory.mktemp("content") / "data"))
    added = {
        "doubts.toml": '[warm]\nrow = "C11"\nlevel = "soon"\ntopic = "infection"\nif_yes = "C11"\n',
        "texts/en/doubts.toml": '[warm]\nquestion = "<b>Fever?</b>"\nno = "No fever."\n',
        "texts/es/doubts.toml": '[warm]\nquestion = "<b>¿Fiebre?</b>"\nno = "Sin fiebre."\n',
    }
    for name, text in added.items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("\n" + text)
    phrases = folder / "phrases" / "en.toml"
    said = phrases.read_text("utf-8").replace("[doubts]\n", '[doubts]\nwarm = ["qqwarm"]\n')
    phrases.write_text(said, "utf-8")
    return read(Layers(folder))


def test_a_doubt_is_asked_about_below_the_emergency_line(doubting: Library) -> None:
    dry = Found(
        topic=load().topics["dryness"], level="normal", weight=1, start=0, matched=("dry",),
    )  # fmt: skip
    found = answer_to(doubting, understood(doubt="warm", found=(dry,)), "", after(30))
    reply = shown(found.reply)
    assert (found.topic, found.level, found.asks) == ("infection", "soon", "warm")
    assert found.topics == ("infection", "dryness")
    assert reply.startswith("Call 112 now")
    assert reply.index("Fever?") < reply.index("Dryness, day 1")
    assert reply.count("Call 112 now") == 1


def test_a_flag_that_is_up_needs_no_question(doubting: Library) -> None:
    raised = answer(load(), "there is pus", after(30), language="en")
    pus = understand(load(), "there is pus", 30)
    found = answer_to(doubting, replace(pus, doubt="warm"), "", after(30))
    assert (found.asks, found.reply) == (None, raised.reply)


def test_yes_raises_the_flag_and_no_says_what_to_watch_for(doubting: Library) -> None:
    yes, no = (settled(doubting, "warm", it, after(30)) for it in (True, False))
    assert (yes.topic, yes.level, yes.flag) == ("infection", "today", "C11")
    assert yes.reply == answer(load(), "i have a fever", after(30), language="en").reply
    assert (no.topic, no.level) == ("infection", "normal")
    assert shown(no.reply).startswith("No fever.")
    assert "Call 112 now" in no.reply


def test_no_to_what_is_urgent_either_way_is_still_urgent(doubting: Library) -> None:
    """Calentura: where it is no fever, it is a cold sore."""
    either = replace(doubting, doubts={"warm": doubting.doubts["warm"].model_copy(
        update={"level": "today", "topic": "cold_sore"}
    )})  # fmt: skip
    no = settled(either, "warm", False, after(30))
    assert (no.topic, no.level) == ("cold_sore", "today")
    assert no.reply == about(load(), "cold_sore", after(30)).reply


def test_a_session_known_only_by_what_is_said_places_a_side_effect() -> None:
    red = Found(
        topic=load().topics["redness"], level="normal", weight=1, start=0, matched=("red",),
    )  # fmt: skip
    found = answer_to(load(), understood(found=(red,), hours=50), "", after(None))
    assert found.reply.startswith("<b>Redness, day 2: this is expected.</b>")
    assert found.because[0].hours == 72


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_doubt_that_ships_can_be_asked_and_settled(language: str) -> None:
    for key, doubt in load().doubts.items():
        found = answer_to(load(), understood(doubt=key), "", speaking(language, after(30)))
        assert (found.asks, found.topic, found.level) == (key, doubt.topic, doubt.level)
        assert "?" in found.reply
        for yes in (True, False):
            given = settled(load(), key, yes, speaking(language, after(30)))
            assert CLINIC.emergency_number in given.reply
        assert settled(load(), key, True, after(30)).level == flag(doubt.if_yes).level


def flag(key: str) -> Flag:
    return next(each for each in load().flags if each.key == key)


# --- not understood --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language", "hours", "offered"),
    [
        ("eyelashes whatsit", "en", 30, "makeup"),
        ("xyzzy", "en", 100, "peeling"),
        ("xyzzy", "es", 10, "cleansing"),
        ("xyzzy", "en", None, "about_treatment"),
    ],
)
def test_the_closest_topics_are_offered_else_what_this_hour_suggests(
    text: str, language: str, hours: float | None, offered: str
) -> None:
    found = answer(load(), text, after(hours), language=language)
    assert found.topic == "unknown"
    assert offered in found.closest
    assert 1 <= len(found.closest) <= 3
    assert all(f"/{topic}" in found.reply for topic in found.closest)


def test_what_was_understood_offers_nothing() -> None:
    assert answer(load(), "can i wear makeup", after(30), language="en").closest == ()


# --- why -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("hours", [30, None])
def test_every_topic_has_a_reason_and_says_where_it_comes_from(
    language: str, hours: float | None
) -> None:
    library, situation = load(), speaking(language, after(hours, area="scalp"))
    for topic in (*library.topics, "emergency"):
        said = why(library, topic, situation)
        assert len(said) <= 900, topic
        assert len(said.split("\n\n")) >= 2, topic
        kind = library.topics[topic].kind if topic != "emergency" else "effect"
        if kind != "about":
            assert "• " in said, topic
            assert {"en": "How sure", "es": "Seguridad"}[language] in said, topic


def test_every_rule_gives_its_reason_its_hour_and_its_best_sources_first() -> None:
    said = str(why(load(), "cleansing", after(30)))
    for rule in load().topics["cleansing"].rules:
        assert words("en", f"why.rule.{rule}") in said
    assert "Lukewarm water: 4 hours" in said
    makeup = str(why(load(), "makeup", after(30)))
    assert "In your plan: 72 hours" in makeup
    assert 0 < makeup.index("TEWL after MN") < makeup.index("Clinic leaflet")
    assert "Clinic leaflet" not in makeup[: makeup.index("Chelsea")]
    assert re.search(r"and \d+ more$", makeup)


def test_a_clinics_own_hour_is_in_the_reason(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[makeup]\nfrom_hours = 24\n")
    own = read(Layers(own=tmp_path))
    assert "24 hours" in why(own, "makeup", after(30))
    assert "72 hours" not in why(own, "makeup", after(30))


def test_an_unknown_topic_has_no_reason() -> None:
    with pytest.raises(KeyError):
        why(load(), "football", after(30))


# --- what decided ----------------------------------------------------------------------------


def test_what_decided_is_named_with_hours_and_what_was_left_out() -> None:
    bled = answer(load(), "a bit of blood on my pillowcase", after(10), language="en").because
    assert (bled[0].key, bled[0].level, bled[0].hours) == ("bleeding", "normal", 24)
    assert {(it.kind, it.key, it.note) for it in bled[1:]} >= {
        ("ignored", "sleep", "not asked for")
    }
    raised = answer(load(), "there is pus", after(30), language="en").because[0]
    assert (raised.kind, raised.key, raised.level, raised.phrases) == (
        "flag", "C12", "today", ("pus",),
    )  # fmt: skip
    rule = answer(load(), "can i wear makeup", after(30), language="en").because[1]
    assert (rule.kind, rule.key, rule.hours, rule.note) == ("rule", "makeup", 72, "not_yet")
    page = answer(load(), "how does microneedling work", after(30), language="en").because
    assert ("page", "how_it_works") in {(reason.kind, reason.key) for reason in page}
    assert answer(load(), "xyzzy", after(30), language="en").because[0].kind == "nothing"


@pytest.mark.parametrize(
    "text", ["xyzzy pus xyzzy", "i have 38.97", "fiebre de 39,17 xyzzy", "xyzzy"]
)
def test_what_decided_never_holds_the_patients_own_words(text: str) -> None:
    told = [str(reason) for reason in answer(load(), text, after(30), language="en").because]
    told += [str(it.as_values()) for it in answer(load(), text, after(30), language="en").because]
    for own in ("xyzzy", "38.97", "39,17", "39.17"):
        assert own not in " ".join(told)


def test_ask_explains_on_the_command_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    question = json.dumps({"text": "there is pus", "hours": 30})
    for options, keys in ([], {"topic", "level", "reply"}), (
        ["--explain"], {"topic", "level", "reply", "because"},
    ):  # fmt: skip
        monkeypatch.setattr(sys, "stdin", io.StringIO(question))
        assert main(["ask", "--json", *options]) == 0
        assert json.loads(capsys.readouterr().out).keys() == keys
    assert main(["ask", "there is pus", "--hours", "30", "--explain"]) == 0
    assert "- flag C12 -> today (clinical.md C12): pus" in capsys.readouterr().out


# --- what is never said ----------------------------------------------------------------------

NEVER = {
    "a dose": r"\d ?(?:mg|ml|mcg|g|tablets?|pastillas?|comprimidos?)\b",
    "a promise": r"guarantee|will remove|will disappear|garantiza|desaparecerá|eliminará",
    "a diagnosis": r"(?<!do )(?<!if )\byou have (?:an?|got)\b"
    r"|\bit is (?:an? )?(?:infection|allergy)|\busted tiene una? |\bes una (?:infección|alergia)\b",
    "a judged picture": r"your (?:photo|picture) (?:shows|looks)|su foto (?:muestra|se ve)",
    "an end to a medicine": r"(?<!not )(?<!never )\bstop (?:taking|your (?!messages))"
    r"|(?<!no )(?<!nunca )\b(?:deje|suspenda) (?:de tomar|su medicamento|el tratamiento)",
}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("what", NEVER)
def test_no_text_doses_promises_diagnoses_or_stops_a_medicine(what: str, language: str) -> None:
    for key in load().texts.keys(language):
        if key.split(".")[0] in AREAS:
            assert not re.search(NEVER[what], words(language, key).lower()), key


@pytest.mark.parametrize("language", ["en", "es"])
def test_wherever_a_prescribed_medicine_is_named_it_is_not_to_be_stopped(language: str) -> None:
    stays = {"en": r"not stop|ask whoever|never stop", "es": r"no deje|nunca deje|pregunte a quien"}
    named = {"en": "prescribed", "es": "recetad"}
    for key in load().texts.keys(language):
        if key.split(".")[0] in AREAS and named[language] in (said := words(language, key).lower()):
            assert re.search(stays[language], said), key


def test_an_answer_does_not_say_that_staff_were_told() -> None:
    """Whoever tells them says so: content.answers cannot know."""
    for language in ("en", "es"):
        for key in load().texts.keys(language):
            if key.split(".")[0] in AREAS:
                said = words(language, key).lower()
                assert not re.search(r"i have (?:just )?told|he avisado|avisé", said), key


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"kind": "effect"}, "every side effect has some"),
        ({"kind": "care", "phases": [{"level": "soon"}]}, "phases belong to a side effect"),
        (
            {"kind": "effect", "phases": [{"level": "soon", "until_hours": 3}]},
            "only the last phase",
        ),
        (
            {
                "kind": "effect",
                "phases": [
                    {"level": "normal", "until_hours": 9},
                    {"level": "normal", "until_hours": 3},
                    {"level": "soon"},
                ],
            },
            "must follow each other",
        ),
    ],
)
def test_a_topic_whose_phases_leave_an_hour_out_is_refused(
    values: dict[str, object], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        Topic.model_validate({"key": "x", **values})


def test_what_a_topic_names_and_is_not_there_is_said() -> None:
    topic = Topic(
        key="x",
        kind="effect",
        phases=(Phase(level="soon"),),
        raised=(Raise(signal="none", level="today"),),
        rules=("none",),
        sources=("OLD",),
    )
    assert list(topic_problems({"x": topic}, (), {"topic:acne"}, ())) == [
        "topics.toml: x.rules: there is no rule 'none'",
        "topics.toml: x.raised: no signal 'none' in phrases",
        "topics.toml: x.sources: OLD is not in sources.toml",
        "phrases: topics.acne: there is no acne in topics.toml",
        "topics.toml: x: no phrases in [topics]",
    ]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "i took too much paracetamol"),
        ("en", "i took 12 tylenol"),
        ("en", "double dose"),
        ("es", "tomé demasiado paracetamol"),
        ("es", "doble dosis"),
    ],
)
def test_too_much_of_a_medicine_is_an_emergency(language: str, text: str) -> None:
    found = answer(load(), text, after(30), language=language)
    assert found.level == "emergency"
    assert ("how much" if language == "en" else "cuánto") in found.reply
    assert "acetamin" not in found.reply


@pytest.mark.parametrize(
    ("language", "text", "begins"),
    [
        ("en", "can i use my prescribed tretinoin", "<b>Prescribed? Do not stop it"),
        ("en", "should I stop my adapalene from the doctor", "<b>Prescribed? Do not stop it"),
        ("en", "my rosacea prescription cream", "<b>Prescribed? Do not stop it"),
        ("es", "puedo usar mi tretinoína recetada", "<b>¿Es recetado? No lo deje por mí."),
        ("en", "can i use minoxidil", "<b>Ask us first"),
        ("en", "can i blow dry my hair", "<b>Ask us first"),
    ],
)
def test_what_is_prescribed_is_for_the_prescriber(language: str, text: str, begins: str) -> None:
    found = answer(load(), text, after(30), language=language)
    assert found.reply.startswith(begins)


def test_at_today_the_answer_is_about_what_the_message_is_about() -> None:
    text = "it hurts more today than it did on the first day, every hour it hurts more"
    found = answer(load(), text, after(75), language="en")
    assert (found.topic, found.level) == ("soreness", "today")


def test_what_comes_before_its_time_is_not_called_expected() -> None:
    voice = Voice(load(), after(6))
    reply = effect(voice, load().topics["peeling"], "normal")
    assert reply[0].startswith(
        "<b>Peeling: this usually comes later.</b> If it is more than mild, call us"
    )


@pytest.mark.parametrize(("hours", "is_said"), [(30, False), (60, True)])
def test_pain_that_stays_past_its_hour_is_a_reason_to_call(hours: float, is_said: bool) -> None:
    reply = about(load(), "painkillers", after(hours)).reply
    assert ("Still in pain? Call us" in reply) is is_said


@pytest.mark.parametrize(("hours", "is_said"), [(20, True), (30, False)])
def test_until_it_is_allowed_it_is_said_what_to_do_instead(hours: float, is_said: bool) -> None:
    reply = about(load(), "moisturiser", after(hours)).reply
    assert ("use only what the clinic gave" in reply) is is_said
