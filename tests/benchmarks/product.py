"""The product as it is run: `python -m bot run` with the settings of a clinic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import MEASURED, Child, child
from tests.benchmarks.sink import TOKEN


@contextmanager
def run(
    bench: Bench,
    database: str,
    url: str,
    *,
    token: str = TOKEN,
    zone: str = "UTC",
    module: tuple[str, ...] = ("bot", "run"),
) -> Iterator[Child]:
    """The bot, on the core of what is measured; `module`: another way to start it."""
    settings = {
        "TELEGRAM_TOKEN": token,
        "TELEGRAM_API_URL": url,
        "DATABASE_URL": database,
        "CLINIC_NAME": "Rosewood",
        "CLINIC_PHONE": "+44 20 7946 0000",
        "CLINIC_EMERGENCY_NUMBER": "999",
        "CLINIC_TIMEZONE": zone,
        "LOG_LEVEL": "info",
        "LOG_FORMAT": "text",
    }
    with child(*module, core=MEASURED, log=bench.new_log(), environment=settings) as process:
        yield process


def zone_at_noon(now: datetime) -> str:
    """A zone where it is about noon at `now` (UTC), so that nobody there sleeps for hours."""
    behind = now.hour - 12  # its sign is the other way round in these names
    return "Etc/GMT" if not behind else f"Etc/GMT{behind:+d}"
