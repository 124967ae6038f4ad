"""A Telegram that takes everything at once: an HTTP server so lean that it is never the limit.

python -m tests.benchmarks.sink [--delay SECONDS]      prints its address, then serves until killed

It knows the few methods a bot calls, counts what it took and when, and checks nothing. Beside them:
GET /count says what came since the last GET /reset.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from asyncio import Transport
from typing import cast
from urllib.parse import unquote

import uvloop

TOKEN = "42:SINK"
LONG_POLL = 25.0
"""Seconds after which a getUpdates is answered: nobody ever writes."""
ME = {"id": 42, "is_bot": True, "first_name": "Aftercare", "username": "sink_bot"}
TEXT = "Your skin may be pink and feel warm today. " * 8
"""What every reply repeats, as long as an aftercare message: Telegram sends the message back."""


def _response(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def _result(result: object) -> bytes:
    return _response(json.dumps({"ok": True, "result": result}).encode())


RESULTS = {"getMe": _result(ME), "getUpdates": _result([])}
DONE = _result(True)
MESSAGE = json.dumps(
    {
        "ok": True,
        "result": {
            "message_id": -1,
            "from": ME,
            "chat": {"id": -2, "first_name": "Ana", "type": "private"},
            "date": 1_795_000_000,
            "text": TEXT,
        },
    }
)
BEFORE, _, _rest = MESSAGE.partition("-1")
BETWEEN, _, AFTER = _rest.partition("-2")


class Count:
    """Which chat was written to, and when (seconds of the machine's monotonic clock)."""

    def __init__(self) -> None:
        self.chats: list[str] = []
        self.times: list[float] = []

    def forget(self) -> None:
        self.chats, self.times = [], []

    def took(self, chat: str) -> int:
        self.chats.append(chat)
        self.times.append(time.monotonic())
        return len(self.chats)

    def as_json(self) -> bytes:
        return json.dumps(
            {"count": len(self.chats), "chats": len(set(self.chats)), "times": self.times}
        ).encode()


class Connection(asyncio.Protocol):
    """One keep-alive connection: requests come one after the other, each whole before the next."""

    def __init__(self, count: Count, delay: float) -> None:
        self._count = count
        self._delay = delay
        self._buffer = b""
        self._transport: Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            whole = end + 4 + _length(head)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1].decode()
        method = path.rpartition("/")[2].partition("?")[0]
        if method == "sendMessage":
            self._reply(self._taken(body), self._delay)
        elif method == "count":
            self._reply(_response(self._count.as_json()))
        elif method == "reset":
            self._count.forget()
            self._reply(DONE)
        else:
            self._reply(RESULTS.get(method, DONE), LONG_POLL if method == "getUpdates" else 0)

    def _taken(self, body: bytes) -> bytes:
        begin = body.index(b"chat_id=") + 8
        chat = unquote((body[begin:].split(b"&", 1)[0]).decode())
        number = self._count.took(chat)
        return _response(f"{BEFORE}{number}{BETWEEN}{chat}{AFTER}".encode())

    def _reply(self, response: bytes, delay: float = 0) -> None:
        assert self._transport
        if delay:
            asyncio.get_running_loop().call_later(delay, self._transport.write, response)
        else:
            self._transport.write(response)


def _length(head: bytes) -> int:
    begin = head.lower().find(b"\r\ncontent-length:")
    return int(head[begin + 17 :].split(b"\r\n", 1)[0]) if begin >= 0 else 0


async def serve(delay: float) -> None:
    count = Count()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(count, delay), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each reply")
    uvloop.run(serve(parser.parse_args().delay))
