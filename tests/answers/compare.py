"""Three ways to understand a message: `python -m tests.answers.compare [FILE ...]`.

(a) The rules alone: phrases with misspellings, numbers, the hour. (b) What was learned alone: the
likeliest topic. (c) Both, as the bot answers. Over the [[case]] tables of FILE (text, lang, hours,
topic, level), or of this folder.

The messages of this folder were learned from, so only messages that nobody has seen who wrote
phrases or examples say how good a way is: see CONTRIBUTING.md, "How is a message understood?".
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any

from content import answers
from content.by_rules import by_rules
from content.facts import Situation
from content.flags import LEVELS
from content.learned import Learned
from content.library import Library, load
from content.understood import UNKNOWN
from tests.situations import ENDED_AT, after

Case = dict[str, Any]
Way = Callable[[Case], tuple[str, str | None]]


@dataclass
class Count:
    """How often a way was right."""

    cases: int = 0
    topic: int = 0
    level: int = 0
    needed: int = 0
    """Cases that need `today` or `emergency`."""
    hazardous: int = 0
    """Of these, how many were answered with less."""
    alarming: int = 0
    """Cases answered with more than they warrant."""

    def add(self, case: Case, topic: str, level: str | None) -> None:
        self.cases += 1
        self.topic += topic in _several(case["topic"])
        if level is None:
            return
        warranted = [LEVELS.index(it) for it in _several(case["level"])]
        got = LEVELS.index(level)
        urgent = min(warranted) >= LEVELS.index("today")
        self.level += min(warranted) <= got <= max(warranted)
        self.needed += urgent
        self.hazardous += urgent and got < min(warranted)
        self.alarming += got > max(warranted)

    def line(self, name: str) -> str:
        told = f"{name}: {self.cases} messages, topic {self.topic / self.cases:.1%}"
        if self.level:
            told += (
                f", level {self.level / self.cases:.1%}, with less than needed "
                f"{self.hazardous} of {self.needed}, with more {self.alarming / self.cases:.1%}"
            )
        return told


def _several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def cases(files: Sequence[Path]) -> Iterator[Case]:
    for file in files:
        language = file.stem if len(file.stem) == 2 else "en"
        for case in tomllib.loads(file.read_text("utf-8"))["case"]:
            yield {"lang": language, **case}


def answered(library: Library) -> Way:
    """As the bot answers with this content."""

    def way(case: Case) -> tuple[str, str | None]:
        here = _situation(case)
        said = answers.answer(library, case["text"], here, language=case["lang"])
        return said.topic, said.level

    return way


def likeliest(library: Library) -> Way:
    """What the message sounds most like, and nothing else."""

    def way(case: Case) -> tuple[str, str | None]:
        read = by_rules(library, case["text"], case.get("hours"))
        judged = library.learned.judge(read.features)
        return judged.main if judged else UNKNOWN, None

    return way


def _situation(case: Case) -> Situation:
    # Depth unknown, as `ask` has it.
    here = after(case.get("hours"))
    if here.session is None:
        return here
    session = replace(here.session, depth_mm=None, ended_at=ENDED_AT)
    return replace(here, session=session, at=ENDED_AT + timedelta(hours=case["hours"]))


def main(files: Sequence[Path]) -> None:
    library = load()
    ways = {
        "rules": answered(replace(library, learned=Learned())),
        "learned": likeliest(library),
        "both": answered(library),
    }
    for name, way in ways.items():
        count, spent = Count(), process_time()
        for case in cases(files):
            count.add(case, *way(case))
        each = 1000 * (process_time() - spent) / count.cases
        sys.stdout.write(f"{count.line(name)}; {each:.2f} ms of CPU each\n")


if __name__ == "__main__":
    main([Path(it) for it in sys.argv[1:]] or sorted(Path(__file__).parent.glob("*.toml")))
