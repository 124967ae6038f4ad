"""Whether what is said is so: "no fever", "what if I get a fever", "I had a fever last year".

Each phrase found is kept or gets the reason why it does not count. In doubt it counts: a word that
says "now" undoes the past and the "what if", a second thing after a denied one is not denied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from content.hits import Hit, Reading, Why

UNTIL_WINDOW = 4
"""Within how many words after a denied thing "until" ends the denial."""
OVER_REACH = 14
"""How many words before "all gone now" may be what is gone."""


class Denial:
    """The words of denial of all languages: "no fever or pus"."""

    def __init__(
        self,
        *,
        deny: Iterable[str],
        through: frozenset[str],
        either: frozenset[str],
        stop: frozenset[str],
        until: Iterable[str],
    ) -> None:
        """The lists `deny`, `deny_through`, `deny_or`, `deny_stop`, `deny_until` of the phrases."""
        self._deny = _by_first_word(deny)
        self._until = _by_first_word(until)
        self._through, self._or, self._stop = through, either, stop

    @property
    def words(self) -> frozenset[str]:
        """Every word that has to be recognised."""
        return (
            self._through
            | self._or
            | {word for cues in self._deny.values() for cue in cues for word in cue}
        )

    def tokens(self, reading: Reading, hits: Sequence[Hit]) -> frozenset[int]:
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
            end = _cue_end(reading, start, self._deny)
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
            if _cue_end(reading, i, self._until) is not None:
                return True
        return False

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


Cues = Mapping[str, Sequence[tuple[str, ...]]]


def _by_first_word(cues: Iterable[str]) -> Cues:
    found: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for cue in cues:
        words = tuple(cue.split())
        found[words[0]].append(words)
    return found


def _cue_end(reading: Reading, start: int, cues: Cues) -> int | None:
    """The token after the cue that begins at `start`; None: none does."""
    for cue in cues.get(reading.tokens[start].text, ()):
        written = reading.tokens[start : start + len(cue)]
        if tuple(token.text for token in written) == cue and not any(
            token.end for token in written
        ):
            return start + len(cue)
    return None


def framed(
    reading: Reading, hits: Sequence[Hit], denied: frozenset[int], long_ago: Iterable[Hit] = ()
) -> list[Hit]:
    """The hits, each with the reason why it is ignored, if it is; the frames themselves left out.

    `long_ago`: spans of time said that reach back before the session ("three weeks ago").
    """
    frames: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        if hit.kind == "frame" and not any(start in denied for start, _ in hit.spans):
            frames[hit.name].append(hit)
    frames["past"] += long_ago
    signs = {hit.start for hit in hits if hit.kind in {"flag", "topic"}}
    reasons = _reasons(reading, frames, signs)
    return [_judged(hit, denied, reasons) for hit in hits if hit.kind != "frame"]


def _judged(hit: Hit, denied: frozenset[int], reasons: Mapping[Why, frozenset[int]]) -> Hit:
    if any(start in denied for start, _ in hit.spans):
        return replace(hit, ignored="denied")
    why = next((why for why, tokens in reasons.items() if hit.tokens <= tokens), None)
    return replace(hit, ignored=why) if why else hit


def _reasons(
    reading: Reading, frames: Mapping[str, Sequence[Hit]], signs: Collection[int]
) -> dict[Why, frozenset[int]]:
    """The tokens that each frame covers; `signs` are where symptoms begin."""
    over = frozenset(i for hit in frames.get("over", ()) for i in hit.tokens)
    cues = {hit.start for hit in frames.get("now", ()) if not hit.tokens & over}
    now = {cue for cue in cues if not _has_its_own(reading, cue, signs)}
    ongoing = cues | {hit.start for hit in frames.get("ongoing", ())}
    but = {hit.start for hit in frames.get("but", ())}
    turns = but | cues

    def covered(name: str, scope: Callable[[Hit], Iterable[int]]) -> frozenset[int]:
        return frozenset(i for cue in frames.get(name, ()) for i in scope(cue))

    def ahead(cue: Hit) -> Iterator[int]:
        """From the cue to the end of its clause, unless it goes on now."""
        clause = list(_forward(reading, cue.start, but))
        return iter(() if ongoing & set(clause) else clause)

    def around(cue: Hit) -> Iterator[int]:
        """The whole clause, unless something is said to be now."""
        return iter(()) if now else _clause(reading, cue, turns)

    def after(cue: Hit) -> Iterator[int]:
        return iter(()) if now else _forward(reading, cue.start, turns)

    def before(cue: Hit) -> Iterator[int]:
        """What stands before "gone now", in its sentence and the one before."""
        first = reading.sentences[cue.start] - 1
        return (
            i
            for i in range(max(0, cue.start - OVER_REACH), cue.end)
            if reading.sentences[i] >= first
        )

    return {
        "hypothetical": covered("hypothetical", ahead),
        "past": covered("past", around),
        "someone_else": covered("someone_else", after),
        "over": covered("over", before) if not now else frozenset(),
    }


def _has_its_own(reading: Reading, cue: int, signs: Collection[int]) -> bool:
    """Whether "now" says something of its own: then it says nothing of what was before."""
    return any(i in signs for i in _forward(reading, cue, ()))


def _forward(reading: Reading, start: int, stops: Collection[int]) -> Iterator[int]:
    for i in range(start, len(reading.tokens)):
        if reading.sentences[i] != reading.sentences[start] or i in stops:
            return
        yield i


def _clause(reading: Reading, cue: Hit, stops: set[int]) -> Iterator[int]:
    for i in range(cue.start - 1, -1, -1):
        if reading.sentences[i] != reading.sentences[cue.start] or i in stops:
            break
        yield i
    yield from _forward(reading, cue.start, stops)
