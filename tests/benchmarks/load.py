"""What a measured way of sending is given, and what it tells: values that cross processes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from tests.benchmarks.sink import TOKEN

WARM_UP = 200
"""Messages sent before the watch runs: connections are open then, and caches full."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """So many messages to as many chats."""

    url: str
    """Of the sink."""
    count: int
    concurrency: int
    database: str = ""
    """Where there is one: prepared, with WARM_UP messages due first and `count` due later."""
    profile: str = ""
    """`loop` or `storage`: whose time to print instead of measuring it."""

    @property
    def api(self) -> str:
        """What a call's method is added to."""
        return f"{self.url}/bot{TOKEN}"

    @classmethod
    def loads(cls, text: str) -> Load:
        return cls(**json.loads(text))

    def dumps(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What it took."""

    messages: int
    seconds: float
    cpu: float
    """Seconds of the sending process, all threads."""

    def dumps(self) -> str:
        return json.dumps(asdict(self))


Way = Callable[[Load], Awaitable[Sent]]
