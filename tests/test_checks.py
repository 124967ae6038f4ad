"""The checks of the content: all pass on what ships, and each fails on a planted fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.simulator.errors import ApiError
from bot.simulator.html import parse_html
from content.checks import CLINIC, Finding, findings, reading_level, said, sense, structural
from content.checks import telegram_html as html
from content.checks.finding import text_place
from content.checks.samples import Sample, samples, sessions
from content.facts import AREAS
from content.flags import Flag
from content.library import ContentError, Library, load, read
from content.reading import Layers
from content.steps import Point
from content.texts import Text, Texts
from tests.test_layers import pseudo_language


def own(folder: Path, name: str, text: str) -> Path:
    """Write, or write on, a file of a clinic's own."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as opened:
        opened.write(text + "\n")
    return folder


def library_of(folder: Path) -> Library:
    return read(Layers(own=folder))


def lines(found: list[Finding]) -> str:
    return "\n".join(f"{one.severity} {one}" for one in found)


# --- what ships ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> list[Finding]:
    return findings(load())


def test_what_ships_has_no_error(shipped: list[Finding]) -> None:
    assert lines([one for one in shipped if one.severity == "error"]) == ""


def test_what_ships_is_only_not_approved_yet(shipped: list[Finding]) -> None:
    approval = [one for one in shipped if one.severity == "warning"]
    assert len(approval) == 1
    assert "not yet approved by a clinician" in str(approval[0])
    assert f'fingerprint = "{load().fingerprint}"' in str(approval[0])


def test_the_cheap_checks_find_nothing_in_what_ships() -> None:
    assert structural(load()) == []


def test_every_message_of_the_samples_is_one_that_telegram_takes() -> None:
    sent, broken = samples(load(), CLINIC)
    assert broken == []
    for sample in sent:
        shown = parse_html(sample.text)
        assert shown.text == html.seen(sample.text).strip()


def test_the_samples_are_of_every_step_topic_flag_and_language() -> None:
    library = load()
    sent, _ = samples(library, CLINIC)
    assert {it.language for it in sent} == set(library.texts.languages)
    for language in library.texts.languages:
        mine = [it for it in sent if it.language == language]
        assert {it.key for it in mine if it.kind == "step"} == {it.key for it in library.steps}
        effects = {it.key for it in library.topics.values() if it.kind == "effect"}
        assert {it.key for it in mine if it.kind == "effect"} == effects
        places = {it.place for it in mine if it.kind == "flag"}
        assert places >= {text_place(language, f"flags.{it.says}") for it in library.flags}
        pages = [it for it in library.story.pages.values() if not it.root]
        assert {it.place for it in mine} >= {text_place(language, f"story.{p.key}") for p in pages}


def test_the_samples_are_of_every_profile_with_and_without_a_visit() -> None:
    library = load()
    all_of_them = list(sessions(library))
    assert {it.area for it in all_of_them} == set(AREAS)
    assert {it.next_at is None for it in all_of_them} == {True, False}
    held = {profile for it in all_of_them for profile in library.profiles_of(it)}
    assert held == set(library.profiles)


# --- planted faults --------------------------------------------------------------------------

LONG_WORDS = (
    "Photoprotection necessitates comprehensive dermatological consideration "
    "notwithstanding individual predisposition, particularly regarding inflammatory "
    "hyperpigmentation, postprocedural contamination, transepidermal dehydration, "
    "unanticipated hypersensitivity manifestations and indeterminate discolouration."
)
SPA = "spa.title = 'the spa'\nspa.text = 'Tell us on {visit}.'"
FAULTS = {
    "a reminder that is too long": (
        ("texts/en/steps.toml", f'day2.text = "{"Sun hat on. " * 51}"'),
        "error texts/en/steps.toml: day2.text: 611 characters at its longest; a reminder has",
    ),
    "a greeting in the first line": (
        ("texts/en/steps.toml", "day5.text = 'Hello from us. Call {phone} or {emergency_number}.'"),
        "error texts/en/steps.toml: day5.text: begins with a greeting; what to do comes first",
    ),
    "a permission in a step's own words": (
        ("texts/en/steps.toml", "first_evening.text = 'Fine now: sauna. {rest}'"),
        "error texts/en/steps.toml: first_evening.text: says “sauna” in its own words",
    ),
    "a step that forbids what is allowed by then": (
        ("steps.toml", "day5.forbids = ['sunscreen']"),
        "error steps.toml: day5: its text forbids sunscreen, which is allowed at ",
    ),
    "a greeting in Spanish": (
        ("texts/es/steps.toml", "day5.text = 'Hola, llame al {phone} o {emergency_number}.'"),
        "error texts/es/steps.toml: day5.text: begins with a greeting",
    ),
    "an hour that is sooner than the sources have it": (
        ("rules.toml", "exercise.from_hours = 4"),
        "warning rules.toml: exercise.from_hours: 4 h is sooner than the 72 h that ship; found: ",
    ),
    "a topic that there is not": (
        ("steps.toml", "day14.topic = 'sunshine'"),
        "error steps.toml: day14.topic: there is no topic sunshine",
    ),
    "a check-in without the clinic's number": (
        ("texts/en/steps.toml", "week4.text = 'Look at your skin. Trouble? {emergency_number}'"),
        "error texts/en/steps.toml: week4.text: speaks of trouble without the clinic's number",
    ),
    "a check-in without the emergency number": (
        ("texts/en/steps.toml", "day14.text = 'Look at your skin. Trouble? {phone}'"),
        "error texts/en/steps.toml: day14.text: speaks of trouble without {emergency_number}",
    ),
    "an answer to a symptom without the emergency number": (
        ("texts/en/common.toml", "emergency.now = 'Call for help if you cannot breathe.'"),
        "error texts/en/topics.toml: redness: speaks of trouble without {emergency_number}",
    ),
    "the first message without the emergency number": (
        ("texts/en/common.toml", ""),
        "error texts/en/steps.toml: first_hours.text: speaks of trouble without {emergency_number}",
    ),
    "an answer to a flag without the clinic's number": (
        ("texts/en/flags.toml", "emergency.clinic = 'When you are safe, tell {clinic}.'"),
        "error texts/en/flags.toml: breathing: speaks of trouble without the clinic's number",
    ),
    "a text that is hard to read": (
        ("texts/en/steps.toml", f'day7.text = "{LONG_WORDS}"'),
        "error texts/en/steps.toml: day7.text: reads at grade ",
    ),
    "a text that is hard to read in Spanish": (
        (
            "texts/es/steps.toml",
            "day7.text = 'La fotoprotección dermatológica constituye inexorablemente un "
            "procedimiento imprescindible para la recuperación satisfactoria y la prevención de "
            "hiperpigmentaciones postinflamatorias, complicaciones infecciosas, deshidratación "
            "transepidérmica, hipersensibilidad y decoloraciones permanentes indeterminadas'",
        ),
        "error texts/es/steps.toml: day7.text: reads at grade ",
    ),
    "a value that is not there at that time": (
        ("texts/en/steps.toml", SPA),
        "error texts/en/steps.toml: spa.text: cannot be put together: 'visit' is not there",
    ),
    "a tag that is not closed": (
        ("texts/en/steps.toml", "next_morning.text = '<b>{sunscreen}'"),
        "error texts/en/steps.toml: next_morning.text: <b> is not closed",
    ),
    "a safety message that is switched off": (
        ("steps.toml", "check_72.off = true"),
        "warning steps.toml: check_72.off: this message is about safety, and is not sent",
    ),
    "a flag that no phrase raises in one language": (
        ("phrases/en.toml", "signals.glow = ['glowing ooze']"),
        "error phrases/es.toml: flags.C12: no phrase raises this flag",
    ),
    "a flag without a source": (
        ("flags.toml", "[C12]\nall_of = [['glow']]\nsources = []\nsure = 'M'"),
        'error flags.toml: C12.sources: names no source, and sure is not "U"',
    ),
    "a side effect without a source": (
        ("topics.toml", "redness.sources = []"),
        "error topics.toml: redness.sources: names no source",
    ),
    "a source without a title": (
        ("sources.toml", "NUANCE.title = ' '"),
        "error sources.toml: NUANCE.title: is empty",
    ),
    "a message of the clinic's own without a translation": (
        (
            "steps.toml",
            "[spa]\ntopic = 'heat'\nkind = 'care'\nif_unknown = 'hold'\n"
            "due = { anchor = 'session', days = 3, at = 11:00:00 }\nlasts_hours = 24",
        ),
        "error texts/es/steps.toml: spa.text: is missing; English has it",
    ),
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is found in content with all these faults at once."""
    folder = tmp_path_factory.mktemp("own")
    for (name, text), _ in FAULTS.values():
        own(folder, name, text)
    return lines(findings(library_of(folder)))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(faulty: str, fault: str) -> None:
    assert FAULTS[fault][1] in faulty


def test_a_fault_is_not_found_where_there_is_none(faulty: str) -> None:
    places = {line.split(": ")[1] for line in faulty.splitlines() if "texts/en/steps" in line}
    assert places.isdisjoint({"coming.text", "today.text", "precare.text"})


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "texts/es/steps.toml",
            "day5.text = 'Llame a la clínica.'",
            "texts/es/steps.toml: day5.text: {phone} is lost; English has it",
        ),
        (
            "texts/en/enrolment.toml",
            'button.agree = "Yes, I agree to all of this and to more of it"',
            "texts/en/enrolment.toml: button.agree: 45 characters; a button has at most 40",
        ),
        (
            "texts/en/enrolment.toml",
            'button.agree = "<b>I agree</b>"',
            "texts/en/enrolment.toml: button.agree: a button has no tags",
        ),
        (
            "texts/es/buttons.toml",
            'why = ""',
            "texts/es/buttons.toml: why: a button cannot be empty",
        ),
        (
            "texts/en/chat.toml",
            f'menu.today = "{"x" * 257}"',
            "texts/en/chat.toml: menu.today: 257 characters; a command's description has at most",
        ),
        (
            "texts/en/chat.toml",
            'stranger = "<b>{clinic}: {phone}, {emergency_number}"',
            "texts/en/chat.toml: stranger: <b> is not closed",
        ),
        (
            "texts/en/worklist.toml",
            'none = "<p>All is well</p>"',
            "texts/en/worklist.toml: none: <p> is no tag of Telegram's",
        ),
        (
            "texts/en/worklist.toml",
            f'none = "<b>{"x" * 4097}</b>"',
            "texts/en/worklist.toml: none: 4097 characters; a message has at most 4096",
        ),
    ],
)
def test_the_cheap_checks_find_what_would_break_a_message(
    tmp_path: Path, name: str, text: str, expected: str
) -> None:
    assert f"error {expected}" in lines(structural(library_of(own(tmp_path, name, text))))


def test_a_value_that_nobody_gives_is_refused_when_the_content_is_read(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"coming.text: \{date\} is not known here"):
        library_of(own(tmp_path, "texts/es/steps.toml", "coming.text = '¿El {date}?'"))


def test_a_rule_without_a_source_is_refused_when_the_content_is_read(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"makeup\.sources: "):
        library_of(own(tmp_path, "rules.toml", "makeup.sources = []"))


def test_a_language_with_a_text_too_few() -> None:
    texts = {"en": {"chat.a": Text("x"), "chat.b": Text("x")}, "fr": {"chat.a": Text("x")}}
    library = replace(load(), texts=Texts(texts))
    expected = "error texts/fr/chat.toml: b: is missing; English has it"
    assert lines(structural(library)) == expected


def test_a_third_language_is_told_what_it_lacks(tmp_path: Path) -> None:
    pseudo_language(tmp_path, "fr")
    library = library_of(tmp_path)
    assert structural(library) == []
    assert "warning phrases/fr.toml: is missing" in lines(list(sense.languages(library)))
    unmeasured = lines(list(said.plain_words(library, [], CLINIC)))
    assert "warning texts/fr: there is no formula for the reading level of fr" in unmeasured


def test_a_language_with_words_of_topics_only_is_told_that_it_has_none_of_red_flags(
    tmp_path: Path,
) -> None:
    own(tmp_path, "phrases/fr.toml", "[topics]\nredness = ['rougeur']")
    found = list(sense.flags(library_of(tmp_path)))
    assert "warning phrases/fr.toml: flags: is missing: a red flag" in lines(found)
    assert [one for one in found if one.severity == "error" and "/fr" in one.place] == []


def test_a_flag_that_is_learned_needs_no_phrase() -> None:
    library = load()
    assert any(flag.learned for flag in library.flags)
    unlearned = tuple(replace_flag(flag, learned=False) for flag in library.flags)
    assert "flags.likely: no phrase" not in lines(list(sense.flags(library)))
    assert "flags.likely: no phrase" in lines(list(sense.flags(replace(library, flags=unlearned))))


def replace_flag(flag: Flag, **values: object) -> Flag:
    return flag.model_copy(update=values)


def test_a_step_with_too_short_a_life_is_a_finding_and_no_fault_of_the_checks(
    tmp_path: Path,
) -> None:
    library = library_of(own(tmp_path, "steps.toml", "day14.lasts_hours = 1"))
    found = findings(library)
    assert any(one.severity == "error" and "day14" in str(one) for one in found)


def test_a_plan_beyond_all_dates_is_a_finding_and_no_fault_of_the_checks() -> None:
    library = load()
    far = Point.model_construct(anchor="session", hours=1e12)
    steps = tuple(
        step.model_copy(update={"due": far}) if step.key == "day14" else step
        for step in library.steps
    )
    sent, broken = samples(replace(library, steps=steps), CLINIC)
    assert "error steps.toml: no plan can be made: " in lines(broken)
    assert sent == []


def test_a_changed_protocol_is_told_from_one_that_nobody_has_approved(tmp_path: Path) -> None:
    own(tmp_path, "protocol.toml", "approved_by = 'Dr Vega'\nfingerprint = 'of-last-year'")
    library = library_of(tmp_path)
    (found,) = sense.approval(library)
    assert "changed since Dr Vega approved it" in str(found)
    (tmp_path / "protocol.toml").unlink()
    own(
        tmp_path, "protocol.toml", f"approved_by = 'Dr Vega'\nfingerprint = '{library.fingerprint}'"
    )
    assert list(sense.approval(library_of(tmp_path))) == []


def sample(text: str, place: str = "texts/en/steps.toml: x.text") -> Sample:
    return Sample(place=place, language="en", kind="other", key="x", text=text)


def test_a_message_that_telegram_would_not_take_whole() -> None:
    (found,) = said.lengths([sample("🙂" * 2049)])
    assert "4098 characters at its longest; a message has at most 4096" in str(found)
    assert list(said.lengths([sample("<b>" + "x" * 4096 + "</b>")])) == []


def test_a_message_that_says_nothing() -> None:
    (found,) = said.lengths([sample("<b></b>")])
    assert "says nothing" in str(found)


def test_texts_that_are_hard_to_read_on_average() -> None:
    rather_hard = "Protect the recovering area carefully until Saturday evening. " * 6
    grade = reading_level.grade(rather_hard, "en")
    assert grade is not None
    many = [sample(rather_hard, place=f"texts/en/steps.toml: x{n}.text") for n in range(500)]
    found = lines(list(said.plain_words(load(), many, CLINIC)))
    assert "error texts/en: on average reads at grade " in found


# --- Telegram's HTML -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "<b>bold</b> &amp; <i>it</i>",
        '<a href="https://example.com/?a=1&amp;b=2">x</a>',
        "<blockquote expandable>x</blockquote>",
        '<span class="tg-spoiler">x</span>',
        '<tg-time unix="1" format="wDT">x</tg-time>',
        "<b>a <i>b</i></b>",
        "Skin & Co &#39;x&#39; 5 > 4",
    ],
)
def test_what_telegram_takes(text: str) -> None:
    assert html.problems(text) == []
    parse_html(text)


@pytest.mark.parametrize(
    "text",
    [
        "<b>x",
        "x</b>",
        "<b><i>x</b></i>",
        "<p>x</p>",
        "<br>",
        "<span>x</span>",
        "a < b",
        "<b",
        '<div class="x">y</div>',
        '<tg-time unix="soon">x</tg-time>',
    ],
)
def test_what_telegram_refuses(text: str) -> None:
    assert html.problems(text)
    with pytest.raises(ApiError):
        parse_html(text)


@pytest.mark.parametrize("text", ["a&nbsp;b", '<b class="x">y</b>', '<a href="tel:112">112</a>'])
def test_what_telegram_shows_otherwise_than_it_is_meant(text: str) -> None:
    assert html.problems(text)


def test_a_length_is_of_what_is_seen_in_utf_16() -> None:
    assert html.length("<b>1 &lt; 2 🙂</b>") == 8


# --- the reading level -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("call", 1),
        ("used", 1),
        ("needed", 2),
        ("times", 1),
        ("changes", 2),
        ("little", 2),
        ("oven", 2),
        ("quiet", 2),
        ("you're", 1),
        ("make-up", 2),
        ("every", 3),
        ("moisturiser", 4),
        ("ibuprofen", 4),
        ("emergency", 4),
    ],
)
def test_english_syllables(word: str, count: int) -> None:
    assert reading_level.syllables(word, "en") == count


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("sol", 1),
        ("muy", 1),
        ("día", 2),
        ("agua", 2),
        ("quiere", 2),
        ("cuidado", 3),
        ("área", 3),
        ("continúe", 4),
        ("enrojecimiento", 6),
    ],
)
def test_spanish_syllables(word: str, count: int) -> None:
    assert reading_level.syllables(word, "es") == count


def test_the_english_grade_is_flesch_kincaids() -> None:
    # 5 sentences, 30 words, 35 syllables: 0.39 x 6 + 11.8 x 35 / 30 - 15.59.
    grade = reading_level.grade("The cat sat on the windows. " * 5, "en")
    assert grade == pytest.approx(0.39 * 6 + 11.8 * 7 / 6 - 15.59)


def test_the_spanish_grade_is_crawfords() -> None:
    # 5 sentences, 25 words, 50 syllables: 20 sentences and 200 syllables in 100 words.
    grade = reading_level.grade("El gato come pescado fresco. " * 5, "es")
    assert grade == pytest.approx(0.049 * 200 - 0.205 * 20 - 3.407)


def test_names_numbers_dates_addresses_and_commands_are_left_out() -> None:
    text = (
        "Call <b>Rosewood Clinic</b> on +44 20 7946 0000, on Wednesday 25 November at 14:30, "
        "see https://example.com/a-very-long-address or send /sideeffects."
    )
    of = reading_level.counts(text, "en", names=["Rosewood Clinic"])
    assert of == (1, 7, 7)


def test_the_end_of_a_line_ends_a_sentence_and_a_colon_or_a_decimal_point_does_not() -> None:
    text = "At home: use 1.5 packs\nCall us: now. Do it!"
    assert reading_level.counts(text, "en").sentences == 3


def test_of_a_few_words_no_grade_is_told() -> None:
    assert reading_level.grade("Hyperpigmentation", "en") is None
    assert reading_level.grade("mots " * 40, "fr") is None
