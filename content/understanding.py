"""What a message says: which red flags, which topics, which signals. Not what is answered to it.

Deterministic: phrases (content.matching), numbers, and the hour decide; `matched` names them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from content.flags import Level, Raised, find_flags, rank, spoken_of
from content.hits import Hit, Reading
from content.library import Library
from content.topics import Topic
from content.when import said_hours

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


def understand(library: Library, text: str, hours: float | None) -> Understood:
    """Read a message written `hours` after the session's end; None: no session is known.

    Every language is tried. Whatever is written, it never raises.
    """
    book = library.phrases
    reading = book.read(text)
    if hours is None:
        hours = said_hours(book.times, reading)
    hits = book.find(reading, hours)
    raised = find_flags(library.flags, book.numbers, reading, hits, hours)
    spoken = spoken_of(library.flags, book.numbers, reading, hits, hours)
    signals = frozenset(hit.name for hit in hits if hit.kind == "signal" and not hit.ignored)
    found = _topics(library, hits, hours, signals)
    ignored = tuple(dict.fromkeys(_ignored(library, hits, raised, spoken)))
    doubt = _doubt(library, hits, raised, signals, is_known=bool(raised or found or ignored))
    if not (raised or doubt or ignored):  # likeness knows nothing of "no" and "if"
        likely = library.likeness.scores(reading.tokens)
        raised = _like_an_emergency(library, reading, likely)
        found = found or _likeliest(library, reading, likely, hours, signals)
    return Understood(
        raised=tuple(raised),
        found=tuple(found),
        signals=signals,
        asked_at=min((hit.start for hit in hits if hit.key == "signal:asks"), default=None),
        doubt=doubt,
        ignored=ignored,
        hours=hours,
    )


# --- what no phrase says ---------------------------------------------------------------------
# Phrases say what words mean; likeness says what the whole message is like, and knows words that no
# phrase holds. What phrases say stands: likeness speaks where they are silent.

ALIKE, LEAD = 4.0, 1.5
"""Standard deviations from which, and the lead by which, likeness names what no phrase does:
a greeting or the football is like something, too."""
PLEASANTRIES = frozenset({"thanks", "hello", "help"})
"""Signals that have answers of their own (content.answers)."""
SMALL_TALK = 1.0
"""Deviations from which a message is like the examples of `unknown`, and no topic is guessed."""
FEW = 3
"""Words a message has at least for it."""
SURELY, ENOUGH = 4.5, 5
"""By how much "emergency" leads all topics where no phrase saw a red flag, and it is taken for
one: in doubt the higher. So many words it must have: a few are like anything."""


def _like_an_emergency(
    library: Library, reading: Reading, likely: Mapping[str, float]
) -> list[Raised]:
    """The flag for a message that is like the emergencies among the examples."""
    learned = next((flag for flag in library.flags if flag.learned), None)
    if learned is None or EMERGENCY not in likely or len(reading.tokens) < ENOUGH:
        return []
    others = max(score for topic, score in likely.items() if topic != EMERGENCY)
    if likely[EMERGENCY] - others < SURELY:
        return []
    words = library.likeness.words_for(reading.tokens, EMERGENCY)
    return [Raised(flag=learned, matched=words)]


def _likeliest(
    library: Library,
    reading: Reading,
    likely: Mapping[str, float],
    hours: float | None,
    signals: frozenset[str],
) -> list[Found]:
    """The topic that a message is most like, if it is clear: for one of which no phrase speaks."""
    if not likely or len(reading.tokens) < FEW or not signals.isdisjoint(PLEASANTRIES):
        return []
    second, first = sorted(sorted(likely), key=lambda topic: likely[topic])[-2:]
    is_clear = likely[first] >= ALIKE and likely[first] - likely[second] >= LEAD
    if not is_clear or first not in library.topics or likely.get(UNKNOWN, 0.0) >= SMALL_TALK:
        return []
    words = library.likeness.words_for(reading.tokens, first)
    return [_told(library.topics[first], words, hours, signals, weight=1.0, start=0)]


# --- red flags that may be meant, and what does not count ------------------------------------


def _doubt(
    library: Library,
    hits: Sequence[Hit],
    raised: Sequence[Raised],
    signals: frozenset[str],
    *,
    is_known: bool,
) -> str | None:
    if raised and rank(raised[0].flag.level) >= rank("today"):
        return None
    said = [library.doubts[hit.name] for hit in hits if hit.kind == "doubt" and not hit.ignored]
    meant = [
        doubt
        for doubt in said
        if signals.isdisjoint(doubt.none_of) and not (doubt.only_if_unknown and is_known)
    ]
    order = list(library.doubts)
    meant.sort(key=lambda doubt: (-rank(doubt.level), order.index(doubt.key)))
    return meant[0].key if meant else None


def _ignored(
    library: Library, hits: Sequence[Hit], raised: Sequence[Raised], spoken: Sequence[Raised]
) -> Iterator[Ignored]:
    """Each with the topic that it speaks of."""
    why = {hit.phrase: _said_why(hit) for hit in hits if hit.ignored and hit.kind != "topic"}
    up = {one.flag.key for one in raised}
    for one in spoken:
        if one.flag.key not in up:
            yield from (
                Ignored(phrase=phrase, why=why[phrase], key=one.flag.about)
                for phrase in one.matched
                if phrase in why
            )
    topics = [hit for hit in hits if hit.kind == "topic"]
    for hit in _whole(topics):
        if hit.ignored and hit.ignored != "denied" and not _counts(library, hit):
            yield Ignored(phrase=hit.phrase, why=_said_why(hit), key=hit.name)
    for hit in hits:
        if hit.ignored in {"denied", "harmless"} and hit.kind in {"flag", "signal", "doubt"}:
            yield Ignored(phrase=hit.phrase, why=_said_why(hit))


def _said_why(hit: Hit) -> WhyIgnored:
    return "past" if hit.ignored == "over" or hit.ignored is None else hit.ignored


# --- topics ----------------------------------------------------------------------------------


def _topics(
    library: Library, hits: Sequence[Hit], hours: float | None, signals: frozenset[str]
) -> list[Found]:
    """What the message is about, side effects by urgency, then by how much speaks of each."""
    by_topic: dict[str, list[Hit]] = defaultdict(list)
    for hit in _whole([hit for hit in hits if hit.kind == "topic" and _counts(library, hit)]):
        by_topic[hit.name].append(hit)
    found = [_found(library.topics[key], mine, hours, signals) for key, mine in by_topic.items()]
    order = list(library.topics)
    return sorted(
        found,
        key=lambda one: (-rank(one.level), -one.weight, one.start, order.index(one.topic.key)),
    )


def _counts(library: Library, hit: Hit) -> bool:
    """A symptom that is not so is ignored; what is asked about care is asked all the same.

    What is to be expected and is over ("a little blood, stopped now") is spoken of.
    """
    topic = library.topics[hit.name]
    if topic.kind == "effect":
        is_expected = topic.starts_hours is not None
        return not hit.ignored or (hit.ignored == "over" and is_expected)
    return hit.ignored != "denied"


def _found(
    topic: Topic, hits: Sequence[Hit], hours: float | None, signals: frozenset[str]
) -> Found:
    matched = tuple(dict.fromkeys(hit.phrase for hit in hits))
    start = min(hit.start for hit in hits)
    return _told(topic, matched, hours, signals, weight=_weight(hits), start=start)


def _told(
    topic: Topic,
    matched: tuple[str, ...],
    hours: float | None,
    signals: frozenset[str],
    *,
    weight: float,
    start: int,
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


def _whole(hits: Sequence[Hit]) -> list[Hit]:
    """Without those that say less than another: "spots" where "dark spots" is said."""
    return [
        hit
        for hit in hits
        if not any(hit.key != other.key and hit.tokens < other.tokens for other in hits)
    ]


def _weight(hits: Iterable[Hit]) -> float:
    """Each token once, longer phrases say more."""
    best: dict[int, float] = {}
    for hit in hits:
        for i in hit.tokens:
            best[i] = max(best.get(i, 0), 0.5 + 0.5 * len(hit.tokens))
    return sum(best.values())
