"""What a process answers over HTTP: whether it is alive and ready, its metrics, and the webhook.

An update is answered with 200 only when it is committed to the inbox: whatever else Telegram hears,
it sends the update again. Nothing of an update is logged, and no request either.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import ipaddress
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bot.clock import Clock
from bot.config import HEALTH_PATHS, SettingsError
from bot.metrics import Metrics
from bot.updates import Row, as_row
from storage import counts, inbox, wake
from storage.counts import Counts
from storage.database import Database, Transaction

log = structlog.get_logger(__name__)

ALIVE, READY, METRICS = HEALTH_PATHS
EVERYWHERE, LOOPBACK = "0.0.0.0", "127.0.0.1"  # noqa: S104  a webhook is called from outside
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  a header's name
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""What proxies say of themselves: with one of them the caller is not who is on the line."""
LARGEST_BODY = 1_000_000
"""Bytes; Telegram's updates have a few thousand."""
READ_WITHIN = 10.0
"""Seconds for a body to arrive."""
STORE_WITHIN = 20.0
"""Seconds; then Telegram is asked to send it again. If it is stored after all, it is known then."""
CHECK_WITHIN = 5.0
"""Seconds for whatever `/readyz` and `/metrics` ask of others."""
END_WITHIN = 3.0
"""Seconds that requests have left at a stop; aiohttp may wait for twice as long."""

Checks = Callable[[], Awaitable[Sequence[str]]]
"""What is wrong now, a line each that holds no secret; nothing if this process can do its work."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """How the process is. `token` opens the metrics from beyond this machine."""

    checks: Checks
    metrics: Metrics
    database: Database
    clock: Clock
    token: str | None

    async def alive(self, _request: web.Request) -> web.Response:
        """200 for as long as the event loop turns."""
        return web.Response(text="alive\n")

    async def ready(self, _request: web.Request) -> web.Response:
        """200, or 503 with a line for each thing that is wrong."""
        problems = await self._problems()
        said = "".join(f"{problem}\n" for problem in problems)
        return web.Response(text=said or "ready\n", status=503 if problems else 200)

    async def show_metrics(self, request: web.Request) -> web.Response:
        """Prometheus' text, for this machine or whoever has the token."""
        if not is_local(request):
            self._check_token(request)
        counted = await self._counts()
        shown = self.metrics.show(counted, writable=self.database.problem is None)
        return web.Response(body=shown, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def _problems(self) -> Sequence[str]:
        try:
            async with asyncio.timeout(CHECK_WITHIN):
                return await self.checks()
        except TimeoutError:
            return [f"nothing was found out within {CHECK_WITHIN:g} s"]
        except Exception as error:
            log.exception("ready.check_failed")
            return [f"the checks failed ({type(error).__name__})"]

    async def _counts(self) -> Counts | None:
        try:
            async with asyncio.timeout(CHECK_WITHIN):
                return await self.database.read(counts.read, self.clock.now())
        except Exception:
            log.exception("metrics.not_counted")
            return None

    def _check_token(self, request: web.Request) -> None:
        if self.token is None:
            raise web.HTTPForbidden(text="set METRICS_TOKEN to read this from elsewhere\n")
        if not same(request.headers.get("Authorization", ""), f"Bearer {self.token}"):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Where Telegram posts updates, at `path`, with `secret` in a header."""

    path: str
    secret: str
    metrics: Metrics
    database: Database
    clock: Clock

    async def receive(self, request: web.Request) -> web.Response:
        """200 once the update is stored, whether now or before."""
        if not same(request.headers.get(SECRET_HEADER, ""), self.secret):
            log.warning("webhook.wrong_secret")
            raise web.HTTPUnauthorized
        row = _row(await _body(request))
        if row is None:
            log.error("webhook.not_an_update")
            raise web.HTTPBadRequest(text="not an update\n")
        await self._store(row)
        return web.Response()

    async def _store(self, row: Row) -> None:
        try:
            async with asyncio.timeout(STORE_WITHIN):
                new = await self.database.run(_keep, row, self.clock.now())
        except Exception:
            log.exception("webhook.not_stored")
            self.metrics.store_failed()
            raise web.HTTPServiceUnavailable from None
        self.metrics.received(new)


def application(health: Health, webhook: Webhook | None = None) -> web.Application:
    """What is served. Raises ValueError for a webhook without a secret."""
    served = web.Application(client_max_size=LARGEST_BODY)
    served.router.add_get(ALIVE, health.alive)
    served.router.add_get(READY, health.ready)
    served.router.add_get(METRICS, health.show_metrics)
    if webhook:
        if not webhook.secret:
            raise ValueError("a webhook without a secret would take updates from anybody")
        served.router.add_post(webhook.path, webhook.receive)
    return served


@asynccontextmanager
async def serve(
    served: web.Application, host: str, port: int, *, setting: str
) -> AsyncIterator[int]:
    """Serve until the end of the block; gives the port, which `port` 0 leaves to the machine.

    Raises SettingsError, naming the `setting` the port is from, if it cannot be had.
    """
    runner = web.AppRunner(served, access_log=None, shutdown_timeout=END_WITHIN)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise SettingsError([f"{setting}: {_why_not(port, error)}"]) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def same(given: str, wanted: str) -> bool:
    """Whether they are the same, told in a time that says nothing of how alike they are."""
    return hmac.compare_digest(given.encode(errors="surrogateescape"), wanted.encode())


def is_local(request: web.BaseRequest) -> bool:
    """Whether the caller is on this machine; with a proxy in between nobody knows."""
    if any(header in request.headers for header in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


async def _body(request: web.Request) -> bytes:
    """The whole body. Raises what is answered when it is too large, too slow or broken."""
    if (request.content_length or 0) > LARGEST_BODY:
        raise web.HTTPRequestEntityTooLarge(LARGEST_BODY)
    try:
        async with asyncio.timeout(READ_WITHIN):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (web.RequestPayloadError, ConnectionError):  # cut off on the way
        raise web.HTTPBadRequest from None


def _row(body: bytes) -> Row | None:
    # Telegram's content type is not looked at: the secret has said who it is, and a proxy that
    # changed a header must not cost a patient's message.
    try:
        return as_row(json.loads(body))
    except (ValueError, RecursionError):
        return None


def _keep(tx: Transaction, row: Row, now: datetime) -> int:
    """Store it and wake whoever works on it; how many were new."""
    stored = inbox.store(tx, [row], now)
    if stored:
        wake.tell(tx)
    return len(stored)


def _why_not(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken by another program; set another"
    return f"port {port} cannot be listened on ({os.strerror(error.errno or 0)})"
