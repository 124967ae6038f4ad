"""What phrases, numbers and the hour make of a message; `matched` names what decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from content.flags import Raised, find_flags, rank, spoken_of
from content.hits import Hit, Reading
from content.learned import features
from content.library import Library
from content.topics import Topic
from content.understood import (
    Found,
    Ignored,
    Understood,
    WhyIgnored,
    in_order,
    is_urgent,
    told,
)
from content.when import said_hours

DAY, DAYS = 24, 8
"""Hours of a day, and how many days are told apart."""


@dataclass(frozen=True, kw_only=True)
class ByRules:
    """What phrases, numbers and the hour make of a message, and its features (content.learned)."""

    reading: Reading
    understood: Understood
    doubt: str | None
    """What would be asked about, were no flag up."""
    features: frozenset[str]


def by_rules(library: Library, text: str, hours: float | None) -> ByRules:
    """What the rules alone make of it; `hours` as in `understand`."""
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
    is_known = bool(raised or found or ignored)
    doubt = _doubt(library, hits, signals, is_known=is_known)
    understood = Understood(
        raised=tuple(raised),
        found=tuple(found),
        signals=signals,
        asked_at=min((hit.start for hit in hits if hit.key == "signal:asks"), default=None),
        doubt=None if is_urgent(raised) else doubt,
        ignored=ignored,
        hours=hours,
    )
    signs = _signs(hits, understood)
    return ByRules(
        reading=reading,
        understood=understood,
        doubt=doubt,
        features=features(reading.tokens, signs),
    )


def _signs(hits: Iterable[Hit], understood: Understood) -> Iterator[str]:
    """What the rules made of a message, as features."""
    for hit in hits:
        framed = f"~{hit.ignored}" if hit.ignored else ""
        yield f"@{hit.key}{framed}"
        yield f"@{hit.phrase}{framed}"
    for raised in understood.raised:
        yield f"@!{raised.flag.key}"
    worst = understood.raised[0].flag.level if understood.raised else "none"
    yield f"@!!{worst}"
    if understood.doubt:
        yield f"@?{understood.doubt}"
    for one in understood.found:
        if one.topic.kind == "effect":
            yield f"@%{one.level}"
    if understood.hours is not None:
        yield f"@day{min(max(int(understood.hours), 0) // DAY, DAYS)}"


# --- red flags that may be meant, and what does not count ------------------------------------


def _doubt(
    library: Library,
    hits: Sequence[Hit],
    signals: frozenset[str],
    *,
    is_known: bool,
) -> str | None:
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
    return in_order(library, found)


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
    return told(topic, matched, hours, signals, weight=_weight(hits), start=start)


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
