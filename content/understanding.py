"""What a message says: which red flags, which topics, which signals. Not what is answered to it.

Deterministic: phrases (content.matching), numbers, and the hour decide; `matched` names them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from content.flags import Level, Raised, find_flags, rank
from content.library import Library
from content.matching import Hit
from content.topics import Topic


@dataclass(frozen=True, kw_only=True)
class Found:
    """A topic that a message is about."""

    topic: Topic
    level: Level
    weight: float
    """How much of the message speaks of it."""
    start: int
    matched: tuple[str, ...]
    ask_first: bool
    """Whether it is about a product of their own: `Topic.ask_first`."""


WhyIgnored = Literal["denied", "past", "hypothetical", "someone_else", "harmless"]


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """Something said that does not count."""

    phrase: str
    """As it stands in data/phrases."""
    why: WhyIgnored
    key: str = ""
    """The topic that it would have been."""


@dataclass(frozen=True, kw_only=True)
class Understood:
    """All that a message says."""

    raised: tuple[Raised, ...]
    """Red flags that are up, highest level first."""
    found: tuple[Found, ...]
    """Topics: side effects by urgency, then by how much of the message speaks of each."""
    signals: frozenset[str]
    """Names of signals that are said and not denied."""
    asked_at: int | None
    """The token at which a question begins ("when can I"); None: no question."""
    doubt: str | None = None
    """The key of a doubt (content.doubts): a red flag that may be meant, and is asked about."""
    ignored: tuple[Ignored, ...] = ()
    """What is said and does not count."""
    hours: float | None = None
    """Hours since the session's end: as known, or else as said ("3 days ago")."""


def understand(library: Library, text: str, hours: float | None) -> Understood:
    """Read a message written `hours` after the session's end; None: no session is known.

    Every language is tried. Whatever is written, it never raises.
    """
    reading = library.phrases.read(text)
    hits = library.phrases.find(reading)
    raised = find_flags(library.flags, library.phrases.numbers, reading, hits, hours)
    signals = frozenset(
        hit.key.partition(":")[2]
        for hit in hits
        if hit.key.startswith("signal:") and not hit.denied
    )
    return Understood(
        raised=tuple(raised),
        found=tuple(_topics(library, hits, hours, signals)),
        signals=signals,
        asked_at=min((hit.start for hit in hits if hit.key == "signal:asks"), default=None),
    )


def _topics(
    library: Library, hits: Sequence[Hit], hours: float | None, signals: frozenset[str]
) -> list[Found]:
    """What the message is about, side effects by urgency, then by how much speaks of each."""
    said = [hit for hit in hits if hit.key.startswith("topic:") and not hit.denied]
    by_topic: dict[str, list[Hit]] = defaultdict(list)
    for hit in said:
        if not any(_is_part_of(hit, other) for other in said):
            by_topic[hit.key.partition(":")[2]].append(hit)
    found = [
        Found(
            topic=library.topics[key],
            level=library.topics[key].level(hours, signals),
            weight=_weight(mine),
            start=min(hit.start for hit in mine),
            matched=tuple(dict.fromkeys(hit.phrase for hit in mine)),
            ask_first=library.topics[key].ask_first in signals,
        )
        for key, mine in by_topic.items()
    ]
    order = list(library.topics)
    return sorted(
        found,
        key=lambda one: (-rank(one.level), -one.weight, one.start, order.index(one.topic.key)),
    )


def _is_part_of(hit: Hit, other: Hit) -> bool:
    """Whether it says less than `other`: "spots" where "dark spots" is said."""
    return hit.key != other.key and hit.tokens < other.tokens


def _weight(hits: Iterable[Hit]) -> float:
    """Each token once, longer phrases say more."""
    best: dict[int, float] = {}
    for hit in hits:
        for i in hit.tokens:
            best[i] = max(best.get(i, 0), 0.5 + 0.5 * len(hit.tokens))
    return sum(best.values())
