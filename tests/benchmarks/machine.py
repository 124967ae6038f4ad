"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from bot.clock import SystemClock

LIBRARIES = (
    "python-telegram-bot", "httpx", "aiohttp", "uvloop", "sqlalchemy", "sqlmodel", "psycopg",
    "apscheduler",
)  # fmt: skip


def described(postgresql: str | None) -> str:
    """The machine as a list; `postgresql` is its server's version."""
    return "\n".join(f"- {line}" for line in _lines(postgresql))


def _lines(postgresql: str | None) -> Iterator[str]:
    yield f"measured on {SystemClock().now():%Y-%m-%d}"
    yield f"{os.cpu_count()} cores, {_model()}, {platform.system()} on {platform.machine()}"
    yield f"Python {platform.python_version()}"
    yield ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    yield f"SQLite {sqlite3.sqlite_version}, {f'PostgreSQL {postgresql}' if postgresql else 'none'}"


def _model() -> str:
    told = Path("/proc/cpuinfo")
    if told.exists():
        for line in told.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
