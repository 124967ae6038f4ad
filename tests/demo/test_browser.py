"""The page in a real Chromium: as a visitor sees it, at a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, Page, expect

from tests.demo.browser import Watch, launched
from tests.demo.conftest import ANA, LUCIA, Visitor

DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
SERIOUS = ("serious", "critical")
PATIENCE = 20_000
"""Milliseconds: a busy machine is no fault of the page."""
MANY_PEOPLE, MANY_MESSAGES = 200, 5_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """One for each test: pytest's loops end with their tests, and Playwright lives in one."""
    async with launched() as browser:
        yield browser


class Screen:
    """One visitor's window, already past the welcome unless `welcomed` is False."""

    def __init__(self, page: Page, visitor: Visitor) -> None:
        self.page = page
        self.visitor = visitor
        self.watch = Watch(page, visitor.simulator.url)
        page.set_default_timeout(PATIENCE)

    async def open(self, path: str = "/", *, welcomed: bool = True) -> None:
        await self.page.goto(f"{self.visitor.simulator.url}{path}")
        await expect(self.page.locator("#staff .person")).to_have_count(2)
        if welcomed:
            await self.page.get_by_role("button", name="Look around by myself").click()

    def chat(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=f"{name}’s chat")

    async def choose(self, name: str) -> None:
        await self.page.locator(".person", has_text=name).click()

    async def write(self, name: str, text: str) -> None:
        box = self.chat(name).get_by_role("textbox")
        await box.fill(text)
        await box.press("Enter")

    async def press(self, name: str, label: str) -> None:
        await self.chat(name).get_by_role("button", name=label, exact=True).last.click()

    async def findings(self) -> list[str]:
        """What axe finds serious about the page as it is now."""
        found = await Axe().run(self.page)
        return [
            f"{it['id']}: {[node['html'][:160] for node in it['nodes'][:3]]}"
            for it in found.response["violations"]
            if it["impact"] in SERIOUS
        ]


async def _screen(browser: Browser, visitor: Visitor, **window: Any) -> AsyncIterator[Screen]:
    context = await browser.new_context(**window)
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    screen = Screen(await context.new_page(), visitor)
    yield screen
    assert screen.watch.complaints == []
    await context.close()


@pytest.fixture
async def desk(browser: Browser, visitor: Visitor) -> AsyncIterator[Screen]:
    async for screen in _screen(browser, visitor, viewport=DESK):
        yield screen


@pytest.fixture
async def phone(browser: Browser, visitor: Visitor) -> AsyncIterator[Screen]:
    async for screen in _screen(browser, visitor, viewport=PHONE, has_touch=True, is_mobile=True):
        yield screen


async def test_a_session_is_recorded_scanned_and_agreed_to_by_hand(desk: Screen) -> None:
    await desk.open()
    await desk.choose("Rosa Marin")
    await desk.write("Rosa Marin", "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    await desk.press("Rosa Marin", "Save session")
    rosa = desk.chat("Rosa Marin")
    await rosa.get_by_role("button", name=re.compile("rosewood_demo_bot\\?start=")).last.click()
    await desk.page.get_by_role("dialog").get_by_role("button", name="Ana Lopez").click()
    await desk.press("Ana Lopez", "I agree")
    ana = desk.chat("Ana Lopez")
    await expect(ana.get_by_text("This is what matters now")).to_be_visible()
    await desk.write("Ana Lopez", "is my face meant to be red?")
    await expect(ana.get_by_text("this is expected")).to_be_visible()
    await desk.press("Ana Lopez", "Why?")
    await expect(ana.get_by_text("Sources").last).to_be_visible()
    # A picture to scan is there, and really a picture.
    picture = rosa.locator("img").last
    assert await picture.evaluate("image => image.complete && image.naturalWidth > 100")


async def test_the_clock_and_the_line(desk: Screen) -> None:
    await desk.visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    await desk.open()
    await desk.choose("Ana Lopez")
    dots = desk.page.get_by_role("group", name="Planned messages").get_by_role("button")
    await expect(dots.first).to_have_accessible_name(re.compile("The first hours"))
    planned = await dots.count()
    assert planned >= 10
    began = desk.visitor.clock.now()
    await desk.page.get_by_role("button", name="To the next message").click()
    await expect(dots.first).to_have_accessible_name(re.compile("[Ss]ent"))
    await expect(desk.page.locator("#now")).to_have_text(re.compile("15:3"))
    await desk.page.get_by_role("button", name="+1 day").click()
    await expect(desk.page.locator("#line-counts")).to_have_text(re.compile("[3-6] sent"))
    assert desk.visitor.clock.now() - began > timedelta(hours=24)
    await dots.nth(planned - 1).click()
    panel = desk.page.get_by_role("dialog")
    await expect(panel.get_by_text("hours").first).to_be_visible()
    await expect(panel.get_by_text(re.compile("Sources?")).first).to_be_visible()
    await desk.page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)


async def test_faults_are_one_click_away_and_nothing_is_lost(desk: Screen) -> None:
    await desk.visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    await desk.open()
    await desk.choose("Ana Lopez")
    await desk.page.get_by_role("button", name="Break something").click()
    await desk.page.get_by_role("dialog").get_by_role("button", name=re.compile("Kill")).click()
    await expect(desk.page.locator("#notices")).to_contain_text(re.compile("bot", re.I))
    await desk.page.keyboard.press("Escape")
    await desk.page.get_by_role("button", name="To the next message").click()
    await desk.write("Ana Lopez", "is my face meant to be red?")
    await desk.page.locator("#notices").get_by_role("button").first.click()
    ana = desk.chat("Ana Lopez")
    await expect(ana.get_by_text("this is expected")).to_be_visible()
    await expect(desk.page.locator("#line-counts")).to_contain_text("1 sent")


async def test_the_menu_has_the_commands_of_the_role_and_language(desk: Screen) -> None:
    await desk.visitor.enrol(LUCIA, "/newsession Lucía Serrano, now, face", agree="Acepto")
    await desk.open()
    await desk.choose("Lucía Serrano")
    lucia = desk.chat("Lucía Serrano")
    await lucia.get_by_role("button", name=re.compile("[Cc]ommands|[Mm]enu")).click()
    await expect(desk.page.get_by_text("Cómo hablar con la clínica").last).to_be_visible()
    await desk.page.get_by_text("/today").last.click()
    await expect(lucia.get_by_text("Su piel ahora").last).to_be_visible()
    assert await lucia.locator('[lang="es"]').count() > 0
    await desk.choose("Rosa Marin")
    rosa = desk.chat("Rosa Marin")
    await rosa.get_by_role("button", name=re.compile("[Cc]ommands|[Mm]enu")).click()
    await expect(desk.page.get_by_text("/newsession").last).to_be_visible()


async def test_messages_can_be_answered_edited_and_pictures_sent(
    desk: Screen, tmp_path: Path
) -> None:
    await desk.visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    await desk.open()
    await desk.choose("Ana Lopez")
    ana = desk.chat("Ana Lopez")
    await desk.write("Ana Lopez", "hello there")
    await expect(ana.get_by_text("hello there")).to_be_visible()
    box = ana.get_by_role("textbox")
    await box.press("ArrowUp")  # as in messengers: the last one of one's own
    await expect(box).to_have_value("hello there")
    await box.fill("hello again")
    await box.press("Enter")
    await expect(ana.get_by_text("hello again")).to_be_visible()
    await expect(ana.get_by_text("edited").last).to_be_visible()
    picture = tmp_path / "skin.png"
    picture.write_bytes(
        await desk.page.screenshot(clip={"x": 0, "y": 0, "width": 60, "height": 40})
    )
    await ana.locator("input[type=file]").set_input_files(picture)
    if await (send := ana.get_by_role("button", name=re.compile("^Send"))).count():
        await send.first.click()
    await expect(ana.get_by_text(re.compile("picture|photo", re.I)).last).to_be_visible()
    assert any(it.kind == "photo" for it in desk.visitor.person(ANA).messages)


async def test_the_story_plays_by_itself_and_can_be_taken_over(desk: Screen) -> None:
    await desk.open("/?story=first&tempo=20", welcomed=False)
    story = desk.page.get_by_role("region", name="Story")
    await expect(desk.chat("Ana Lopez")).to_be_visible()
    await expect(desk.chat("Ana Lopez").get_by_text("this is expected")).to_be_visible()
    await desk.write("Ana Lopez", "is it ok to sleep on my side")
    await expect(story).to_contain_text("taken over")
    await story.get_by_role("button", name="Go on").click()
    await expect(story).to_contain_text("the end", timeout=60_000)
    alert = desk.chat("Rosa Marin").get_by_text("Ana Lopez, day")
    await expect(alert.last).to_be_visible()
    assert await desk.findings() == []


async def test_on_a_phone_there_is_a_list_or_a_chat(phone: Screen) -> None:
    await phone.visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    await phone.open()
    await phone.choose("Ana Lopez")
    ana = phone.chat("Ana Lopez")
    await expect(ana).to_be_visible()
    await expect(phone.page.locator("#people")).to_be_hidden()
    await phone.write("Ana Lopez", "/today")
    await expect(ana.get_by_text("Your skin now").last).to_be_visible()
    wide = await phone.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "it must not scroll sideways"
    assert await phone.findings() == []
    await ana.get_by_role("button", name="Back to the people").click()
    await expect(phone.page.locator("#people")).to_be_visible()
    await phone.page.get_by_role("button", name="Clock and the coming weeks").click()
    dots = phone.page.get_by_role("group", name="Planned messages").get_by_role("button")
    await expect(dots.first).to_be_visible()
    assert await phone.findings() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", [DESK, PHONE], ids=["1440", "390"])
async def test_axe_finds_nothing_serious(
    browser: Browser, visitor: Visitor, scheme: str, window: dict[str, int]
) -> None:
    await visitor.enrol(ANA, "/newsession Ana Lopez, now, face, 1.0 mm, 1/3")
    await visitor.do("move", to="next")
    async for screen in _screen(browser, visitor, viewport=window, color_scheme=scheme):
        await screen.open(welcomed=False)
        assert await screen.findings() == [], "welcome"
        await screen.page.get_by_role("button", name="Look around by myself").click()
        await screen.choose("Ana Lopez")
        assert await screen.findings() == [], "chat"
        if window is DESK:
            await screen.page.get_by_role("button", name="Break something").click()
            assert await screen.findings() == [], "faults"
            await screen.page.keyboard.press("Escape")
            dots = screen.page.get_by_role("group", name="Planned messages").get_by_role("button")
            await dots.first.click()
            assert await screen.findings() == [], "a planned message"


async def test_two_hundred_people_and_five_thousand_messages(desk: Screen) -> None:
    visitor = desk.visitor
    for number in range(MANY_PEOPLE - len(visitor.stage.actors)):
        visitor.stage.add_patient(f"Patient {number}", "en", "Europe/London")
    await visitor.do("bot", do="kill")  # what is said is only to be shown here
    patients = [it.id for it in visitor.stage.actors if it.role == "patient"]
    for number in range(MANY_MESSAGES):
        who = ANA if number % 2 else patients[number % len(patients)]
        visitor.person(who).say(f"message {number}")
    await desk.page.goto(visitor.simulator.url)
    await expect(desk.page.locator(".person")).to_have_count(MANY_PEOPLE)
    await desk.page.get_by_role("button", name="Look around by myself").click()
    await desk.choose("Ana Lopez")
    ana = desk.chat("Ana Lopez")
    await expect(ana.get_by_text(f"message {MANY_MESSAGES - 1}", exact=True)).to_be_visible()
    first = await ana.locator("article").first.element_handle()
    assert first is not None
    await desk.page.evaluate(LONG_TASKS)
    for number in range(20):
        await desk.write("Ana Lopez", f"one more {number}")
        await expect(ana.get_by_text(f"one more {number}", exact=True)).to_be_visible()
    longest = await desk.page.evaluate("window.longest")
    assert longest < 1_000, f"the page stood still for {longest} ms"
    # Nodes are kept: only what is new was drawn, and what fell off the end is gone.
    assert await ana.locator("article").count() <= 200
    await desk.page.get_by_role("searchbox", name="Find a person").first.fill("patient 19")
    await expect(desk.page.locator("#patients .person:visible")).to_have_count(5)


LONG_TASKS = """() => {
  window.longest = 0;
  new PerformanceObserver(list => {
    const durations = list.getEntries().map(entry => entry.duration);
    window.longest = Math.max(window.longest, ...durations);
  }).observe({entryTypes: ["longtask"]});
}"""
