"""The demo's content: read when first needed, and again whenever a file of the clinic's changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.clock import SystemClock
from bot.demo.told import milliseconds
from content import checks, library
from content.checks.finding import Finding
from content.facts import Clinic
from content.library import ContentError, Library
from content.reading import Layers

EACH = 0.5
"""Seconds between two looks at the folder."""

State = Mapping[Path, tuple[int, int]]


class Content:
    """What is spoken from, and what is wrong with it."""

    def __init__(self, folder: Path | None, clinic: Clinic) -> None:
        self._folder = folder
        self._clinic = clinic
        self._library: Library | None = None
        self.is_fit = folder is None
        """It has passed every check; what ships has."""
        self._problems: Sequence[Finding] = ()
        self._changed: int | None = None
        self._reading = asyncio.Lock()

    @property
    def is_broken(self) -> bool:
        """Whether an error was found in it."""
        return any(it.severity == "error" for it in self._problems)

    async def library(self) -> Library:
        """The content that is in use: the latest that could be read."""
        async with self._reading:
            if self._library is None:
                await self._read()
        assert self._library  # noqa: S101  what ships can be read
        return self._library

    async def watch(self, shown: Callable[[], None], fit: Callable[[], Awaitable[None]]) -> None:
        """Read it, and again after each change of a file, until cancelled.

        `shown` is called once it is read, `fit` once it has passed every check.
        """
        known: State | None = None
        while True:
            state = await asyncio.to_thread(_state, self._folder)
            if state != known:
                known = state
                await self._renew(shown, fit)
            if self._folder is None:
                return
            await asyncio.sleep(EACH)

    async def _renew(self, shown: Callable[[], None], fit: Callable[[], Awaitable[None]]) -> None:
        is_first = self._library is None
        async with self._reading:
            is_readable = await self._read()
        shown()
        self.is_fit = is_readable and await self._passes()
        if self.is_fit:
            await fit()
            if not is_first:
                self._changed = milliseconds(SystemClock().now())
        shown()

    async def _read(self) -> bool:
        try:
            self._library = await asyncio.to_thread(library.read, Layers(own=self._folder))
        except ContentError as error:
            self._problems = [_as_finding(problem) for problem in error.problems]
            self._library = self._library or await asyncio.to_thread(library.load)
            return False
        return True

    async def _passes(self) -> bool:
        """Whether a clinic's own passes every check; what ships has."""
        if self._folder is None or self._library is None:
            return True
        self._problems = await asyncio.to_thread(checks.findings, self._library, self._clinic)
        return not self.is_broken

    def told(self) -> dict[str, Any]:
        """What the page shows of it; `changed`: since when the bot speaks from it, once edited."""
        return {
            "folder": str(self._folder) if self._folder else None,
            "version": self._library.version if self._library else None,
            "approved": bool(self._library and self._library.is_approved),
            "changed": self._changed,
            "problems": [
                {"where": it.place, "what": it.problem, "severity": it.severity}
                for it in self._problems
            ],
        }


def _state(folder: Path | None) -> State:
    """Every file below, by when it was changed and how long it is."""
    found = {}
    for file in folder.rglob("*.toml") if folder else ():
        try:
            seen = file.stat()
        except FileNotFoundError:
            continue  # an editor is replacing it
        found[file] = (seen.st_mtime_ns, seen.st_size)
    return found


def _as_finding(problem: str) -> Finding:
    """What cannot even be read: `file: what is wrong`."""
    file, _, what = problem.partition(": ")
    return Finding(severity="error", place=file, problem=what)
