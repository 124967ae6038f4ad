"""What content.learned is learned from: the examples of content/data, and every message of a test.

So only messages kept aside say how well it does.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from content.flags import LEVELS
from content.reading import DATA
from content.understood import EMERGENCY

EXAMPLES = DATA / "examples"
HERE = Path(__file__).parent
TESTS = HERE.parent
SIGNS = ("clinical_phrases", "clinical_signs", "danger", "vivid")


class Message(NamedTuple):
    """An example: what it is about ("": any), how urgent it is (an index of LEVELS; None: not
    judged).
    """

    text: str
    topic: str
    hours: float | None = None
    level: int | None = None


def examples() -> Iterator[Message]:
    """Every example message, and every sign of danger that the tests know."""
    for file in sorted(EXAMPLES.glob("*.toml")):
        said = _read(file)
        for topic, texts in said.get("topics", {}).items():
            yield from (Message(text, topic) for text in texts)
        yield from map(judged, said.get("judged", ()))
    for file in sorted(HERE.glob("*.toml")):
        yield from map(judged, _read(file)["case"])
    yield from signs()


def signs() -> Iterator[Message]:
    """What is said in danger, and what only sounds so."""
    phrases = _read(TESTS / "clinical_phrases.toml")
    for group in phrases["phrases"]:
        for hours, level in zip(phrases["hours"], group["levels"], strict=True):
            about = {"topic": [group["topic"]], "hours": hours, "level": [level]}
            yield from (judged({"text": text, **about}) for text in group["say"])
    for group in _read(TESTS / "clinical_signs.toml")["signs"]:
        yield from (_sign(text, group["level"]) for text in group["say"])
    for sign in _read(TESTS / "danger.toml")["danger"]:
        yield _sign(sign["say"], sign["at_least"])
    for level, texts in _read(TESTS / "vivid.toml").items():
        yield from (_sign(text, "normal" if level == "harmless" else level) for text in texts)


def _sign(text: str, level: str) -> Message:
    topic = EMERGENCY if level == EMERGENCY else ""
    return Message(text, topic, level=[str(each) for each in LEVELS].index(level))


def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text("utf-8"))


def judged(case: dict[str, Any]) -> Message:
    """A message with its first topic and the lowest level that may be given to it."""
    level = min(LEVELS.index(it) for it in case["level"])
    return Message(case["text"], case["topic"][0], case.get("hours"), level)


def fingerprint() -> str:
    """Of the examples, and of the phrases and flags whose signs are learned with them."""
    digest = hashlib.sha256()
    read = [
        *EXAMPLES.glob("*.toml"),
        *HERE.glob("*.toml"),
        *(TESTS / f"{name}.toml" for name in SIGNS),
        *DATA.glob("phrases/*.toml"),
        *(DATA / f"{name}.toml" for name in ("flags", "doubts", "topics", "real_words")),
    ]
    for file in sorted(read):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
