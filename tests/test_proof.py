"""The sheet that a clinician signs: complete, true to what is sent, safe to open."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from markupsafe import Markup
from playwright.sync_api import Page, sync_playwright

from content import answers, messages
from content.facts import AREAS, Clinic, Patient, Session, Situation
from content.library import Library, load, read
from content.preview import plain
from content.proof import lines as proof_lines
from content.proof.page import as_seen, page
from content.proof.sheet import Message, Sheet, Value
from content.proof.words import Words
from content.reading import Layers
from content.schedule import plan
from tests.situations import CLINIC, ENDED_AT

VISIT = datetime(2026, 12, 20, 10, 0, tzinfo=UTC)
SESSION = Session(ended_at=ENDED_AT, depth_mm=1.0, number=2, of=4, next_at=VISIT)
DEEP = replace(SESSION, depth_mm=2.0)
A4_BETWEEN_MARGINS_MM = 297 - 14 - 16
MM = 96 / 25.4
"""CSS pixels in a millimetre."""

Own = Callable[[str, str], Library]


def sheet(
    library: Library | None = None,
    session: Session = SESSION,
    language: str = "en",
    clinic: Clinic = CLINIC,
) -> Sheet:
    patient = Patient(name="", timezone="Europe/London", language=language)
    return Sheet(library or load(), session, clinic, patient)


def sent(of: Sheet, key: str) -> Message:
    return next(message for message in of.messages if message.step.key == key)


def value(values: tuple[Value, ...], key: str) -> Value:
    return next(value for value in values if value.rule.key == key)


def words_of(html: str) -> str:
    """What is read, without tags, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """The content with a clinic's file laid over it."""

    def written(name: str, text: str) -> Library:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return read(Layers(own=tmp_path))

    return written


# --- the messages, and what they rest on -----------------------------------------------------


@pytest.mark.parametrize("language", load().texts.languages)
def test_each_message_is_what_is_sent_at_its_hour_in_order(language: str) -> None:
    shown = sheet(language=language)
    planned = plan(load(), SESSION, CLINIC, shown.patient)
    assert [message.step.key for message in shown.messages] == [row.key for row in planned]
    for message, row in zip(shown.messages, planned, strict=True):
        here = Situation(at=row.due_at, clinic=CLINIC, patient=shown.patient, session=SESSION)
        assert message.text == messages.step_text(load(), row.key, here)
        assert message.hours == round((row.due_at - ENDED_AT) / timedelta(hours=1), 1)


def test_beside_a_message_stand_the_rules_that_its_words_rest_on() -> None:
    shown = sheet()
    evening = sent(shown, "first_evening")
    assert {it.rule.key for it in evening.says} >= {"water", "moisturiser", "sleep"}
    morning = sent(shown, "next_morning")
    assert {it.rule.key for it in morning.says} >= {"sunscreen", "picking"}
    listed = {it.rule.key for it in morning.lists}
    assert {"makeup", "exercise", "swimming"} <= listed
    assert "alcohol" not in {it.rule.key for it in sent(shown, "check_72").lists}
    assert value(sent(shown, "check_72").says, "makeup").block is None
    block = value(morning.lists, "makeup").block
    assert block is not None
    assert block.until == ENDED_AT + timedelta(hours=72)


def test_what_a_list_names_is_what_stands_beside_it() -> None:
    for message in sheet().messages:
        beside = {it.rule.key for it in (*message.says, *message.lists)}
        for line in plain(message.text).splitlines():
            if line.startswith("Until ") and "make-up" in line:
                assert "makeup" in beside


def test_warnings_stand_beside_the_messages_that_give_them() -> None:
    shown = sheet()
    assert [it.key for it in sent(shown, "day1_evening").warns] == ["C15"]
    assert "CMAC2021" in {source.key for source in sent(shown, "day1_evening").sources}
    said = Words(shown).warnings(sent(shown, "check_72"))
    assert "redness (expected for up to 72 hours)" in said.replace("redness, swelling", "redness")
    assert "C11" in said


def test_a_clinics_own_value_is_on_the_sheet_and_in_its_messages(own: Own) -> None:
    shown = sheet(own("rules.toml", "makeup.from_hours = 24\n"))
    assert value(shown.values, "makeup").hours == 24
    assert "makeup" not in {it.rule.key for it in sent(shown, "day2").lists}
    assert "makeup" in {it.rule.key for it in sent(sheet(), "day2").lists}


def test_beside_a_clinics_own_value_stands_the_one_that_ships(own: Own) -> None:
    changed = words_of(page(sheet(own("rules.toml", "makeup.from_hours = 24\n"))))
    assert "24 hours as it ships: 72 hours" in changed
    assert "as it ships" not in words_of(page(sheet()))


def test_every_message_of_the_content_is_shown_once() -> None:
    for session in (SESSION, replace(SESSION, next_at=None), replace(SESSION, number=4)):
        shown = sheet(session=session)
        keys = [
            it.step.key for it in (*shown.messages, *(message for _, message in shown.elsewhere))
        ]
        assert sorted(keys) == sorted(step.key for step in load().steps)


def test_an_evenings_session_shows_what_only_others_get() -> None:
    late = replace(SESSION, ended_at=ENDED_AT + timedelta(hours=6))
    assert ("noon", "first_evening") in [
        (case, message.step.key) for case, message in sheet(session=late).elsewhere
    ]


# --- the profile, and which content it is ----------------------------------------------------


def test_a_usual_session_changes_no_value_and_a_deep_one_says_which_and_why() -> None:
    assert sheet().changed == ()
    deep = sheet(session=DEEP)
    exercise = value(deep.changed, "exercise")
    assert (exercise.rule.from_hours, exercise.hours, exercise.because) == (72, 168, ("cautious",))
    assert "makeup" not in {it.rule.key for it in deep.changed}
    assert "exercise: 72 hours → 7 days, because of: cautious" in "\n".join(proof_lines.lines(deep))


def test_what_staff_set_for_the_session_is_said_to_be_theirs() -> None:
    session = replace(SESSION, overrides={"heat": 240})
    assert value(sheet(session=session).changed, "heat").because == ("staff",)
    assert "set by staff" in words_of(page(sheet(session=session)))


def test_the_lines_to_write_into_the_protocol_approve_exactly_this_content(own: Own) -> None:
    lines = Words(sheet()).protocol_lines().unescape()
    assert "NOT YET APPROVED" in Words(sheet()).approved()
    signed = lines.replace("________________", "Dr Ana Ruiz").replace("____-__-__", "2026-12-01")
    library = own("protocol.toml", signed)
    assert library.is_approved
    assert Words(sheet(library)).approved() == "APPROVED by Dr Ana Ruiz on 1 December 2026"
    changed = Words(sheet(own("rules.toml", "makeup.from_hours = 24\n")))
    assert changed.approved().startswith("NOT APPROVED: it was changed after Dr Ana Ruiz")


def test_what_is_switched_off_is_named_and_not_among_the_messages(own: Own) -> None:
    shown = sheet(own("steps.toml", "day5.off = true\n"))
    assert shown.switched_off == ("moisturiser and peeling",)
    assert "Not sent by this clinic: moisturiser and peeling." in words_of(page(shown))
    assert "day5" not in {message.step.key for message in shown.messages}


# --- the answers and the red flags -----------------------------------------------------------


def test_a_side_effect_is_answered_in_each_of_its_phases() -> None:
    redness = next(it for it in sheet().answers if it.topic.key == "redness")
    placed = [(reply.turn and reply.turn.hours, reply.level) for reply in redness.replies]
    assert placed == [(0, "normal"), (72, "soon"), (None, "soon")]


def test_a_question_of_care_is_answered_before_and_from_its_hour_and_near_a_visit() -> None:
    makeup = next(it for it in sheet().answers if it.topic.key == "makeup")
    begins = [str(Words(sheet()).begins(reply)) for reply in makeup.replies]
    assert begins == [
        "From the end of the session",
        "From 72 hours",
        "On the day of the next session",
        "No session known",
    ]
    assert "Not yet" in makeup.replies[0].text
    assert "Yes" in makeup.replies[1].text
    assert "Not before your next session" in makeup.replies[2].text


@pytest.mark.parametrize("message", ["I can't breathe", "there is pus", "hard lumps in my skin"])
def test_what_is_shown_around_a_red_flag_is_what_is_said(message: str) -> None:
    here = sheet()
    at = replace(here.situation, at=ENDED_AT + timedelta(hours=100))
    given = answers.answer(load(), message, at, language="en")
    begins, ends = here.frame(given.level)
    assert given.flag
    assert begins in given.reply
    assert given.reply.endswith(ends)


def test_the_words_of_other_sessions_are_shown_beside_the_usual() -> None:
    hair = next(
        it for it in sheet().variants if (it.key, it.profile) == ("common.wash.cleanser", "scalp")
    )
    assert "shampoo" in hair.words
    assert "shampoo" not in hair.usual
    assert not any(it.key.startswith("proof.") for it in sheet().variants)
    assert words_of(hair.words) in words_of(page(sheet()))


# --- as text and as a page -------------------------------------------------------------------


def every_session() -> Iterator[Session]:
    yield Session(ended_at=ENDED_AT)
    for area in AREAS:
        yield replace(SESSION, area=area, marks_easily=True)
    yield replace(DEEP, device="RF", overrides={"heat": 240})


@pytest.mark.parametrize("language", load().texts.languages)
def test_the_sheet_can_be_made_of_any_session_in_every_language(language: str) -> None:
    for session in every_session():
        shown = sheet(session=session, language=language)
        text = "\n".join(proof_lines.lines(shown))
        for message in shown.messages:
            assert f"| {plain(message.text).splitlines()[0]}" in text


@pytest.mark.parametrize("language", load().texts.languages)
def test_the_page_holds_every_message_rule_answer_flag_and_source(language: str) -> None:
    shown = sheet(language=language)
    read_page = words_of(page(shown))
    for message in (*shown.messages, *(message for _, message in shown.elsewhere)):
        assert words_of(message.text) in read_page
    for rule in load().rules.values():
        assert rule.key in read_page
        assert rule.range in read_page
    for answered in shown.answers:
        assert all(words_of(reply.text) in read_page for reply in answered.replies)
    for signs in shown.signs.values():
        assert all(words_of(" ".join(sign.words)) in read_page for sign in signs)
    assert all(words_of(told.text) in read_page for told in shown.story)
    assert all(words_of(question) in read_page for _, question in shown.doubts)
    assert all(" ".join(source.title.split()) in read_page for source in load().sources.values())
    assert load().fingerprint in read_page


def test_the_page_runs_nothing_and_loads_nothing() -> None:
    written = page(sheet())
    assert "default-src 'none'" in written
    assert not re.search(r"<(script|img|link|iframe|object|form|base)\b", written)
    assert not re.search(r"\b(src|style|on\w+)=", written)
    assert set(re.findall(r'href="([^"]{2,7})', written)) == {"#source"}


def test_whatever_a_clinic_writes_is_shown_and_never_html_of_the_page(own: Own) -> None:
    own("protocol.toml", 'version = "</style><i>\\"9"\ndate = 2026-01-01\n')
    evil = "<script>alert(1)</script><b onclick=x>Hi</b> <b>Bold</b> {phone}"
    library = own("texts/en/steps.toml", f'coming.text = "{evil}"\n')
    clinic = replace(CLINIC, name="<u>Clinic</u>", phone="<img src=x>")
    written = page(sheet(library, clinic=clinic))
    assert not re.search(r"<(script|img|u)\b", written)
    assert written.count("</style>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in written
    assert "<b>Bold</b>" in written
    assert "&lt;img src=x&gt;" in written


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>a</b> &amp; <i>b</i>", "<b>a</b> &amp; <i>b</i>"),
        ("<b>open", "<b>open</b>"),
        ("<b><i>x</b></i>", "<b><i>x&lt;/b&gt;</i></b>"),
        ("<b class='x'>a</b>", "&lt;b class=&#39;x&#39;&gt;a&lt;/b&gt;"),
        ("<!--c--><!doctype x><?p?>", "&lt;!--c--&gt;&lt;!doctype x&gt;&lt;?p?&gt;"),
        ("1 < 2", "1 &lt; 2"),
    ],
)
def test_telegrams_tags_are_shown_and_all_else_stands_as_written(text: str, shown: str) -> None:
    assert as_seen(Markup(text)) == shown


# --- on paper --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    """Chromium, as it prints on A4."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        shown = chromium.new_page(viewport={"width": round(186 * MM), "height": 1000})
        shown.emulate_media(media="print")
        yield shown
        chromium.close()


@pytest.mark.parametrize("language", load().texts.languages)
@pytest.mark.parametrize("session", [SESSION, replace(DEEP, area="scalp", next_at=None)])
def test_on_a4_no_message_is_cut_and_nothing_sticks_out(
    browser: Page, language: str, session: Session
) -> None:
    requests: list[str] = []
    browser.on("request", lambda request: requests.append(request.url))
    browser.set_content(page(sheet(session=session, language=language)))
    whole = browser.evaluate(
        """() => [...document.querySelectorAll('article, tr, .card, .sign')].map(it => ({
            height: it.getBoundingClientRect().height,
            inside: getComputedStyle(it).breakInside,
            called: it.textContent.slice(0, 60),
        }))"""
    )
    assert whole
    for each in whole:
        assert each["inside"] == "avoid"
        assert each["height"] < A4_BETWEEN_MARGINS_MM * MM, each["called"]
    assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert requests == []
