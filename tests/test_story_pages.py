"""The treatment's story: what its pages say, which words choose one, and turning them in a chat."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import content.library
from content import answers, pages
from content.facts import Situation
from content.flags import rank
from content.reading import ContentError, Layers
from content.replies import Voice
from tests.situations import after
from tests.story import Story
from tests.test_enrolment import LIBRARY, PAUSE, agreed, at, invited

STORY = LIBRARY.story
LANGUAGES = ("en", "es")
LONGEST = 1500
WHOLE = {"number": 2, "of": 4, "next_at": at(30, 10)}
PROMISES = re.compile(
    r"guarantee|\bcures?\b|will (remove|improve|fix|heal|vanish|get rid)|removes?\b"
    r"|garanti|\bcuran?\b(?! y forma)|elimina|quitará|borra|mejorará",
    re.IGNORECASE,
)
DECIDES = re.compile(r"you (can|cannot|may|must not) have|(no )?puede (tener|hacerse)", re.I)


def said(page: str, situation: Situation | None = None, language: str = "en") -> str:
    situation = situation or after(30, **WHOLE)
    patient = replace(situation.patient, language=language)
    voice = Voice(LIBRARY, replace(situation, patient=patient))
    return str(pages.text(voice, STORY.pages[page]))


def page_of(text: str, hours: float = 30, language: str = "en") -> str | None:
    return answers.answer(LIBRARY, text, after(hours), language=language).page


# --- what every page holds


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hours", [None, 30], ids=["no session", "session"])
@pytest.mark.parametrize("page", STORY.pages)
def test_every_page_is_short_and_promises_nothing(
    page: str, hours: float | None, language: str
) -> None:
    shown = said(page, after(hours, **WHOLE) if hours else after(None), language)
    assert 100 < len(shown) < LONGEST
    assert not PROMISES.search(shown)
    assert "{" not in shown


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", [key for key, it in STORY.pages.items() if it.under == "before"])
def test_whoever_has_something_to_tell_is_sent_to_the_clinician(page: str, language: str) -> None:
    shown = said(page, language=language)
    assert "01 234" in shown
    assert ("Your clinician decides" if language == "en" else "La clínica lo decide") in shown
    assert not DECIDES.search(shown)


def test_every_medical_claim_names_sources_that_are_known() -> None:
    claims = [claim for page in STORY.pages.values() for claim in page.claims.values()]
    assert all(bool(claim.sources) == (claim.sure is not None) for claim in claims)
    assert {source for claim in claims for source in claim.sources} <= LIBRARY.sources.keys()
    assert sum(bool(claim.sources) for claim in claims) > 60


def test_all_that_is_to_be_told_has_a_page() -> None:
    """What it is, its uses, a session, benefits, care, number, upkeep, effects, before."""
    assert {
        *("about", "how_it_works", "uses", "session", "results", "aftercare", "sessions"),
        *("lines", "acne_scars", "scars", "stretch_marks", "pores", "maintenance"),
        *("side_effects", "rare_effects", "before", "whom_to_ask"),
    } <= STORY.pages.keys()


def test_a_number_stands_in_one_place() -> None:
    for number in ("3 to 6 sessions", "about 4 weeks apart"):
        assert number in said("acne_scars")
        assert number in said("sessions")
    assert "at least 6 weeks apart" in said("scars")
    assert "3 a 6 sesiones, una cada 4 semanas" in said("sessions", language="es")


def test_weak_proof_is_called_weak() -> None:
    for page in ("stretch_marks", "pores"):
        assert "The proof is weak." in said(page)
        assert "Las pruebas son débiles." in said(page, language="es")
    assert "not clearly better" in said("acne_scars")


def test_the_checklist_holds_every_item_of_the_table() -> None:
    """clinical.md, part D."""
    told = " ".join(said(page) for page in STORY.pages if page.startswith("before"))
    for item in (
        *("isotretinoin", "active acne", "open sore", "warts", "cold sores", "keloids"),
        *("blood thinners", "daily aspirin", "bleeding disorder", "ibuprofen", "fish oil"),
        *("vitamin E", "pregnant", "breastfeed", "sunburn", "tan", "peel or laser", "retinoids"),
        *("filler, Botox or surgery", "new scar", "diabetes", "immune system", "cancer", "eczema"),
        *("psoriasis", "rosacea", "nickel", "numbing cream", "heart rhythm", "liver", "moles"),
        *("scleroderma", "brown or black skin", "melasma", "under 22", "alcohol", "make-up"),
        *("fake tan", "hair removal", "Do not stop a prescribed medicine"),
    ):
        assert item in told, item


def test_common_side_effects_last_as_long_as_their_phases_say(own_story: OwnStory) -> None:
    assert "• Redness: up to 3 days" in said("side_effects")
    library = own_story(
        "topics.toml",
        'redness.phases = [{ until_hours = 120, level = "normal" }, { level = "soon" }]',
    )
    voice = Voice(library, after(30))
    assert "• Redness: up to 5 days" in pages.text(voice, library.story.pages["side_effects"])


@pytest.mark.parametrize("page", ["rf", "side_effects", "rare_effects", "whom_to_ask"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_of_what_may_go_wrong_says_whom_to_call(page: str, language: str) -> None:
    shown = said(page, language=language)
    assert "112" in shown
    assert "01 234" in shown


# --- the patient's own


def test_the_patients_own_session_comes_first() -> None:
    for page in ("sessions", "results"):
        first = said(page).split("\n\n")[1]
        assert first == "<b>Your last session was 2 of 4.</b>"
    assert "Your last session" not in said("sessions", after(None))


def test_the_gap_and_the_visit_are_the_patients_own() -> None:
    assert "Between two sessions like yours: at least 4 weeks." in said("sessions")
    assert "at least 6 weeks." in said("sessions", after(30, area="body"))
    assert "Your next session: Monday 30 November, 10:00" in said("before")
    assert "Your next session" not in said("before", after(400, **WHOLE))  # it was


def test_the_clinics_own_maintenance_is_named() -> None:
    situation = after(30)
    clinic = replace(situation.clinic, maintenance_months=6)
    shown = said("maintenance", replace(situation, clinic=clinic))
    assert "Clinic One plans one about 6 months after the last session." in shown
    assert "Clinic One" not in said("maintenance")


# --- which page is chosen


@pytest.mark.parametrize(
    ("words", "language", "page"),
    [
        ("what happens during a session", "en", "session"),
        ("does it work on stretch marks", "en", "stretch_marks"),
        ("how far apart for acne scars", "en", "acne_scars"),
        ("is it safe if I take roaccutane", "en", "before_medicines"),
        ("will my pores get smaller", "en", "pores"),
        ("is it any good for wrinkels", "en", "lines"),
        ("when will I see results on my c section scar", "en", "scars"),
        ("what is microneedling used for", "en", "uses"),
        ("how does it actually work", "en", "how_it_works"),
        ("do I need top ups later on", "en", "maintenance"),
        ("what are the risks", "en", "rare_effects"),
        ("I'm pregnant, can I still have my next session?", "en", "before_health"),
        ("can I come to my next session if I have eczema", "en", "before_skin"),
        ("who should I ask about this treatment", "en", "whom_to_ask"),
        ("hi, how is RF different", "en", "rf"),
        ("¿qué pasa durante una sesión?", "es", "session"),
        ("funciona para las estrias", "es", "stretch_marks"),
        ("cada cuánto para cicatrices de acné", "es", "acne_scars"),
        ("tomo roacután, ¿es seguro?", "es", "before_medicines"),
        ("estoy embarazada, ¿puedo hacerme la próxima sesión?", "es", "before_health"),
        ("para qué sirve el microneedling", "es", "uses"),
        ("hay que hacer mantenimiento", "es", "maintenance"),
    ],
)
def test_words_reach_their_page(words: str, language: str, page: str) -> None:
    given = answers.answer(LIBRARY, words, after(30), language=language)
    assert given.page == page
    assert given.level == "info"
    assert given.topic in ("about_treatment", "session_count", "results", "before_session")
    assert given.reply == pages.text(
        Voice(LIBRARY, replace(after(30), patient=replace(after(30).patient, language=language))),
        STORY.pages[page],
    )


@pytest.mark.parametrize(
    "words",
    [
        "hello",
        "when is my next session",
        "can I wear make-up",
        "my face is so red, how many sessions do I need",
        "is it safe to swim",
        "will it work, and how many sessions do I need",  # two answers, no page for both
    ],
)
def test_what_is_about_something_else_is_no_page(words: str) -> None:
    assert page_of(words) is None


@pytest.mark.parametrize(
    "words",
    [
        "what are the risks, I can't breathe",
        "I'm pregnant and I have a fever of 39",
        "what happens during a session, there is pus on my cheek",
        "tomo roacután y tengo fiebre de 39",
    ],
)
def test_no_page_stands_before_a_warning_sign(words: str) -> None:
    given = answers.answer(LIBRARY, words, after(30), language="en")
    assert given.page is None
    assert rank(given.level) >= rank("today")


@pytest.mark.parametrize(
    ("topic", "page"),
    [
        ("about_treatment", "about"),
        ("session_count", "sessions"),
        ("results", "results"),
        ("before_session", "before"),
    ],
)
def test_a_topics_command_is_answered_with_its_page(topic: str, page: str) -> None:
    given = answers.about(LIBRARY, topic, after(30))
    assert (given.topic, given.level, given.page) == (topic, "info", page)


# --- a clinic's own


class OwnStory:
    """The content with one file of a clinic's laid over it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str, text: str) -> content.library.Library:
        (self._folder / name).write_text(text, "utf-8")
        return content.library.read(Layers(own=self._folder))


@pytest.fixture
def own_story(tmp_path: Path) -> OwnStory:
    return OwnStory(tmp_path)


def test_a_clinic_changes_a_number_in_one_line_and_every_page_follows(own_story: OwnStory) -> None:
    library = own_story("story.toml", "acne_scars.numbers.gap.least = 6")
    for page in ("acne_scars", "sessions"):
        shown = pages.text(Voice(library, after(30)), library.story.pages[page])
        assert "3 to 6 sessions, about 6 weeks apart" in shown


def test_a_page_that_is_off_is_not_shown_linked_or_chosen(own_story: OwnStory) -> None:
    library = own_story("story.toml", "uses.off = true")
    assert {"uses", "lines", "pores"}.isdisjoint(library.story.pages)
    assert (
        library.story.after(library.story.pages["how_it_works"]) == library.story.pages["session"]
    )
    assert answers.answer(library, "will my pores shrink", after(30), language="en").page is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("pores.topic = 'result'", "pores.topic: there is no result (is results meant?)"),
        ("pores.under = 'use'", "pores.under: there is no use (is uses meant?)"),
        ("pores.claims.count.sources = ['NOBODY']", "NOBODY is not in sources.toml"),
        ("pores.claims.cost = {}", "texts/en/story.toml: pores.cost is missing"),
        ("about.root = false", "no page with root = true answers /about_treatment"),
        ("pores.numbers.gap.unit = 'moon'", "pores.numbers.gap.unit: Input should be"),
    ],
)
def test_what_is_wrong_is_named(own_story: OwnStory, text: str, problem: str) -> None:
    with pytest.raises(ContentError) as caught:
        own_story("story.toml", text)
    assert problem in str(caught.value)


# --- in the chat


async def test_pages_turn_in_the_same_message_and_back(story: Story) -> None:
    ana = story.ana
    await agreed(story, ana, (await invited(story)).link)
    story.move(seconds=PAUSE)
    ana.say("/about_treatment")
    [overview] = await story.reads(ana)
    assert overview.startswith("About the treatment")
    page = ana.received[-1]
    for button, begins in (
        ("What it is used for", "What it is used for"),
        ("Stretch marks", "Stretch marks"),
        ("Next ›", "Large pores"),
        ("‹ Back", "What it is used for"),
        ("‹ Back", "About the treatment"),
        ("Before a session", "Before a session\n\nYour next session: Monday 21 December"),
    ):
        story.move(seconds=PAUSE)
        ana.press(button, message=page)
        await ana.until(lambda begins=begins: page.text.startswith(begins))  # type: ignore[misc]
    assert await story.reads(ana) == []  # no message but the first


async def test_pages_turned_in_a_row_do_not_hold_up_what_matters(story: Story) -> None:
    """Telegram takes about one message a second in a chat, and each page is one."""
    ben = story.ben
    await story.reads(ben)
    ben.say("/about_treatment")
    await story.reads(ben)
    page = ben.received[-1]
    pages = list(page.labels)
    for button in pages:
        ben.press(button, message=page)
    ben.say("I cant breathe")
    await ben.until(lambda: "Call 999 now" in ben.received[-1].text)
    edits = story.simulator.calls("editMessageText", ben.id)
    assert len(edits) <= 3 < len(pages)


async def test_every_page_can_be_reached_from_the_overview_by_next(story: Story) -> None:
    await story.reads(story.ben)
    story.ben.say("/about_treatment")  # of nobody the clinic knows
    await story.reads(story.ben)
    page = story.ben.received[-1]
    for key in list(STORY.pages)[1:]:
        story.move(seconds=PAUSE)
        story.ben.press("Next ›", message=page)
        heading = str(LIBRARY.texts.say("en", f"story.{key}.title"))
        await story.ben.until(
            lambda heading=heading: page.text.startswith(heading)  # type: ignore[misc]
        )
    assert "Next ›" not in page.labels


async def test_the_page_of_aftercare_leads_to_what_to_do_now_and_the_plan(story: Story) -> None:
    ana = story.ana
    await agreed(story, ana, (await invited(story)).link)
    story.move(seconds=PAUSE)
    ana.say("tell me about aftercare")
    await story.reads(ana)
    page = ana.received[-1]
    for button, said_then in (("What to do now", "No water on"), ("My plan", "make-up")):
        story.move(seconds=PAUSE)
        ana.press(button, message=page)
        [answer] = await story.reads(ana)
        assert said_then in answer


async def test_a_question_gets_its_page_with_the_buttons_on(story: Story) -> None:
    ana = story.ana
    await agreed(story, ana, (await invited(story)).link)
    story.move(seconds=PAUSE)
    ana.say("does it work on stretch marks?")
    [answer] = await story.reads(ana)
    assert answer.startswith("Stretch marks")
    assert ana.received[-1].labels == ["‹ Back", "Next ›"]


async def test_a_short_answer_leads_into_the_story(story: Story) -> None:
    story.ben.say("will it get better")
    await story.reads(story.ben)
    story.ben.say("what difference will it make to me")
    await story.reads(story.ben)
    page = story.ben.received[-1]
    story.move(seconds=PAUSE)
    story.ben.press("Read more: Benefits and results", message=page)
    await story.ben.until(lambda: page.text.startswith("Benefits and results"))


async def test_an_old_message_turns_for_the_hour_it_is_now(story: Story) -> None:
    ana = story.ana
    await agreed(story, ana, (await invited(story)).link)
    story.move(seconds=PAUSE)
    ana.say("/before_session")
    await story.reads(ana)
    page = ana.received[-1]
    assert "Your next session: Monday 21 December" in page.text
    story.move_to(at(30, 12).replace(month=12))
    await story.reads(ana)
    ana.press("Tell us: medicines", message=page)
    await ana.until(lambda: page.text.startswith("Tell us: medicines"))
    ana.press("‹ Back", message=page)
    await ana.until(lambda: page.text.startswith("Before a session"))
    assert "Your next session" not in page.text


async def test_a_message_too_old_for_telegram_to_show_turns_too(story: Story) -> None:
    ben = story.ben
    ben.say("/about_treatment")
    await story.reads(ben)
    page = ben.received[-1]
    story.move(days=3)
    where = {"message_id": page.id, "chat": {"id": ben.id, "type": "private"}, "date": 0}
    pressed = {"id": "1", "from": ben.as_json(), "message": where, "chat_instance": "1"}
    ben.world.updates.add("callback_query", {**pressed, "data": "story:pores"})
    await ben.until(lambda: page.text.startswith("Large pores"))


async def test_a_page_that_is_no_more_leads_to_the_first(story: Story) -> None:
    ben = story.ben
    ben.say("/about_treatment")
    await story.reads(ben)
    page = ben.received[-1]
    story.move(seconds=PAUSE)
    ben.world.press(ben, page, "story:price_list")
    ben.press("Whom to ask", message=page)
    await ben.until(lambda: page.text.startswith("Whom to ask"))
