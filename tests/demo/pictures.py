"""The pictures of the README, taken of the real product: `make pictures`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from tests.demo.browser import MISSING, chromium, launched
from tests.demo.conftest import ANA, LUCIA, ROSA, Visitor, visiting

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 760}
LINE = "/newsession Ana Lopez, now, face, 1.0 mm, 1/3, next in 4 weeks 10:00, use: hyaluronic serum"


class Camera:
    """Takes pictures of the page as somebody has it on their screen."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url

    async def take(self, name: str, people: list[str], **window: Any) -> None:
        """The chats of `people` (names; the last one active) in a window of their own."""
        context = await self._browser.new_context(reduced_motion="reduce", **window)
        page = await context.new_page()
        await page.goto(self._url)
        await page.get_by_role("button", name="Look around by myself").click()
        await page.locator(".person", has_text=people[0]).click()
        for beside in people[1:]:
            await page.get_by_role("button", name=f"Open {beside} beside").click()
        await self._settled(page)
        await page.screenshot(path=FOLDER / f"{name}.png")
        await context.close()

    async def _settled(self, page: Page) -> None:
        """Pictures in it are loaded, and nothing moves any more."""
        await page.wait_for_function("[...document.images].every(image => image.complete)")
        await page.wait_for_timeout(1200)


async def take_all() -> None:
    """The strip of the README, from one afternoon at the demo's clinic."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with launched() as browser:
        async for visitor in visiting(None):
            await visitor.ready()
            await _afternoon(visitor, Camera(browser, visitor.simulator.url))


async def _afternoon(visitor: Visitor, camera: Camera) -> None:
    rosa, ana, lucia = (visitor.person(it) for it in (ROSA, ANA, LUCIA))
    await rosa.until(lambda: bool(rosa.received), 20)
    rosa.say(LINE)
    await rosa.until(lambda: "Save session" in rosa.messages[-1].labels, 20)
    await camera.take("1-record", ["Rosa Marin"], viewport=DESK)
    rosa.press("Save session")
    await rosa.until(lambda: bool(rosa.messages[-1].photo), 20)
    given = next(it for it in reversed(rosa.messages) if "?start=" in it.text)
    ana.open_link(next(word for word in given.text.split() if "?start=" in word))
    await ana.until(lambda: "I agree" in ana.messages[-1].labels, 20)
    await camera.take("2-agree", ["Ana Lopez"], viewport=PHONE)
    ana.press("I agree")
    await ana.until(lambda: "I agree" not in ana.messages[-1].labels, 20)
    await visitor.do("move", to="next")
    await _asks(visitor, ANA, "is my face meant to be this red?")
    await _asks(visitor, ANA, "can I wear make up tomorrow")
    await camera.take("3-ask", ["Ana Lopez"], viewport=PHONE, color_scheme="dark")
    await visitor.do("move", hours=36)
    await _asks(visitor, ANA, "i feel awful, 39 fever and shivering")
    await camera.take("4-fever", ["Rosa Marin", "Ana Lopez"], viewport=DESK)
    await visitor.enrol(LUCIA, "/newsession Lucía Serrano, now, face, RF 1.0 mm", agree="Acepto")
    await _asks(visitor, LUCIA, "cuando puedo ir a la pisci")
    await lucia.until(lambda: lucia.messages[-1].from_bot, 20)
    await camera.take("5-spanish", ["Lucía Serrano"], viewport=PHONE)


async def _asks(visitor: Visitor, number: int, text: str) -> None:
    who = visitor.person(number)
    heard = len(who.received)
    who.say(text)
    await who.until(lambda: len(who.received) > heard, 20)


if __name__ == "__main__":
    if chromium() is None:
        sys.exit(MISSING)
    asyncio.run(take_all())
    print(*sorted(str(file.relative_to(FOLDER.parents[1])) for file in FOLDER.iterdir()), sep="\n")
