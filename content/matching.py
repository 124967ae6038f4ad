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
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, product

from pydantic import BaseModel, ConfigDict, ValidationError
from rapidfuzz import process
from rapidfuzz.distance import OSA

from content.reading import ContentError, Layers

LONGEST = 4_000
"""Characters looked at: of more, the head and the tail."""
WINDOW = 4
"""How many words that mean something may stand between two parts of a phrase."""
SENTENCE_GAP = 3
"""What the end of a sentence counts as, in words, between two parts of a phrase."""
UNTIL_WINDOW = 4
"""Within how many words after a denied thing "until" ends the denial."""
MOST_SPANS = 24
MOST_HITS = 12

Span = tuple[int, int]
"""First token and the one after the last."""


class Numbers(BaseModel):
    """The words around a number that say whether it is a body temperature (content/flags.py)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fever: frozenset[str]
    """A number near one of these is a temperature."""
    degrees: frozenset[str]
    other_after: frozenset[str]
    """Followed by one of these a number is something else ("39 years")."""
    other_before: frozenset[str]
    """The same, before it ("SPF 40", "day 38")."""
    not_of_a_body: frozenset[str]
    """Near one of these it is the temperature of something else ("wash at 40 degrees")."""
    alone: frozenset[str]
    """What may stand beside a number that stands alone ("it's 39 now")."""


class Phrases(BaseModel):
    """One language's file in data/phrases."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: Mapping[str, tuple[str, ...]]
    """Words that may stand for each other: `<name>` in a phrase."""
    flags: Mapping[str, tuple[str, ...]]
    """Phrases of red flags, by the flag's id."""
    signals: Mapping[str, tuple[str, ...]]
    """Phrases that decide nothing alone: combined by flags and topics."""
    topics: Mapping[str, tuple[str, ...]]
    """Phrases of topics, by the topic's key."""
    harmless: tuple[str, ...]
    """Words of a flag that mean something else here ("room temperature", "hot shower")."""
    fluff: tuple[str, ...]
    """Words that may stand anywhere inside a phrase."""
    deny: tuple[str, ...]
    """Words that deny what follows ("no", "without")."""
    deny_through: tuple[str, ...]
    """Words across which a denial carries on ("no *sign of* pus")."""
    deny_or: tuple[str, ...]
    """Words that carry a denial on to the next thing ("no fever *or* pus")."""
    deny_stop: tuple[str, ...]
    """Words that end it ("no pus *just* yellow crusts")."""
    deny_until: tuple[str, ...]
    """Words after a denied thing that say it is there now ("no fever *until* today")."""
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    end: str = ""
    """What stands after it: "", ",", "." or "?"."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found."""

    key: str
    phrase: str
    spans: tuple[Span, ...]
    denied: bool = False

    @property
    def start(self) -> int:
        return min(start for start, _ in self.spans)

    @property
    def tokens(self) -> frozenset[int]:
        return frozenset(i for start, end in self.spans for i in range(start, end))


@dataclass(frozen=True, slots=True)
class Pattern:
    key: str
    phrase: str
    parts: tuple[tuple[str, ...], ...]


# --- reading letters -------------------------------------------------------------------------

_TOKEN = re.compile(  # numbers and words; ends of sentences; commas, brackets and dashes; signs
    r"\d+(?:[.,:/]\d+)*|[^\W\d_]+|[.!?;\n…。！？]+|[,()،、–—]|(?<=\s)-+(?=\s)|[/%€£$+]"  # noqa: RUF001
)
_APOSTROPHE = re.compile(r"['’‘`´ʼ′]")  # noqa: RUF001
_DECIMAL_APOSTROPHE = re.compile(r"(?<=\d)\s?['’´](?=\d)")  # noqa: RUF001
_RUN = re.compile(r"(.)\1+")
_SPELT_OUT = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-]){4,}[^\W\d_](?![^\W_])")


def normal(text: str) -> str:
    """Lower case without accents, apostrophes or invisible characters."""
    text = _DECIMAL_APOSTROPHE.sub(".", text)
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(c for c in decomposed if unicodedata.category(c) not in {"Mn", "Cf", "Cs"})
    kept = _SPELT_OUT.sub(lambda found: re.sub(r"[ .\-]", "", found.group()), kept)
    return _APOSTROPHE.sub("", kept)


def cut(text: str) -> str:
    """`text`, or the head and the tail of one that is too long."""
    if len(text) <= LONGEST:
        return text
    return text[: LONGEST // 2] + "\n" + text[-LONGEST // 2 :]


def tokens(text: str) -> list[Token]:
    """The words and numbers of `text`, each with the punctuation that follows it."""
    found: list[Token] = []
    for piece in _TOKEN.findall(normal(cut(text))):
        if piece[0].isalnum() or piece in "%€£$+":
            found.append(Token(piece))
        elif piece == "/":
            found.append(Token("or"))
        elif found:
            found[-1] = Token(found[-1].text, _stronger(found[-1].end, piece))
    return found


def _stronger(before: str, piece: str) -> str:
    if "?" in piece or before == "?":
        return "?"
    return "," if piece[0] in ",()،、–—-" and before != "." else "."  # noqa: RUF001


def squeeze(word: str) -> str:
    """`word` with every doubled letter once: "swolllen", "swollen" and "swolen" are one."""
    return _RUN.sub(r"\1", word)


# --- recognising words -----------------------------------------------------------------------


_SHORT = frozenset("i a y my is im it so to of no on in me la el mi se de un ya".split())  # noqa: SIM905


def slips(length: int) -> int:
    """How many letters a word of `length` may be off. Short words must be right."""
    return 0 if length < 5 else 1 if length < 8 else 2


class Lexicon:
    """All words of all phrases; finds which of them a written word may be."""

    def __init__(self, entries: Iterable[str], real: Collection[str]) -> None:
        every = set(entries)
        self._stems = frozenset(entry[:-1] for entry in every if entry.endswith("*"))
        self._words = frozenset(entry for entry in every if not entry.endswith("*"))
        self._real = frozenset(real)
        self._squeezed: dict[str, set[str]] = defaultdict(set)
        for word in self._words:
            self._squeezed[squeeze(word)].add(word)
        self._squeezed_stems: dict[str, set[str]] = defaultdict(set)
        for stem in self._stems:
            self._squeezed_stems[squeeze(stem)].add(stem + "*")
        self._fuzzy_words = tuple(sorted(word for word in self._words if len(word) >= 5))
        self._fuzzy_stems = tuple(sorted(stem for stem in self._stems if len(stem) >= 6))
        self._stems_like = lru_cache(maxsize=None)(self._stems_beginning_like)
        self.recognise = lru_cache(maxsize=20_000)(self._recognise)
        self.split = lru_cache(maxsize=20_000)(self._split)

    def _recognise(self, word: str) -> frozenset[str]:
        """The entries `word` may be; empty for an unknown word."""
        exact = self._exact(word)
        if exact or word in self._real or not word.isalpha() or len(word) > 40:
            return exact
        return self._doubled(word) or self._misspelt(word)

    def _exact(self, word: str) -> frozenset[str]:
        found = {start + "*" for start in _starts(word) if start in self._stems}
        if word in self._words:
            found.add(word)
        return frozenset(found)

    def _doubled(self, word: str) -> frozenset[str]:
        squeezed = squeeze(word)
        if squeezed in self._real and squeezed != word:
            return self._exact(squeezed)
        found = set(self._squeezed.get(squeezed, ()))
        for start in _starts(squeezed):
            found |= self._squeezed_stems.get(start, set())
        return frozenset(found)

    def _misspelt(self, word: str) -> frozenset[str]:
        if not slips(len(word)):
            return frozenset()
        near = process.extract(
            word, self._fuzzy_words, scorer=OSA.distance, score_cutoff=slips(len(word)), limit=8
        )
        found: set[tuple[float, str]] = {
            (distance, entry)
            for entry, distance, _ in near
            if _plausible(word, entry) and distance <= slips(min(len(word), len(entry)))
        }
        found |= set(self._misspelt_stems(word))
        best = min((distance for distance, _ in found), default=0)
        return frozenset(entry for distance, entry in found if distance == best)

    def _misspelt_stems(self, word: str) -> Iterator[tuple[float, str]]:
        for stem in self._stems_like(word[:2]):
            allowed = slips(min(len(word), len(stem)) - 1)  # a stem stands for many words already
            if not allowed:
                continue
            distance = min(
                OSA.distance(word[:size], stem, score_cutoff=allowed)
                for size in range(len(stem) - 1, len(stem) + 2)
            )
            if distance <= allowed:
                yield distance, stem + "*"

    def _stems_beginning_like(self, start: str) -> tuple[str, ...]:
        return tuple(stem for stem in self._fuzzy_stems if _plausible(start, stem))

    def _split(self, word: str) -> tuple[str, ...]:
        """`word`, or the words run together in it ("cantbreathe")."""
        if len(word) < 7 or len(word) > 80 or word in self._real or self._recognise(word):
            return (word,)
        best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
        for end in range(1, len(word) + 1):
            for start in range(max(0, end - 14), end):
                before, piece = best[start], word[start:end]
                if before is None or not self._whole(piece):
                    continue
                if best[end] is None or len(before) + 1 < len(best[end] or ()):
                    best[end] = (*before, piece)
        pieces = best[-1] or (word,)
        is_said = max(map(len, pieces)) >= 5 and len(word) >= 3.5 * len(pieces)
        return pieces if is_said else (word,)

    def _whole(self, piece: str) -> bool:
        """Whether `piece` may be a word inside a longer one; few short ones are."""
        if len(piece) < 3:
            return piece in _SHORT
        return piece in self._words or any(
            start in self._stems for start in _starts(piece) if len(piece) - len(start) <= 4
        )


def _starts(word: str) -> Iterator[str]:
    return (word[:size] for size in range(1, len(word) + 1))


def _plausible(word: str, entry: str) -> bool:
    # Whoever misspells a short word gets its first letter right.
    return word[0] == entry[0] or (len(entry) >= 6 and word[1:2] in entry[:3])


# --- finding phrases -------------------------------------------------------------------------


@dataclass
class Reading:
    """A message, its words recognised."""

    tokens: tuple[Token, ...]
    entries: tuple[frozenset[str], ...]
    positions: dict[str, list[int]]
    fluff: frozenset[int]
    spans: dict[str, list[Span]] = field(default_factory=dict)
    """Found so far, by item: groups are shared by many phrases."""

    def gap(self, first: Span, second: Span) -> int:
        """What stands between two spans, in words that mean something."""
        left, right = sorted((first, second))
        if right[0] < left[1]:
            return 10_000
        words = sum(1 for i in range(left[1], right[0]) if i not in self.fluff)
        ends = sum(1 for i in range(left[1] - 1, right[0]) if self.tokens[i].end in {".", "?"})
        return words + SENTENCE_GAP * ends


class Phrasebook:
    """All phrases of all languages."""

    def __init__(self, languages: Mapping[str, Phrases], real: Collection[str]) -> None:
        """`real`: words one slip away from a phrase's word, never taken for a misspelling."""
        self.languages = dict(languages)
        """The phrases as they are written, by language."""
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
        self._deny = tuple(
            tuple(cue.split()) for phrases in languages.values() for cue in phrases.deny
        )
        self._through = _joined(phrases.deny_through for phrases in languages.values())
        self._or = _joined(phrases.deny_or for phrases in languages.values())
        self._stop = _joined(phrases.deny_stop for phrases in languages.values())
        self._until = tuple(
            tuple(cue.split()) for phrases in languages.values() for cue in phrases.deny_until
        )
        self.numbers = Numbers(
            **{
                name: _joined(getattr(phrases.numbers, name) for phrases in languages.values())
                for name in Numbers.model_fields
            }
        )
        self._by_anchor: dict[str, list[tuple[frozenset[str], Pattern]]] = defaultdict(list)
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
        return Reading(found, entries, dict(positions), fluff)

    def find(self, reading: Reading) -> list[Hit]:
        """Every phrase in `reading`, in the order of the message; harmless ones taken out."""
        hits = [
            hit for pattern in self._candidates(reading) for hit in _hits(self, pattern, reading)
        ]
        harmless = [hit for hit in hits if hit.key == "harmless"]
        kept = [
            hit
            for hit in hits
            if hit.key.startswith("topic:")
            or (hit.key != "harmless" and not _is_taken(hit, harmless))
        ]
        denied = self._denied(reading, kept)
        return sorted(
            (
                Hit(hit.key, hit.phrase, hit.spans, any(start in denied for start, _ in hit.spans))
                for hit in kept
            ),
            key=lambda hit: (hit.start, -len(hit.tokens), hit.key, hit.phrase),
        )

    def spans(self, item: str, reading: Reading) -> list[Span]:
        """Where a word, a stem or a group stands."""
        if not item.startswith("<"):
            return [(i, i + 1) for i in reading.positions.get(item, ())]
        if item not in reading.spans:
            reading.spans[item] = sorted(
                {span for part in self._groups[item] for span in self.part_spans(part, reading)}
            )[:MOST_SPANS]
        return reading.spans[item]

    def part_spans(self, part: Sequence[str], reading: Reading) -> list[Span]:
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

    def _pieces(self, written: Iterable[Token]) -> Iterator[Token]:
        for token in written:
            *first, last = self.lexicon.split(token.text)
            yield from (Token(piece) for piece in first)
            yield Token(last, token.end)

    def _candidates(self, reading: Reading) -> Iterator[Pattern]:
        present = reading.positions.keys()
        seen: set[int] = set()
        for entry in present:
            for anchors, pattern in self._by_anchor.get(entry, ()):
                if id(pattern) not in seen and not anchors.isdisjoint(present):
                    seen.add(id(pattern))
                    yield pattern

    def _index(self, pattern: Pattern) -> None:
        """File the pattern under the words of its rarest item; the next rarest is asked for too."""
        choices = sorted((self._firsts(item) for part in pattern.parts for item in part), key=len)
        for entry in choices[0]:
            self._by_anchor[entry].append((choices[min(1, len(choices) - 1)], pattern))

    def _firsts(self, item: str) -> frozenset[str]:
        if not item.startswith("<"):
            return frozenset({item})
        return frozenset().union(*(self._firsts(part[0]) for part in self._groups[item]))

    def _vocabulary(self, patterns: Iterable[Pattern]) -> Iterator[str]:
        parts = [part for pattern in patterns for part in pattern.parts]
        parts += [part for group in self._groups.values() for part in group]
        yield from (item for part in parts for item in part if not item.startswith("<"))
        yield from self._fluff | self._through | self._or
        yield from (word for cue in self._deny for word in cue)

    def _topics_by_word(self, patterns: Iterable[Pattern]) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for pattern in patterns:
            kind, _, topic = pattern.key.partition(":")
            items = {item for part in pattern.parts for item in part} if kind == "topic" else set()
            groups = (part for item in items for part in self._groups.get(item, ()))
            for word in items.union(*groups):
                found[word].add(topic)
        return {word: frozenset(topics) for word, topics in found.items()}

    # --- denial: "no fever or pus" ---

    def _denied(self, reading: Reading, hits: Sequence[Hit]) -> frozenset[int]:
        """The tokens that are clearly denied. In doubt a word is not.

        A cue that is itself part of a phrase denies nothing: "can't breathe", "no puedo respirar".
        """
        phrases: dict[int, set[int]] = defaultdict(set)
        for number, hit in enumerate(hits):
            for i in hit.tokens:
                phrases[i].add(number)
        things = {i: frozenset(numbers) for i, numbers in phrases.items()}
        denied: set[int] = set()
        for start in range(len(reading.tokens)):
            end = self._cue_end(reading, start, self._deny)
            if end is not None and not any(i in things for i in range(start, end)):
                scope = self._scope(reading, end, things)
                if not self._is_over(reading, max(scope, default=end) + 1):
                    denied |= scope
        return frozenset(denied)

    def _is_over(self, reading: Reading, start: int) -> bool:
        """Whether what was denied has begun since: "no trouble breathing until now"."""
        for i in range(start, min(start + UNTIL_WINDOW, len(reading.tokens))):
            if reading.tokens[i - 1].end in {".", "?"}:
                return False
            if self._cue_end(reading, i, self._until) is not None:
                return True
        return False

    def _cue_end(self, reading: Reading, start: int, cues: Iterable[tuple[str, ...]]) -> int | None:
        for cue in cues:
            end = start + len(cue)
            written = reading.tokens[start:end]
            if tuple(token.text for token in written) == cue and not any(
                token.end for token in written
            ):
                return end
        return None

    def _scope(
        self, reading: Reading, start: int, things: Mapping[int, frozenset[int]]
    ) -> set[int]:
        """What a cue ending before `start` denies: the thing named next, and those after "or".

        `things` says which phrases each token belongs to: a second thing right after the first
        ("no fever pus everywhere") is not denied.
        """
        scope: set[int] = set()
        thing: frozenset[int] = frozenset()
        for i in range(start, len(reading.tokens)):
            token, named = reading.tokens[i], things.get(i, frozenset())
            if token.text in self._stop:
                break
            if token.text in self._or:
                thing = frozenset()
            elif named and (not thing or named & thing):
                thing = named & thing or named
            elif token.text not in self._through:
                break
            scope.add(i)
            if token.end == "?":
                return set()
            if token.end == ".":
                break
            if token.end == ",":
                thing = frozenset()
                if not self._list_goes_on(reading, i + 1, things):
                    break
        return scope

    def _list_goes_on(
        self, reading: Reading, start: int, taken: Mapping[int, frozenset[int]]
    ) -> bool:
        """Whether a list ends in "or" ("no pus, swelling or fever"): only then all is denied."""
        for i in range(start, len(reading.tokens)):
            token = reading.tokens[i]
            if token.text in self._or:
                return True
            if (i not in taken and token.text not in self._through) or token.end in {".", "?"}:
                return False
        return False


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


def _is_taken(hit: Hit, harmless: Iterable[Hit]) -> bool:
    tokens_of = hit.tokens
    return any(
        set(range(start, end)) <= other.tokens and not tokens_of >= other.tokens
        for other in harmless
        for start, end in hit.spans
    )


def _first(items: Iterable[tuple[Span, ...]], count: int) -> Iterator[tuple[Span, ...]]:
    for _, item in zip(range(count), items, strict=False):
        yield item


def _part(language: str, text: str) -> tuple[str, ...]:
    return tuple(
        f"<{language}:{item[1:-1]}>" if item.startswith("<") else item for item in text.split()
    )


def _keyed(phrases: Phrases) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "harmless", phrases.harmless
    for prefix, table in (
        ("flag", phrases.flags),
        ("signal", phrases.signals),
        ("topic", phrases.topics),
    ):
        yield from ((f"{prefix}:{key}", texts) for key, texts in table.items())


def _joined(lists: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset(word for words in lists for word in words)


def read_phrases(layers: Layers) -> Phrasebook:
    """Read `phrases/<language>.toml` and `real_words.toml`.

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
                problems.append(f"{layers.place(name, *keys)}: {'.'.join(keys)}: {fault['msg']}")
        else:
            problems += _unknown_groups(layers.place(name), languages[language])
    if problems:
        raise ContentError(problems)
    real = layers.toml("real_words.toml")
    return Phrasebook(
        languages, frozenset(word for words in real.values() for word in words.split())
    )


def _unknown_groups(file: str, phrases: Phrases) -> Iterator[str]:
    written = [text for _, texts in _keyed(phrases) for text in texts]
    written += [text for texts in phrases.groups.values() for text in texts]
    for text in written:
        for name in re.findall(r"<([^>]*)>", text):
            if name not in phrases.groups:
                yield f"{file}: '{text}': there is no group '{name}' in [groups]"
