"""Finding phrases in what people write: misspelt, run together, without accents or punctuation.

A phrase is written as parts joined by ` + `, in any order and near each other; a part is words one
after the other. A word may be a stem (`swell*`) or a group (`<lips>`); `{flag:C2}` keys and what
they mean are the business of whoever asks. Words that carry nothing (`fluff`: "my", "is", "very")
may stand between. Every language is always tried.

The steps: `Phrasebook.read` cuts a message into tokens and recognises each (exact, then a doubled
or missing double letter, then a slip of one or two letters, never for a word that is real in its
own right); then `find` looks up only the phrases whose rarest word is there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from content.framing import Denial, framed
from content.hits import Hit, Reading, Span
from content.letters import Token, tokens
from content.lexicon import Lexicon
from content.reading import ContentError, Layers, reason
from content.when import Times, joined, long_ago

WINDOW = 4
"""How many words that mean something may stand between two parts of a phrase."""
UNDO_WINDOW = 2
"""How many words before "breathing well" may undo it."""
MOST_SPANS = 24
MOST_HITS = 12
NESTED = 2
"""How deep groups may stand within groups."""
SAYING = frozenset({"flag", "signal", "topic"})
"""The kinds of phrases that say something, and can be denied."""
TAKEN = frozenset({"flag", "signal", "doubt"})
"""The kinds of phrases that a harmless one takes the words of."""
NOT_SAID = frozenset({"harmless", "well", "idiom"})
"""The keys of phrases that only take the words of others."""


def _whole(phrase: str) -> str:
    parts = [part.split() for part in phrase.split(" + ")]
    if not all(parts) or any("+" in part for part in parts):
        raise ValueError("a phrase is words, or parts of words joined by ' + '")
    return phrase


Phrase = Annotated[str, AfterValidator(_whole)]
Table = Mapping[str, tuple[Phrase, ...]]


class Numbers(BaseModel):
    """The words around a number that say whether it is a body temperature (content/flags.py)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fever: frozenset[str] = frozenset()
    """A number near one of these is a temperature."""
    degrees: frozenset[str] = frozenset()
    other_after: frozenset[str] = frozenset()
    """Followed by one of these a number is something else ("39 years")."""
    other_before: frozenset[str] = frozenset()
    """The same, before it ("SPF 40", "day 38")."""
    not_of_a_body: frozenset[str] = frozenset()
    """Near one of these it is the temperature of something else ("wash at 40 degrees")."""
    alone: frozenset[str] = frozenset()
    """What may stand beside a number that stands alone ("it's 39 now")."""


class Phrases(BaseModel):
    """One language's file in data/phrases: what it does not have, it has none of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: Table = Field(default_factory=dict)
    """Words that may stand for each other: `<name>` in a phrase."""
    flags: Table = Field(default_factory=dict)
    """Phrases of red flags, by the flag's id."""
    signals: Table = Field(default_factory=dict)
    """Phrases that decide nothing alone: combined by flags and topics."""
    topics: Table = Field(default_factory=dict)
    """Phrases of topics, by the topic's key."""
    harmless: tuple[Phrase, ...] = ()
    """Words of a flag that mean something else here ("room temperature", "hot shower")."""
    apart: frozenset[str] = frozenset()
    """Words that part a harmless phrase in two: "faint *and* red" is no faint red mark."""
    idioms: tuple[Phrase, ...] = ()
    """Phrases that say nothing of their own words ("burning question"): what lies wholly within one
    is not said, be it a flag or a topic."""
    well: tuple[Phrase, ...] = ()
    """What is said to be well ("breathing is fine"): harmless, unless undone before."""
    undo: frozenset[str] = frozenset()
    """Words shortly before that undo it ("*not* breathing well")."""
    fluff: tuple[Phrase, ...] = ()
    """Words that may stand anywhere inside a phrase."""
    deny: tuple[Phrase, ...] = ()
    """Words that deny what follows ("no", "without")."""
    deny_through: tuple[Phrase, ...] = ()
    """Words across which a denial carries on ("no *sign of* pus")."""
    deny_or: tuple[Phrase, ...] = ()
    """Words that carry a denial on to the next thing ("no fever *or* pus")."""
    deny_stop: tuple[Phrase, ...] = ()
    """Words that end it ("no pus *just* yellow crusts")."""
    deny_until: tuple[Phrase, ...] = ()
    """Words after a denied thing that say it is there now ("no fever *until* today")."""
    numbers: Numbers = Numbers()
    frames: Table = Field(default_factory=dict)
    """Phrases that say how something is meant ("what if", "last year"): content/framing.py."""
    doubts: Table = Field(default_factory=dict)
    """Phrases that may mean a red flag and are asked about, by the key of doubts.toml."""
    times: Times = Times()


@dataclass(frozen=True, slots=True)
class Pattern:
    key: str
    phrase: str
    parts: tuple[tuple[str, ...], ...]


class Phrasebook:
    """All phrases of all languages."""

    def __init__(
        self,
        languages: Mapping[str, Phrases],
        real: Collection[str],
        own: frozenset[str] = frozenset(),
    ) -> None:
        """`real`: words one slip away from a phrase's word, never taken for a misspelling."""
        self.languages = dict(languages)
        """The phrases as they are written, by language."""
        self.own = own
        """Those that a clinic added."""
        self._groups = {
            f"<{language}:{name}>": tuple(_part(language, text) for text in texts)
            for language, phrases in languages.items()
            for name, texts in phrases.groups.items()
        }
        patterns = [
            Pattern(key, text, tuple(_part(language, part) for part in text.split(" + ")))
            for language, phrases in languages.items()
            for key, texts in _keyed(phrases)
            for text in texts
        ]
        self.keys = frozenset(pattern.key for pattern in patterns)
        self.topics_by_word = self._topics_by_word(patterns)
        """The words and stems of the topics' phrases, each with the keys of these topics."""
        self._fluff = _joined(phrases.fluff for phrases in languages.values())
        self._denial = Denial(
            deny=[cue for phrases in languages.values() for cue in phrases.deny],
            through=_joined(phrases.deny_through for phrases in languages.values()),
            either=_joined(phrases.deny_or for phrases in languages.values()),
            stop=_joined(phrases.deny_stop for phrases in languages.values()),
            until=[cue for phrases in languages.values() for cue in phrases.deny_until],
        )
        self._undo = _joined(phrases.undo for phrases in languages.values())
        self._apart = _joined(phrases.apart for phrases in languages.values())
        self.times = joined(phrases.times for phrases in languages.values())
        self.numbers = Numbers(
            **{
                name: _joined(getattr(phrases.numbers, name) for phrases in languages.values())
                for name in Numbers.model_fields
            }
        )
        self._parts_by_word, self._nested = self._parts()
        self._by_rarest: dict[str, list[tuple[frozenset[str], Pattern]]] = defaultdict(list)
        for pattern in patterns:
            self._index(pattern)
        self.lexicon = Lexicon(self._vocabulary(patterns), real)

    def read(self, text: str) -> Reading:
        """Cut `text` into tokens and recognise each. Never raises, whatever is written."""
        found = tuple(self._pieces(tokens(text)))
        entries = tuple(self.lexicon.recognise(token.text) for token in found)
        positions: dict[str, list[int]] = defaultdict(list)
        for i, known in enumerate(entries):
            for entry in known:
                positions[entry].append(i)
        fluff = frozenset(i for i, token in enumerate(found) if token.text in self._fluff)
        reading = Reading(found, entries, dict(positions), fluff)
        self._find_groups(reading)
        return reading

    def find(self, reading: Reading, hours: float | None = None) -> list[Hit]:
        """Every phrase in `reading`, in the order of the message.

        What does not count says why (`Hit.ignored`). `hours` since the session's end tell what was
        before it ("three weeks ago").
        """
        hits = [
            hit for pattern in self._candidates(reading) for hit in _hits(self, pattern, reading)
        ]
        harmless = [
            hit
            for hit in hits
            if (hit.key == "harmless" or (hit.key == "well" and not self._is_undone(reading, hit)))
            and not self._is_parted(reading, hit)
        ]
        idioms = [hit for hit in hits if hit.key == "idiom" and not self._is_parted(reading, hit)]
        kept: list[Hit] = []
        taken: list[Hit] = []
        for hit in hits:
            is_idle = any(hit.tokens < idiom.tokens for idiom in idioms)
            if hit.kind in TAKEN and (is_idle or _is_taken(hit, harmless, reading.fluff)):
                taken.append(hit)
            elif hit.key not in NOT_SAID and not (is_idle and hit.kind == "topic"):
                kept.append(hit)
        denied = self._denial.tokens(reading, [hit for hit in kept if hit.kind in SAYING])
        judged = framed(reading, kept, denied, long_ago(self.times, reading, hours))
        return sorted(
            [*judged, *(replace(hit, ignored="harmless") for hit in taken)],
            key=lambda hit: (hit.start, -len(hit.tokens), hit.key, hit.phrase),
        )

    def _is_parted(self, reading: Reading, hit: Hit) -> bool:
        """Whether a comma or an "and" that is not its own stands within a part of it."""
        apart = self._apart - set(hit.phrase.split())
        return any(
            reading.tokens[i].text in apart or (reading.tokens[i].end == "," and i < end - 1)
            for start, end in hit.spans
            for i in range(start, end)
        )

    def _is_undone(self, reading: Reading, hit: Hit) -> bool:
        for token in reversed(reading.tokens[max(0, hit.start - UNDO_WINDOW) : hit.start]):
            if token.end:
                return False
            if token.text in self._undo:
                return True
        return False

    def spans(self, item: str, reading: Reading) -> Sequence[Span]:
        """Where a word, a stem or a group stands."""
        if item.startswith("<"):
            return reading.groups.get(item, ())
        return [(i, i + 1) for i in reading.positions.get(item, ())]

    def part_spans(self, part: Sequence[str], reading: Reading) -> Sequence[Span]:
        """Where the words of `part` follow each other, fluff between them left out."""
        found = self.spans(part[0], reading)
        for item in part[1:]:
            if not found:
                break
            following = self.spans(item, reading)
            found = [
                (first[0], second[1])
                for first in found
                for second in following
                if _adjacent(reading, first[1], second[0])
            ]
        return found[:MOST_SPANS]

    def _parts(
        self,
    ) -> tuple[Mapping[str, list[tuple[str, tuple[str, ...]]]], list[tuple[str, tuple[str, ...]]]]:
        """The parts of the groups by their first word, and those that hold groups themselves."""
        by_word: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
        nested: list[tuple[str, tuple[str, ...]]] = []
        for group, parts in self._groups.items():
            for part in parts:
                holds_groups = any(item.startswith("<") for item in part)
                (nested if holds_groups else by_word[part[0]]).append((group, part))
        return by_word, nested

    def _find_groups(self, reading: Reading) -> None:
        """Where the groups stand; only those whose words are there are looked at."""
        found: dict[str, set[Span]] = defaultdict(set)
        for entry in reading.positions:
            for group, part in self._parts_by_word.get(entry, ()):
                if spans := self.part_spans(part, reading):
                    found[group].update(spans)
        for _ in range(NESTED):
            reading.groups = {group: sorted(spans)[:MOST_SPANS] for group, spans in found.items()}
            for group, part in self._nested:
                if spans := self.part_spans(part, reading):
                    found[group].update(spans)
        reading.groups = {group: sorted(spans)[:MOST_SPANS] for group, spans in found.items()}

    def _pieces(self, written: Iterable[Token]) -> Iterator[Token]:
        for token in written:
            *first, last = self.lexicon.split(token.text)
            yield from (Token(piece) for piece in first)
            yield Token(last, token.end)

    def _candidates(self, reading: Reading) -> Iterator[Pattern]:
        """The patterns of which every word and every group is there."""
        present = reading.positions.keys() | reading.groups.keys()
        for item in present:
            for items, pattern in self._by_rarest.get(item, ()):
                if items <= present:
                    yield pattern

    def _index(self, pattern: Pattern) -> None:
        """File the pattern under its rarest item: a word, or the group with the fewest parts."""
        items = frozenset(item for part in pattern.parts for item in part)
        rarest = min(items, key=lambda item: (len(self._groups.get(item, ())), item))
        self._by_rarest[rarest].append((items, pattern))

    def _vocabulary(self, patterns: Iterable[Pattern]) -> Iterator[str]:
        parts = [part for pattern in patterns for part in pattern.parts]
        parts += [part for group in self._groups.values() for part in group]
        yield from (item for part in parts for item in part if not item.startswith("<"))
        yield from self._fluff | self._denial.words

    def _topics_by_word(self, patterns: Iterable[Pattern]) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for pattern in patterns:
            kind, _, topic = pattern.key.partition(":")
            items = {item for part in pattern.parts for item in part} if kind == "topic" else set()
            groups = (part for item in items for part in self._groups.get(item, ()))
            for word in items.union(*groups):
                found[word].add(topic)
        return {word: frozenset(topics) for word, topics in found.items()}


def _hits(book: Phrasebook, pattern: Pattern, reading: Reading) -> list[Hit]:
    places = [book.part_spans(part, reading) for part in pattern.parts]
    if not all(places):
        return []
    if len(places) == 1:
        return [Hit(pattern.key, pattern.phrase, (span,)) for span in places[0][:MOST_HITS]]
    near = (
        tuple(sorted(spans))
        for spans in product(*(place[:MOST_HITS] for place in places))
        if _are_near(reading, spans)
    )
    return [Hit(pattern.key, pattern.phrase, spans) for spans in _first(near, MOST_HITS)]


def _are_near(reading: Reading, spans: Sequence[Span]) -> bool:
    ordered = sorted(spans)
    return all(reading.gap(first, second) <= WINDOW for first, second in pairwise(ordered))


def _adjacent(reading: Reading, end: int, start: int) -> bool:
    if start < end or any(reading.tokens[i].end in {".", "?"} for i in range(end - 1, start)):
        return False
    return start - end <= 3 and all(i in reading.fluff for i in range(end, start))


def _is_taken(hit: Hit, harmless: Iterable[Hit], fluff: frozenset[int]) -> bool:
    """Whether a part of it is but words of something harmless: "dying" of "dying to"."""
    return any(
        part <= other.tokens and not _says_as_much(hit, other)
        for other in harmless
        for part in (set(range(*span)) - fluff or set(range(*span)) for span in hit.spans)
    )


def _says_as_much(hit: Hit, other: Hit) -> bool:
    """Whether it holds all of `other`: of one and the same word the longer phrase says more."""
    is_shorter = len(hit.tokens) == 1 and len(hit.phrase) < len(other.phrase)
    return hit.tokens >= other.tokens and not is_shorter


def _first(items: Iterable[tuple[Span, ...]], count: int) -> Iterator[tuple[Span, ...]]:
    for _, item in zip(range(count), items, strict=False):
        yield item


def _part(language: str, text: str) -> tuple[str, ...]:
    return tuple(
        f"<{language}:{item[1:-1]}>" if item.startswith("<") else item for item in text.split()
    )


def _keyed(phrases: Phrases) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "harmless", phrases.harmless
    yield "idiom", phrases.idioms
    yield "well", phrases.well
    for prefix, table in (
        ("flag", phrases.flags),
        ("signal", phrases.signals),
        ("topic", phrases.topics),
        ("frame", phrases.frames),
        ("doubt", phrases.doubts),
    ):
        yield from ((f"{prefix}:{key}", texts) for key, texts in table.items())


def _joined(lists: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset(word for words in lists for word in words)


def read_phrases(layers: Layers, seen: Collection[str] = ()) -> Phrasebook:
    """Read `phrases/<language>.toml` and `real_words.toml`; `seen` are real words, too.

    Raises ContentError naming every problem.
    """
    languages: dict[str, Phrases] = {}
    problems: list[str] = []
    for name in layers.names("phrases/*.toml"):
        language = name.removeprefix("phrases/").removesuffix(".toml")
        try:
            languages[language] = Phrases.model_validate(layers.toml(name))
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                keys = [str(part) for part in fault["loc"]]
                place = layers.place(name, *keys)
                problems.append(f"{place}: {'.'.join(keys)}: {reason(fault)}")
        else:
            phrases = languages[language]
            problems += unknown_groups(layers.place(name), _all_of(phrases), phrases.groups)
    if problems:
        raise ContentError(problems)
    listed = layers.toml("real_words.toml").values()
    real = frozenset(word for words in listed for word in words.split())
    return Phrasebook(languages, real | frozenset(seen), _own(layers, languages))


def _own(layers: Layers, languages: Mapping[str, Phrases]) -> frozenset[str]:
    """The phrases that do not ship."""
    if layers.own is None:
        return frozenset()
    shipped = Layers(layers.shipped)
    known = {
        text
        for name in shipped.names("phrases/*.toml")
        for text in _all_of(Phrases.model_validate(shipped.toml(name)))
    }
    return frozenset(
        text for phrases in languages.values() for text in _all_of(phrases) if text not in known
    )


def _all_of(phrases: Phrases) -> Iterator[str]:
    for _, texts in (*_keyed(phrases), *phrases.groups.items()):
        yield from texts


def unknown_groups(place: str, written: Iterable[str], groups: Collection[str]) -> Iterator[str]:
    """The groups that the phrases ask for and that are not among `groups`."""
    for text in written:
        for name in re.findall(r"<([^>]*)>", text):
            if name not in groups:
                yield f"{place}: '{text}': there is no group '{name}' in [groups]"
