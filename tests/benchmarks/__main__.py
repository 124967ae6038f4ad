"""`make bench`: what is fast enough and how fast it is, on this machine."""

from __future__ import annotations

import os
import platform

from tests.benchmarks import ask, plans


def main() -> None:
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    print(f"ask: {ask.measure():,.0f} messages/s in one process")
    print(f"plan: {plans.measure():,.0f} plans/s, {plans.measure_texts():,.0f} texts/s")


if __name__ == "__main__":
    main()
