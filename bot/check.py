"""`check`: what is wrong before it hurts. Writes nothing, sends nothing, and runs beside a bot."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp

import content.library
from bot.clock import Clock
from bot.config import CLINIC, NOT_YET, WHY_POSTGRES, Settings, examine_settings
from content import checks
from content.reading import ContentError
from storage import condition
from storage.database import DatabaseError, file_of, why_away, without_password

Area = Literal["SETTINGS", "CONTENT", "DATABASE", "TOKEN", "WEBHOOK", "CLOCK"]

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 8.0
OFF = timedelta(seconds=2)
"""A clock that is further off makes messages come noticeably early or late."""
FAR_OFF = timedelta(seconds=30)
MANY_WAITING = 100
"""Updates that Telegram keeps for a webhook that does not take them."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong, or that should be known; prints as one line."""

    severity: Literal["error", "warning"]
    area: Area
    problem: str

    def __str__(self) -> str:
        return f"{self.severity} {self.area} {' '.join(self.problem.split())}"


def _error(area: Area, problem: str) -> Finding:
    return Finding(severity="error", area=area, problem=problem)


def _warning(area: Area, problem: str) -> Finding:
    return Finding(severity="warning", area=area, problem=problem)


async def everything(clock: Clock) -> list[Finding]:
    """All findings. Without a token Telegram is not asked; then no network is needed."""
    settings, problems = examine_settings("telegram_token", *CLINIC)
    found = [
        *(_error("SETTINGS", problem) for problem in problems),
        *of_settings(settings),
        *of_content(settings, clock.now().date()),
        *await asyncio.to_thread(lambda: list(of_database(settings.database_url))),
    ]
    if settings.telegram_token:
        found += await of_telegram(settings, clock)
    return found


def is_error(found: Sequence[Finding]) -> bool:
    """Whether anything has to be mended."""
    return any(one.severity == "error" for one in found)


def summary(found: Sequence[Finding]) -> str:
    """The last line: 'ok' and what there is to know, or how much there is to mend."""
    errors = sum(one.severity == "error" for one in found)
    warnings = _counted(len(found) - errors, "warning")
    return f"not ok: {_counted(errors, 'error')}, {warnings}" if errors else f"ok: {warnings}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


# --- here ------------------------------------------------------------------------------------


def of_settings(settings: Settings) -> Iterator[Finding]:
    """What each setting allows, and all together do not."""
    if not os.environ.get("ENCRYPTION_KEY"):
        yield _warning(
            "SETTINGS",
            "ENCRYPTION_KEY: is not set: names and what patients write are kept unencrypted",
        )
    for name in filter(os.environ.get, NOT_YET):
        yield _warning("SETTINGS", f"{name}: nothing comes of it in this version")
    if settings.webhook_url and not settings.webhook_secret:
        yield _error("SETTINGS", "WEBHOOK_SECRET: is not set; without it `web` does not start")
    if settings.webhook_url and not settings.on_postgres:
        yield _warning("SETTINGS", f"WEBHOOK_URL: is for `web`, which {WHY_POSTGRES}")


def of_content(settings: Settings, today: date) -> Iterator[Finding]:
    """What the checks of the content find, as this clinic would say it."""
    try:
        library = content.library.load(settings.content_dir)
    except ContentError as error:
        yield from (_error("CONTENT", problem) for problem in error.problems)
        return
    spoken = library.texts.languages
    if settings.clinic_language not in spoken:
        yield _error(
            "SETTINGS",
            f"CLINIC_LANGUAGE: there are no texts in {settings.clinic_language!r}; "
            f"there are {', '.join(spoken)}",
        )
    signed = library.protocol.approved_on
    if signed is not None and signed > today:
        yield _warning("CONTENT", f"protocol.toml: approved_on: {signed} is still to come")
    is_known = settings.clinic_phone and settings.clinic_emergency_number
    clinic = settings.clinic() if is_known else checks.CLINIC
    for one in checks.findings(library, clinic):
        yield Finding(severity=one.severity, area="CONTENT", problem=str(one))


def of_database(url: str) -> Iterator[Finding]:
    """Whether it is there, ours, of this version, and to be written to."""
    shown = without_password(url)
    try:
        schema = condition.schema(url)
        if schema in ("current", "behind"):
            condition.try_to_write(url)
    except DatabaseError as error:
        yield _error("DATABASE", f"{shown}: {why_away(error)}")
        return
    file = file_of(url)
    if schema == "none" and file and not os.access(Path(file).absolute().parent, os.W_OK):
        yield _error("DATABASE", f"{shown}: is not there, and its folder must not be written to")
    elif schema == "none":
        yield _warning("DATABASE", f"{shown}: is empty yet; `run` or `migrate` makes its tables")
    elif schema == "behind":
        yield _warning(
            "DATABASE",
            f"{shown}: is of an older version; back it up, then `run` or `migrate` brings it up",
        )
    elif schema == "unknown":
        yield _error("DATABASE", f"{shown}: is of a newer version than this one: use that version")
    elif schema == "foreign":
        yield _error("DATABASE", f"{shown}: has tables of something else in it")


# --- at Telegram -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What Telegram said to one question."""

    status: int
    result: Any
    """None where it refused."""
    date: datetime | None
    """Telegram's clock, in whole seconds."""
    asked_at: datetime
    answered_at: datetime


class NotReached(Exception):
    """Telegram did not answer; nothing of the address is in it."""


async def of_telegram(settings: Settings, clock: Clock) -> list[Finding]:
    """The token, the webhook and this machine's clock, by two questions that change nothing."""
    url = settings.telegram_api_url
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            me = await _ask(session, settings, "getMe", clock)
            found = [*_token(me, url), *_clock(me)]
            if me.result is not None:
                hook = await _ask(session, settings, "getWebhookInfo", clock)
                found += _webhook(settings, hook)
        except NotReached:
            return [_error("TOKEN", f"not tried: TELEGRAM_API_URL {url} could not be reached")]
    return found


async def _ask(
    session: aiohttp.ClientSession, settings: Settings, method: str, clock: Clock
) -> Reply:
    """Raises NotReached."""
    url = f"{settings.telegram_api_url}/bot{settings.telegram_token}/{method}"
    asked_at = clock.now()
    try:
        async with session.get(url) as response:
            answered_at = clock.now()
            said = await response.json(content_type=None) if response.status == 200 else {}
            date = response.headers.get("Date")
            status = response.status
    except (aiohttp.ClientError, TimeoutError, ValueError):
        raise NotReached from None
    return Reply(
        status=status,
        result=said.get("result") if isinstance(said, dict) else None,
        date=_read_date(date) if date else None,
        asked_at=asked_at,
        answered_at=answered_at,
    )


def _read_date(header: str) -> datetime | None:
    """What the header `Date` says; None where it is no date. Without a zone it is UTC."""
    try:
        date = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _token(me: Reply, url: str) -> Iterator[Finding]:
    if me.status in (401, 404):
        yield _error("TOKEN", "TELEGRAM_TOKEN: Telegram does not know this token")
    elif me.result is None:
        yield _error("TOKEN", f"not tried: {url} answered {me.status}, which Telegram does not")


def _webhook(settings: Settings, hook: Reply) -> Iterator[Finding]:
    """Whether updates go where they are awaited: by `web`, or fetched by `run`."""
    if hook.result is None:  # a server of the Bot API that has no webhooks
        return
    set_to, wanted = hook.result.get("url", ""), settings.webhook_url or ""
    if set_to and not wanted:
        yield _warning(
            "WEBHOOK",
            "one is set, and WEBHOOK_URL is not: `run` takes it away at its start; "
            "if a `web` with this token is meant to run elsewhere, do not start `run`",
        )
    elif wanted and not set_to:
        yield _warning("WEBHOOK", "none is set yet: `web` sets it to WEBHOOK_URL at its start")
    elif wanted != set_to:
        yield _warning(
            "WEBHOOK",
            f"Telegram posts to another address, at {urlsplit(set_to).hostname}: "
            "`web` changes that to WEBHOOK_URL at its start",
        )
    if set_to and (last := hook.result.get("last_error_message")):
        when = datetime.fromtimestamp(hook.result.get("last_error_date", 0), UTC)
        yield _warning("WEBHOOK", f"the last time it failed, {when:%d %B %H:%M} UTC: {last}")
    waiting = hook.result.get("pending_update_count", 0)
    if set_to and waiting >= MANY_WAITING:
        yield _warning("WEBHOOK", f"{waiting} updates wait at Telegram and are not taken")


def _clock(me: Reply) -> Iterator[Finding]:
    if me.date is None:
        return
    ahead = me.asked_at - me.date - timedelta(seconds=1)  # its date leaves out parts of a second
    behind = me.date - me.answered_at
    off = max(ahead, behind)
    if off > OFF:
        which = "ahead of" if ahead > behind else "behind"
        problem = f"this machine's clock is {off.total_seconds():.0f} s {which} Telegram's"
        make = _error if off > FAR_OFF else _warning
        yield make("CLOCK", f"{problem}: messages come at the wrong time; set it by NTP")
