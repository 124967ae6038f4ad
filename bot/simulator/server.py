"""The Bot API over HTTP: `Simulator` is a `World` that bots can call.

A call passes these stations: token, method, strict check, faults that refuse, flood limits, the
method itself, faults of the wire. Everything is written into the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import inspect
import ipaddress
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.simulator.errors import ApiError, wrong
from bot.simulator.faults import Fault, too_many_requests
from bot.simulator.journal import Call, WrongCall
from bot.simulator.methods import METHODS, SENDING
from bot.simulator.results import returned
from bot.simulator.spec import Upload, check, method_names
from bot.simulator.webhook import deliver
from bot.simulator.world import World

_BODY_BYTES = 60_000_000
_BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


class _Dropped(Exception):
    """The connection ends here, without an answer."""


class Simulator(World):
    """A Telegram on this machine. `async with simulator:` starts and stops it.

    It can be stopped and started again on the same port: people, chats and updates stay, and in
    between connections are refused, as when a network is down.
    """

    def __init__(self, **world: Any) -> None:
        """`world` is what `World` takes."""
        super().__init__(**world)
        self.url = ""
        self.routes: list[web.AbstractRouteDef] = []

    async def start(
        self, port: int = 0, *, host: str = "127.0.0.1", allow_remote: bool = False
    ) -> None:
        """Listen. Raises ValueError for a host beyond loopback unless that is allowed."""
        if not allow_remote and not _is_loopback(host):
            raise ValueError(f"{host} is not loopback: everybody in reach could read and write")
        self._stopping = asyncio.Event()
        self._runner = web.AppRunner(self._application(), shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.url = f"http://{_in_url(host)}:{self._runner.addresses[0][1]}"
        self._delivery = asyncio.create_task(deliver(self))

    async def stop(self) -> None:
        """End every connection."""
        self._stopping.set()
        self.updates.end_poll("the end of this Telegram")
        self._delivery.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._delivery
        await self._runner.cleanup()

    async def __aenter__(self) -> Simulator:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=_BODY_BYTES)
        application.router.add_route("*", "/bot{token}/{method}", self._call)
        application.router.add_get("/file/bot{token}/{path:.+}", self._download)
        application.add_routes(self.routes)
        return application

    # One call.

    async def _call(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        call = Call(
            method=method_names().get(name.lower(), name),
            params={},
            at=self.clock.now(),
            monotonic=self.clock.monotonic(),
        )
        self.journal.append(call)
        self.activity.tell()
        try:
            return await self._handled(call, request)
        except ApiError as error:
            if error.misuse:
                self._record_wrong(call, error.description)
            self.hold(
                error.parameters, ("ResponseParameters",), method=call.method, params=call.params
            )
            return _cut(request) if self._stopping.is_set() else _answer(call, error)
        except _Dropped:
            return _cut(request)
        except Exception as error:
            # To the bot a fault of ours looks like any 500; the test that met it must still fail.
            self._record_wrong(call, f"the simulator failed: {error!r}")
            raise
        finally:
            self.activity.tell()

    async def _handled(self, call: Call, request: web.Request) -> web.StreamResponse:
        raw, uploads = await _parameters(request)
        call.params = {**raw, **uploads}
        self._check_call(call, request.match_info["token"], raw, uploads)
        fault = self.faults.take(call.method, call.chat_id)
        if fault:
            await self._before(fault, call)
            if fault.kind == "server_error":
                call.code = 502
                return web.Response(status=502, text=_BAD_GATEWAY, content_type="text/html")
        one_way = 0.0 if call.method == "getUpdates" else self.reply_seconds() / 2
        await asyncio.sleep(one_way)
        self._pass_flood_limits(call)
        result = METHODS[call.method](self, call.params)
        if inspect.isawaitable(result):
            result = await result
        self.hold(result, returned(call.method), method=call.method, params=call.params)
        call.accepted = True
        if isinstance(result, dict):
            call.message_id = result.get("message_id")
        await asyncio.sleep(one_way)
        if fault:
            await self._after(fault)
        call.code = 200
        return web.json_response({"ok": True, "result": result})

    def _check_call(
        self, call: Call, token: str, raw: Mapping[str, Any], uploads: Mapping[str, Upload]
    ) -> None:
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            raise ApiError("", code=401, misuse=True)
        if call.method not in method_names().values():
            raise ApiError("method not found", code=404, misuse=True)
        checked = check(call.method, raw, uploads)
        call.params = checked.values
        chat_id = checked.values.get("chat_id")
        call.chat_id = chat_id if isinstance(chat_id, int) else None
        for problem in checked.problems:
            self._record_wrong(call, problem.what)
        if checked.problems:
            raise ApiError(checked.problems[0].words)
        if call.method not in METHODS:
            raise ApiError(f"method is not simulated: {call.method}", misuse=True)

    def _record_wrong(self, call: Call, problem: str) -> None:
        self.wrong_calls.append(WrongCall(method=call.method, problem=problem, params=call.params))

    def _pass_flood_limits(self, call: Call) -> None:
        if call.method in SENDING and call.chat_id is not None:
            retry_after = self.buckets.take(call.chat_id, self.clock.monotonic())
            if retry_after is not None:
                raise too_many_requests(retry_after)

    async def _before(self, fault: Fault, call: Call) -> None:
        """What a fault does before the call takes effect."""
        if fault.kind in ("drop_before", "down"):
            raise _Dropped
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "migrate" and call.chat_id in self.groups:
            self.groups[call.chat_id].upgrade(fault.new_id)
        if refusal := fault.refusal():
            raise refusal

    async def _after(self, fault: Fault) -> None:
        """What a fault does to the answer of a call that took effect."""
        if fault.kind == "hang_after":
            await self._stopping.wait()
        if fault.kind in ("drop_after", "hang_after"):
            raise _Dropped

    async def _download(self, request: web.Request) -> web.StreamResponse:
        file = self.files.at(request.match_info["path"])
        if request.match_info["token"] != self.token or file is None:
            return web.json_response(
                {"ok": False, "error_code": 404, "description": "Not Found"}, status=404
            )
        return web.Response(body=file.content, content_type="application/octet-stream")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _cut(request: web.Request) -> web.StreamResponse:
    """End the connection; what is returned has no way to the caller any more."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _answer(call: Call, error: ApiError) -> web.Response:
    call.code, call.description = error.code, error.description
    told: dict[str, Any] = {
        "ok": False,
        "error_code": error.code,
        "description": error.description,
    }
    if error.parameters:
        told["parameters"] = error.parameters
    return web.json_response(told, status=error.code)


async def _parameters(request: web.Request) -> tuple[dict[str, Any], dict[str, Upload]]:
    """The fields of a call from its query, JSON body or form, and the files that came with it."""
    raw: dict[str, Any] = dict(request.query)
    uploads: dict[str, Upload] = {}
    if request.content_type == "application/json":
        return raw | _json_object(await request.text()), uploads
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            uploads[name] = Upload(
                name=value.filename, content=value.file.read(), content_type=value.content_type
            )
        else:
            raw[name] = value
    return raw, uploads


def _json_object(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise wrong("can't parse JSON object of the parameters")
    return found
