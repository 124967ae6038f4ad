"""A real Chromium, where the machine has one."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NEEDED = "CHROMIUM_NEEDED"
"""Set where tests without a browser are not to pass: `.ci/run` does."""
MISSING = "no Chromium here to try the page in (Debian: apt install chromium)"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
"""A browser that calls nobody but the page."""


def chromium() -> str | None:
    """Where it is; None: there is none. Fails the test where there has to be one."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get(NEEDED):
        pytest.fail(f"{NEEDED} is set and there is no Chromium")
    return found


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """Skips the test where there is no Chromium."""
    path = chromium()
    if path is None:
        pytest.skip(MISSING)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        await browser.close()


class Watch:
    """What a page must not do: complain, or ask anything of another address."""

    def __init__(self, page: Page, url: str) -> None:
        self.complaints: list[str] = []
        self._url = url
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self._url, "data:", "blob:")):
            self.complaints.append(f"asked for {request.url}")
