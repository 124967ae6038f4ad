"""How many messages a second are answered in one process: `python -m tests.benchmarks.ask`."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from time import perf_counter

from content.answers import answer
from content.library import load
from tests.situations import after

SECONDS = 3.0


def measure(seconds: float = SECONDS) -> float:
    """Messages a second over the messages of tests/answers, each with a word never met before."""
    folder = Path(__file__).parent.parent / "answers"
    data = [tomllib.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*.toml"))]
    messages = [message["say"] for file in data for message in file["messages"]]
    library, situation = load(), after(30)
    answer(library, "warm up", situation, language="en")
    count, start = 0, perf_counter()
    while perf_counter() - start < seconds:
        new = "".join("bcdfghjklm"[int(digit)] for digit in f"{count:08}")
        text = f"{messages[count % len(messages)]} {new}"
        answer(library, text, situation, language="en")
        count += 1
    return count / (perf_counter() - start)


if __name__ == "__main__":
    sys.stdout.write(f"{measure():.0f} messages/s\n")
