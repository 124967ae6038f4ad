"""The product, whole, on time that runs faster: python -m tests.benchmarks.fastbot ORIGIN SPEED

The settings are those of the environment, as for `python -m bot run`.
"""

from __future__ import annotations

import sys

from bot import app, logs
from bot.config import CLINIC, read_settings
from tests.benchmarks import fast
from tests.benchmarks.filling import NOON


def main(origin: float, speed: float) -> None:
    settings = read_settings("telegram_token", *CLINIC)
    logs.configure(settings.log_level, settings.log_format)
    fast.run(app.run(settings, fast.FastClock(NOON, origin, speed)), speed)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
