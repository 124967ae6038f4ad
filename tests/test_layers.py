"""A clinic's own content, laid over the content that ships (CONTENT_DIR)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from content import answers, messages
from content.facts import Patient, Session, Situation
from content.library import ContentError, Library, load, read
from content.reading import DATA, Layers
from content.schedule import plan
from tests.situations import CLINIC

ENDED = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
SESSION = Session(ended_at=ENDED, depth_mm=1.0)


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Path]:
    """Write a clinic's files: `own("rules.toml", "…", …)` gives the folder."""

    def written(*names_and_texts: str) -> Path:
        for name, text in zip(names_and_texts[::2], names_and_texts[1::2], strict=True):
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        return tmp_path

    return written


def problems(folder: Path) -> str:
    with pytest.raises(ContentError) as caught:
        read(Layers(own=folder))
    return str(caught.value)


def at(hours: float, language: str = "en", session: Session = SESSION) -> Situation:
    return Situation(
        at=ENDED + timedelta(hours=hours),
        clinic=CLINIC,
        patient=Patient(name="Ana", timezone="Europe/London", language=language),
        session=session,
    )


def all_said(library: Library, language: str, session: Session = SESSION) -> list[str]:
    """Everything a patient may read of the plan, and the answers about make-up."""
    patient = Patient(name="Ana", timezone="Europe/London", language=language)
    said = []
    for row in plan(library, session, CLINIC, patient):
        here = Situation(at=row.due_at, clinic=CLINIC, patient=patient, session=session)
        said.append(messages.step_text(library, row.key, here))
    for hours in (1, 30, 80, 200, 400):
        here = at(hours, language, session)
        said += [messages.now_text(library, here), answers.side_effects(library, here)]
        said += [answers.about(library, topic, here).reply for topic in library.topics]
    return [str(text) for text in said]


def test_one_line_of_a_clinic_changes_every_message_and_answer(own: Callable[..., Path]) -> None:
    library = read(Layers(own=own("rules.toml", "makeup.from_hours = 24\n")))
    here = at(30)
    assert "Yes" in answers.about(library, "makeup", here).reply
    assert "Not yet" in answers.about(load(), "makeup", here).reply
    assert "Yes" in answers.answer(library, "can I wear makeup", here, language="en").reply
    morning = messages.step_text(library, "day2", at(43))
    assert "make-up" not in morning.partition("Until")[2]
    assert "make-up" in messages.step_text(load(), "day2", at(43)).partition("Until")[2]
    from_when = str(messages.plan_text(library, at(1), []))
    assert re.search(r"Tuesday 24 November, 14:00: [^\n]*make-up", from_when)
    unknown_depth = Session(ended_at=ENDED)
    assert "Yes" in answers.about(library, "makeup", at(30, session=unknown_depth)).reply


def test_what_a_clinic_does_not_say_stays_as_it_ships(own: Callable[..., Path]) -> None:
    library = read(Layers(own=own("rules.toml", "makeup.from_hours = 24\n")))
    shipped = load()
    assert library.rules["makeup"].sources == shipped.rules["makeup"].sources
    assert {k: v for k, v in library.rules.items() if k != "makeup"} == {
        k: v for k, v in shipped.rules.items() if k != "makeup"
    }
    assert list(library.rules) == list(shipped.rules)


def test_one_text_of_a_clinic_takes_the_place_of_ours(own: Callable[..., Path]) -> None:
    words = 'coming.text = "See you on {visit}? Call {phone} if not."\n'
    library = read(Layers(own=own("texts/en/steps.toml", words)))
    session = Session(ended_at=ENDED, depth_mm=1.0, next_at=ENDED + timedelta(days=28))
    said = messages.step_text(library, "coming", at(600, session=session))
    assert said.startswith("See you on Monday 21 December")
    assert library.texts.say("en", "steps.today.title") == "your session"


def test_a_step_that_is_switched_off_is_not_planned(own: Callable[..., Path]) -> None:
    library = read(Layers(own=own("steps.toml", "week4.off = true\n")))
    patient = Patient(name="Ana", timezone="Europe/London")
    keys = {row.key for row in plan(library, SESSION, CLINIC, patient)}
    assert "day14" in keys
    assert "week4" not in keys
    assert library.switched_off == {"week4"}


def test_a_clinics_phrases_are_added_to_ours(own: Callable[..., Path]) -> None:
    folder = own("phrases/en.toml", '[topics]\nredness = ["tomatina"]\n')
    library = read(Layers(own=folder))
    said = answers.answer(library, "tomatina!", at(20), language="en")
    assert said.topic == "redness"
    assert answers.answer(library, "my face is red", at(20), language="en").topic == "redness"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("rule.toml", "a = 1", "CONTENT_DIR/rule.toml: nothing reads this file (is rules.toml"),
        ("texts/en/step.toml", "a.b = 'c'", "CONTENT_DIR/texts/en/step.toml: nothing reads"),
        (
            "rules.toml",
            "make_up.from_hours = 24",
            "make_up: there is no make_up (is makeup meant?)",
        ),
        ("rules.toml", "makeup.from_hour = 24", "CONTENT_DIR/rules.toml: makeup.from_hour: "),
        ("rules.toml", "makeup.from_hours = '1 day'", "CONTENT_DIR/rules.toml: makeup.from_hours:"),
        ("rules.toml", "makeup.from_hours = -1", "greater than or equal to 0"),
        ("rules.toml", "makeup = 24", "CONTENT_DIR/rules.toml: makeup: expected a table [makeup]"),
        ("rules.toml", "makeup.from_hours = ", "CONTENT_DIR/rules.toml: Invalid value"),
        (
            "texts/en/steps.toml",
            "comming.text = 'Hello'",
            "texts/en/steps.toml: there is no comming (is coming meant?) in steps.toml",
        ),
        (
            "texts/en/steps.toml",
            "coming.text = 'On {date}?'",
            "CONTENT_DIR/texts/en/steps.toml: coming.text: {date} is not known here; known are",
        ),
        ("texts/en/steps.toml", "coming.text = 'On {visit?'", "coming.text: "),
        ("rules.toml", "makeup.from_hour = 24", "makeup.from_hour: is not known here"),
        (
            "phrases/en.toml",
            "topics.rednes = ['so red']",
            "topics.rednes: there is no rednes (is re",
        ),
        ("protocol.toml", "date = 'soon'", "CONTENT_DIR/protocol.toml: date: "),
        ("examples/en.toml", "topics = 3", "CONTENT_DIR/examples/en.toml: nothing reads this file"),
        ("phrases/en.toml", "topics = 3", "CONTENT_DIR/phrases/en.toml: topics: "),
        ("phrases/en.toml", "[topics]\nredness = ['<lipps> red']", "there is no group 'lipps'"),
        ("steps.toml", "day5.due.hours = 'noon'", "CONTENT_DIR/steps.toml: day5.due.hours: "),
        ("flags.toml", "C12.says = 'nope'", "flags.toml: C12.says: there is no nope.what"),
        ("flags.toml", "C12.topic = 'nope'", "flags.toml: C12.topic: there is no nope"),
        ("flags.toml", "C1.asked_topic = 'nope'", "flags.toml: C1.asked_topic: there is no nope"),
        (
            "topics.toml",
            "redness.phases = [{ level = 'info' }]",
            "redness.phases.0.level: Input should be 'normal', 'soon' or 'today'",
        ),
        (
            "topics.toml",
            "redness.phases = [{ level = 'normal' }]",
            'topics.toml: redness: the last phase must be "soon" or "today"',
        ),
        (
            "topics.toml",
            "redness.phases = [{ level = 'soon' }]",
            'redness.phases: needs one that is "normal" before "soon"',
        ),
        (
            "topics.toml",
            "infection.phases = [{ until_hours = 9, level = 'normal' }, { level = 'today' }]",
            "topics.toml: infection.phases: needs infection.what in texts/en/topics.toml",
        ),
        (
            "topics.toml",
            "allergy.phases = [{ level = 'soon' }]",
            "topics.toml: allergy.phases: needs allergy.call_late in texts/en/topics.toml",
        ),
        (
            "topics.toml",
            "makeup.kind = 'about'",
            "topics.toml: makeup.kind: needs makeup.text in texts/en/topics.toml",
        ),
        (
            "topics.toml",
            "makeup.rules = ['sun', 'makeup']",
            "topics.toml: makeup.rules: needs makeup.sun.name in texts/en/topics.toml",
        ),
        (
            "topics.toml",
            "alcohol.rules = []",
            "topics.toml: alcohol.rules: needs alcohol.how in texts/en/topics.toml",
        ),
        (
            "topics.toml",
            "heat.ask_first = ['strong']",
            "topics.toml: heat.ask_first: needs ask_first.strong in texts/en/answers.toml",
        ),
        (
            "rules.toml",
            "makeup.until_then = 'do'",
            "rules.toml: makeup.until_then: needs makeup.do in texts/en/rules.toml",
        ),
        (
            "rules.toml",
            "sleep.leave_out_days = 1",
            "rules.toml: sleep.leave_out_days: needs sleep.no in texts/en/rules.toml",
        ),
        ("rules.toml", "makeup.topic = 'nope'", "rules.toml: makeup.topic: there is no nope"),
        (
            "doubts.toml",
            "fever_or_sore.level = 'soon'",
            "doubts.toml: fever_or_sore.level: needs fever_or_sore.no in texts/en/doubts.toml",
        ),
        (
            "topics.toml",
            "[glow]\nkind = 'about'",
            "there is no glow; topics.toml takes no new ones",
        ),
        ("rules.toml", "[mekeup]\nsure = 'H'", "(is makeup meant?); rules.toml takes no new ones"),
        ("flags.toml", "[C99]\nrow = 'C99'", "there is no C99"),
        ("doubts.toml", "[odd]\nrow = 'C9'", "there is no odd; doubts.toml takes no new ones"),
        ("story.toml", "[odd]\nunder = 'about'", "there is no odd; story.toml takes no new ones"),
        (
            "recommendations.toml",
            "[odd]\nwords = ['odd']",
            "recommendations.toml takes no new ones",
        ),
        ("phrases/en.toml", "flags.C99 = ['glowing']", "phrases: flags.C99: there is no C99"),
        ("rules.toml", "makeup.from_hours = 1e9", "makeup.from_hours: Input should be less than"),
        ("rules.toml", "makeup.from_hours = inf", "makeup.from_hours: Input should be a finite"),
        (
            "rules.toml",
            "makeup.profiles.deep = nan",
            "makeup.profiles.deep: Input should be a fini",
        ),
        (
            "rules.toml",
            "makeup.leave_out_days = 10000000",
            "makeup.leave_out_days: Input should be",
        ),
        (
            "steps.toml",
            "day14.due = { anchor = 'session', hours = 1e12 }",
            "day14.due.hours: Input",
        ),
        (
            "steps.toml",
            "day14.due = { anchor = 'session', days = 9999, at = 10:00:00 }",
            "day14.due.days: Input should be less than or equal to 365",
        ),
        ("steps.toml", "day14.lasts_hours = inf", "day14.lasts_hours: Input should be"),
        ("topics.toml", "redness.starts_hours = 1e9", "redness.starts_hours: Input should be less"),
        ("flags.toml", "C12.from_hours = -1", "C12.from_hours: Input should be greater than"),
        ("phrases/en.toml", "fluff = 3", "CONTENT_DIR/phrases/en.toml: fluff: "),
        ("phrases/en.toml", "topics.redness = ['']", "a phrase is words, or parts of words"),
        ("phrases/en.toml", "topics.redness = ['red + ']", "a phrase is words, or parts of words"),
        ("phrases/en.toml", "deny = [' ']", "a phrase is words, or parts of words"),
        (
            "story.toml",
            "uses.phrases.en = ['<lipps> red']",
            "story.toml: uses.phrases.en: '<lipps> red': there is no group 'lipps'",
        ),
        ("story.toml", "uses.phrases.en = ['']", "uses.phrases.en.0: a phrase is words"),
        ("story.toml", "uses.phrases.xq = ['red']", "uses.phrases.xq: there is no phrases/xq.toml"),
    ],
)
def test_what_is_wrong_is_said_with_its_file_and_key(
    own: Callable[..., Path], name: str, text: str, said: str
) -> None:
    assert said in problems(own(name, text))


def test_all_that_is_wrong_is_said_at_once(own: Callable[..., Path]) -> None:
    found = problems(
        own(
            "rules.toml",
            "makeup.from_hours = -1\nsun.sure = 'X'\n",
            "texts/en/steps.toml",
            "coming.text = '{date}'",
            "notes.toml",
            "",
        )
    )
    assert found.count("\n") == 3


def test_a_clinicians_approval_is_of_exactly_this_content(own: Callable[..., Path]) -> None:
    folder = own("rules.toml", "makeup.from_hours = 24\n")
    fingerprint = read(Layers(own=folder)).fingerprint
    assert not read(Layers(own=folder)).is_approved
    own(
        "protocol.toml",
        f'version = "7"\napproved_by = "Dr Vega"\napproved_on = 2026-11-23\n'
        f'fingerprint = "{fingerprint}"\n',
    )
    approved = read(Layers(own=folder))
    assert approved.is_approved
    assert approved.version == f"7 {fingerprint}"
    own("rules.toml", "makeup.from_hours = 48\n")
    assert not read(Layers(own=folder)).is_approved


def test_the_content_that_ships_is_not_approved_by_anybody() -> None:
    assert not load().is_approved


def test_the_fingerprint_is_of_what_is_said_and_not_of_how_it_is_written(
    own: Callable[..., Path],
) -> None:
    same = read(Layers(own=own("rules.toml", "# as it ships\nmakeup.from_hours = 72\n")))
    assert same.fingerprint == load().fingerprint
    other = read(Layers(own=own("rules.toml", "makeup.from_hours = 71\n")))
    assert other.fingerprint != load().fingerprint


# --- a third language ------------------------------------------------------------------------

_KEPT = re.compile(r"(\{[^}]*\}|<[^>]*>|/[a-z]+|\s+)")
MARK = "ø"


def pseudo(words: str) -> str:
    """Every word with a mark, so that one that is not of this language is seen."""
    parts = _KEPT.split(words)
    return "".join(
        part if n % 2 or not part else f"{MARK}{part}{MARK}" for n, part in enumerate(parts)
    )


def pseudo_language(folder: Path, language: str) -> None:
    """Texts in a made-up language, from the English ones, under `folder`."""
    for file in sorted((DATA / "texts/en").glob("*.toml")):
        text = re.sub(
            r'(?s)"""(.*?)"""|"((?:[^"\\]|\\.)*)"',
            lambda found: (
                f'"""{pseudo(found[1])}"""' if found[1] is not None else f'"{pseudo(found[2])}"'
            ),
            "\n".join(
                line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")
            ),
        )
        target = folder / f"texts/{language}/{file.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")


def test_a_third_language_needs_files_only(tmp_path: Path) -> None:
    pseudo_language(tmp_path, "fr")
    library = read(Layers(own=tmp_path))
    assert library.texts.languages == ("en", "es", "fr")
    session = Session(
        ended_at=ENDED, depth_mm=1.0, number=1, of=3, next_at=ENDED + timedelta(days=28)
    )
    for text in all_said(library, "fr", session):
        assert MARK in text
        english = re.findall(r"\b(?:the|and|your|please|call|until|from)\b", text)
        assert english == [], text
    assert "novembre" in " ".join(all_said(library, "fr", session))


def test_a_language_with_a_text_too_few_is_refused(tmp_path: Path) -> None:
    pseudo_language(tmp_path, "fr")
    file = tmp_path / "texts/fr/steps.toml"
    file.write_text(file.read_text("utf-8").replace("[week4]", "[week5]"), "utf-8")
    found = problems(tmp_path)
    assert "texts/fr/steps.toml: week4.text is missing" in found


def test_a_text_of_a_step_that_is_none_is_refused(tmp_path: Path) -> None:
    pseudo_language(tmp_path, "fr")
    file = tmp_path / "texts/fr/steps.toml"
    file.write_text(f'{file.read_text("utf-8")}\n[week5]\ntext = "x"\n', "utf-8")
    assert "texts/fr/steps.toml: there is no week5 (is week4 meant?)" in problems(tmp_path)


def test_a_language_that_is_none_is_refused(tmp_path: Path) -> None:
    pseudo_language(tmp_path, "xq")
    assert "texts/xq: xq is no language" in problems(tmp_path)


def test_a_language_is_understood_as_far_as_its_words_go(own: Callable[..., Path]) -> None:
    library = read(Layers(own=own("phrases/fr.toml", "[topics]\nredness = ['rougeur']\n")))
    assert answers.answer(library, "rougeur", at(20), language="en").topic == "redness"
    assert answers.answer(library, "can't breathe", at(20), language="en").level == "emergency"


# --- values that a clinic may set ------------------------------------------------------------


@pytest.mark.parametrize("topic", [key for key, it in load().topics.items() if it.kind == "effect"])
def test_any_side_effect_can_be_called_urgent(own: Callable[..., Path], topic: str) -> None:
    late = f"{topic}.phases = [{{ level = 'normal', until_hours = 72 }}, {{ level = 'today' }}]\n"
    always = f"{topic}.phases = [{{ level = 'today' }}]\n"
    normal = "needs" if topic in ("infection", "cold_sore", "allergy") else ""
    if normal:
        assert normal in problems(own("topics.toml", late))
    else:
        library = read(Layers(own=own("topics.toml", late)))
        for hours in (80, 400):
            given = answers.about(library, topic, at(hours, "es"))
            assert given.level == "today"
            assert CLINIC.phone in given.reply
            assert library.texts.say("es", f"topics.{topic}.name") in given.reply
    library = read(Layers(own=own("topics.toml", always)))
    for hours in (2, 400):
        given = answers.about(library, topic, at(hours))
        assert given.level == "today"
        assert " 0 " not in given.reply
        assert messages.now_text(library, at(hours))


def test_a_signal_can_make_a_side_effect_urgent(own: Callable[..., Path]) -> None:
    raised = "swelling.raised = [{ signal = 'one_sided', level = 'today' }]\n"
    library = read(Layers(own=own("topics.toml", raised)))
    said = answers.answer(library, "swollen on one side only", at(20), language="en")
    assert said.level == "today"


def test_a_moment_in_hours_takes_the_place_of_one_in_dates(own: Callable[..., Path]) -> None:
    due = "day14.due = { anchor = 'session', hours = 330 }\n"
    step = read(Layers(own=own("steps.toml", due))).step("day14")
    assert (step.due.hours, step.due.days, step.due.at) == (330, None, None)
    assert step.lasts_hours == load().step("day14").lasts_hours


def test_a_part_of_a_moment_is_changed_alone(own: Callable[..., Path]) -> None:
    step = read(Layers(own=own("steps.toml", "day14.due.days = 13\n"))).step("day14")
    assert (step.due.days, step.due.at) == (13, load().step("day14").due.at)


def test_an_end_and_a_life_take_each_others_place(own: Callable[..., Path]) -> None:
    folder = own(
        "steps.toml",
        "day2.lasts_hours = 10\nday14.until = { anchor = 'session', days = 15, at = 10:00:00 }\n",
    )
    library = read(Layers(own=folder))
    assert load().step("day2").until is not None
    assert (library.step("day2").until, library.step("day2").lasts_hours) == (None, 10)
    assert load().step("day14").lasts_hours is not None
    assert library.step("day14").lasts_hours is None


def test_an_end_and_a_life_at_once_are_refused(own: Callable[..., Path]) -> None:
    both = (
        "day14.lasts_hours = 10\nday14.until = { anchor = 'session', days = 15, at = 10:00:00 }\n"
    )
    assert "day14: give either until or lasts_hours" in problems(own("steps.toml", both))
