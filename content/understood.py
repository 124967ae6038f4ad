"""What is understood of a message: which red flags, topics and signals, and what does not count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from content.flags import Level, Raised, rank
from content.library import Library
from content.topics import Topic

EMERGENCY, UNKNOWN = "emergency", "unknown"
WhyIgnored = Literal["denied", "past", "hypothetical", "someone_else", "harmless"]


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """Something said that does not count."""

    phrase: str
    """As it stands in data/phrases."""
    why: WhyIgnored
    key: str = ""
    """The topic that it speaks of, "" where none is known."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A topic that a message is about."""

    topic: Topic
    level: Level
    weight: float
    """How much of the message speaks of it."""
    start: int
    matched: tuple[str, ...]
    ask_first: str = ""
    """The signal with which no rule answers (`Topic.ask_first`); "": none."""
    raised_by: tuple[str, ...] = ()
    """The signals that make it more urgent than its hour does."""
    is_aside: bool = False
    """A side effect that is mentioned beside a question about something else: it is answered, and
    the message is not about it."""


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
    """What is said and does not count: of flags first, then of topics."""
    hours: float | None = None
    """Hours since the session's end: as known, or else as said ("3 days ago")."""
    overruled: tuple[Raised, ...] = ()
    """Flags of the rules that do not count, since the message does not sound like them."""
    main: str | None = None
    """The topic that the whole message sounds most like (content.learned); None: not known."""


def is_urgent(raised: Sequence[Raised]) -> bool:
    """Whether a flag is up at `today` or more."""
    return bool(raised) and rank(raised[0].flag.level) >= rank("today")


def told(
    topic: Topic,
    matched: tuple[str, ...],
    hours: float | None,
    signals: frozenset[str],
    *,
    weight: float = 1.0,
    start: int = 0,
) -> Found:
    """The topic, as urgent as it is at this hour and with these signals."""
    return Found(
        topic=topic,
        level=topic.level(hours, signals),
        weight=weight,
        start=start,
        matched=matched,
        ask_first=topic.asked_first(signals),
        raised_by=topic.raised_by(hours, signals),
    )


def in_order(library: Library, found: Iterable[Found]) -> list[Found]:
    """Side effects by urgency, then by how much speaks of each."""
    order = list(library.topics)
    return sorted(
        found,
        key=lambda one: (-rank(one.level), -one.weight, one.start, order.index(one.topic.key)),
    )
