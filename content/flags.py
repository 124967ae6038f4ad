"""Red flags: clinical.md, part C. In doubt the higher level; a clear denial counts.

`find_flags` goes over a message in three steps: phrases (content.matching), numbers that are a
temperature, then the flags whose phrases or combinations are there at this hour.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from content.bounds import Hours
from content.hits import Hit, Reading, Why
from content.letters import Token
from content.matching import Numbers
from content.reading import unknown

Level = Literal["info", "normal", "soon", "today", "emergency"]
Sure = Literal["H", "M", "L", "U"]
"""How sure a value is, as clinical.md grades it: from "high" to "unverified"."""
BENT: frozenset[Why] = frozenset({"over", "someone_else"})
"""Reasons that do not silence an emergency."""
LEVELS: tuple[Level, ...] = ("info", "normal", "soon", "today", "emergency")


def rank(level: Level) -> int:
    """Higher is more urgent."""
    return LEVELS.index(level)


class Flag(BaseModel):
    """A sign that overrides whatever else is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    row: str
    """The row of clinical.md, part C ("C12")."""
    level: Level
    topic: str
    says: str
    """Its text: `flags.<says>.what` (whom it is for) and, where there is one, `flags.<says>.do`."""
    sources: tuple[str, ...]
    sure: Sure = "U"
    from_hours: Hours = 0
    all_of: tuple[tuple[str, ...], ...] = ()
    """Signals or flags that make this flag together; of each inner list one is enough."""
    none_of: tuple[str, ...] = ()
    """Signals that make it something else."""
    learned: bool = False
    """Raised by what a message sounds like (content.understanding), not by phrases."""
    asked_topic: str = ""
    """What a message is about that only asks about it ("what if my throat swells"); of a flag at
    `today` its topic."""

    @property
    def about(self) -> str:
        """The topic of a message that speaks of it without having it."""
        return self.asked_topic or self.topic

    @model_validator(mode="after")
    def _emergency_topic(self) -> Flag:
        if (self.level == "emergency") != (self.topic == "emergency"):
            raise ValueError('topic must be "emergency" for that level and for no other')
        return self


@dataclass(frozen=True, kw_only=True)
class Raised:
    """A flag that is up, and the phrases that raised it (never the patient's words)."""

    flag: Flag
    matched: tuple[str, ...]


def flag_problems(
    flags: Sequence[Flag], keys: Collection[str], sources: Collection[str]
) -> Iterator[str]:
    """What names something that is not there; `keys` are the phrasebook's."""
    known = {key.partition(":")[2] for key in keys} | {flag.key for flag in flags}
    for flag in flags:
        for name in (name for names in (*flag.all_of, flag.none_of) for name in names):
            if name not in known:
                yield f"flags.toml: {flag.key}: nothing is called '{name}' in phrases or flags"
        if not (flag.all_of or flag.learned) and f"flag:{flag.key}" not in keys:
            yield f"flags.toml: {flag.key}: no phrases in [flags] and no all_of: it never comes up"
        for source in flag.sources:
            if source not in sources:
                yield f"flags.toml: {flag.key}.sources: {source} is not in sources.toml"
    said = {key.partition(":")[2] for key in keys if key.startswith("flag:")}
    names = sorted(flag.key for flag in flags)
    for key in sorted(said.difference(names)):
        yield f"phrases: flags.{key}: {unknown(key, names)} in flags.toml"


def find_flags(
    flags: Sequence[Flag],
    words: Numbers,
    reading: Reading,
    hits: Sequence[Hit],
    hours: float | None,
) -> list[Raised]:
    """The flags that are up, highest level first, then as written in flags.toml.

    Without a session (`hours` None) every hour counts as late. What is over ("fine now") or was
    another person's ("my sister had") keeps up a flag at `emergency`, and no other.
    """
    raised = _up(flags, _present(words, reading, [hit for hit in hits if not hit.ignored]), hours)
    if any(hit.ignored in BENT for hit in hits):
        bent = [hit for hit in hits if hit.ignored in {None, *BENT}]
        urgent = [flag for flag in flags if flag.level == "emergency"]
        raised |= _up(urgent, _present(words, reading, bent), hours)
    return _sorted(flags, raised.values())


def spoken_of(
    flags: Sequence[Flag],
    words: Numbers,
    reading: Reading,
    hits: Sequence[Hit],
    hours: float | None,
) -> list[Raised]:
    """The flags that a message speaks of, up or not: what is denied is not spoken of."""
    said = [hit for hit in hits if hit.ignored not in {"denied", "harmless"}]
    return _sorted(flags, _up(flags, _present(words, reading, said), hours).values())


def _up(
    flags: Sequence[Flag], present: dict[str, tuple[str, ...]], hours: float | None
) -> dict[str, Raised]:
    raised: dict[str, Raised] = {}
    for flag in sorted(flags, key=lambda flag: bool(flag.all_of)):  # combinations name others
        matched = _matched(flag, present)
        if matched and (hours is None or max(hours, 0) >= flag.from_hours):
            raised[flag.key] = Raised(flag=flag, matched=matched)
            present.setdefault(flag.key, matched)
    return raised


def _sorted(flags: Sequence[Flag], raised: Iterable[Raised]) -> list[Raised]:
    order = {flag.key: number for number, flag in enumerate(flags)}
    return sorted(raised, key=lambda one: (-rank(one.flag.level), order[one.flag.key]))


def _present(words: Numbers, reading: Reading, hits: Sequence[Hit]) -> dict[str, tuple[str, ...]]:
    """The flags and signals among `hits`, with what was found."""
    present: dict[str, tuple[str, ...]] = {}
    near = words.fever | _fever_tokens(reading, hits)
    temperatures = list(_temperatures(words, reading.tokens, near))
    for hit in hits:
        if hit.kind not in {"flag", "signal"}:
            continue
        if hit.name == "fever" and _is_measured(reading, hit, temperatures):
            continue
        present[hit.name] = (*present.get(hit.name, ()), hit.phrase)
    for value, written, _ in temperatures:
        if value == "fever":
            present["fever"] = (*present.get("fever", ()), written)
    return present


def _matched(flag: Flag, present: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if any(name in present for name in flag.none_of):
        return ()
    if not flag.all_of:
        return tuple(dict.fromkeys(present.get(flag.key, ())))
    found = [
        next((present[name][0] for name in names if name in present), "") for names in flag.all_of
    ]
    return tuple(dict.fromkeys(found)) if all(found) else ()


# --- temperatures ----------------------------------------------------------------------------
# 38 C = 100.4 F (clinical.md, B2 and C5). A number counts near a word of fever, with a sign of
# degrees, as a decimal, or where it stands alone ("39"); not as an age, a time, an SPF, a day.
# The words around it are in data/phrases, [numbers].

_CELSIUS = (38.0, 43.0)
_FAHRENHEIT = (100.4, 109.0)
_NORMAL = ((35.0, 37.999), (95.0, 99.999))
_NEAR = 6

_NUMBER = re.compile(r"\d{2,3}(?:[.,]\d{1,2})?$")


def is_number(phrase: str) -> bool:
    """Whether what raised a flag is a temperature that was written, and no phrase."""
    return bool(_NUMBER.match(phrase))


def _fever_tokens(reading: Reading, hits: Sequence[Hit]) -> frozenset[str]:
    return frozenset(
        reading.tokens[i].text for hit in hits if hit.key == "signal:fever" for i in hit.tokens
    )


Temperature = tuple[Literal["fever", "normal"], str, int]
"""What it is, the number as written, and its token."""


def _is_measured(reading: Reading, hit: Hit, temperatures: Sequence[Temperature]) -> bool:
    """Whether a word of fever only says what was measured, and that is normal ("temp is 36.8").

    A word for fever itself gives way only to a number right behind it ("fever of 37.2").
    """
    tokens = reading.tokens
    is_neutral = tokens[hit.start].text.startswith(("temp", "ther", "term"))
    for value, _, place in temperatures:
        distance = place - hit.start
        between = tokens[hit.start : place]
        if value == "normal" and (
            (is_neutral and abs(distance) <= 2 * _NEAR)
            or (0 < distance <= 2 and not any(token.end for token in between))
        ):
            return True
    return False


def _temperatures(
    words: Numbers, tokens: Sequence[Token], fever_words: Collection[str]
) -> Iterator[Temperature]:
    """Each number that is a body temperature."""
    for i, token in enumerate(tokens):
        if not _NUMBER.match(token.text):
            continue
        value = float(token.text.replace(",", "."))
        if _is_other(words, tokens, i) or not _is_of_a_body(words, tokens, i, fever_words):
            continue
        if _between(value, _CELSIUS) or _between(value, _FAHRENHEIT):
            yield "fever", token.text, i
        elif any(_between(value, normal) for normal in _NORMAL):
            yield "normal", token.text, i


def _between(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


def _is_other(words: Numbers, tokens: Sequence[Token], i: int) -> bool:
    """An age, a time, a telephone number in groups, an SPF, a price."""
    after = tokens[i + 1].text if i + 1 < len(tokens) and not tokens[i].end else ""
    before = tokens[i - 1].text if i else ""
    in_a_group = after.isdigit() or before.isdigit()
    return after in words.other_after or before in words.other_before or in_a_group


def _is_of_a_body(
    words: Numbers, tokens: Sequence[Token], i: int, fever_words: Collection[str]
) -> bool:
    near = {token.text for token in tokens[max(0, i - _NEAR) : i + _NEAR + 1]}
    if not near.isdisjoint(fever_words):
        return True
    if near & words.not_of_a_body:
        return False
    after = tokens[i + 1].text if i + 1 < len(tokens) else ""
    others = {token.text for j, token in enumerate(tokens) if j != i and not token.text.isdigit()}
    is_alone = others <= words.alone | words.degrees
    return is_alone or after in words.degrees or not tokens[i].text.isdigit()
