"""Red flags: clinical.md, part C. In doubt the higher level; only what is clearly denied is not one.

`find_flags` goes over a message in three steps: phrases (content.matching), numbers that are a
temperature, then the flags whose phrases or combinations are there at this hour.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from content.matching import Hit, Reading, Token
from content.reading import ContentError, read_table

Level = Literal["info", "normal", "soon", "today", "emergency"]
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
    from_hours: float = 0
    all_of: tuple[tuple[str, ...], ...] = ()
    """Signals or flags that make this flag together; of each inner list one is enough."""

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


def read_flags(file: Path, keys: Collection[str]) -> tuple[Flag, ...]:
    """Read flags.toml; `keys` are the phrasebook's. Raises ContentError naming every problem."""
    flags = tuple(read_table(file, Flag).values())
    known = {key.partition(":")[2] for key in keys} | {flag.key for flag in flags}
    problems = [
        f"{file.name}: {flag.key}.all_of: nothing is called '{name}' in phrases or flags"
        for flag in flags
        for names in flag.all_of
        for name in names
        if name not in known
    ]
    problems += [
        f"{file.name}: {flag.key}: no phrases in [flags] and no all_of: nothing can raise it"
        for flag in flags
        if not flag.all_of and f"flag:{flag.key}" not in keys
    ]
    if problems:
        raise ContentError(problems)
    return flags


def find_flags(
    flags: Sequence[Flag], reading: Reading, hits: Sequence[Hit], hours: float | None
) -> list[Raised]:
    """The flags that are up, highest level first, then as written in flags.toml.

    Without a session (`hours` None) every hour counts as late.
    """
    present = _present(reading, hits)
    raised: dict[str, Raised] = {}
    for flag in sorted(flags, key=lambda flag: bool(flag.all_of)):  # combinations name others
        matched = _matched(flag, present)
        if matched and (hours is None or hours >= flag.from_hours):
            raised[flag.key] = Raised(flag=flag, matched=matched)
            present.setdefault(flag.key, matched)
    return sorted(raised.values(), key=lambda one: (-rank(one.flag.level), flags.index(one.flag)))


def _present(reading: Reading, hits: Sequence[Hit]) -> dict[str, tuple[str, ...]]:
    """Flags and signals that are said and not denied, with what was found."""
    present: dict[str, tuple[str, ...]] = {}
    temperatures = list(_temperatures(reading.tokens, _FEVER_WORDS | _fever_tokens(reading, hits)))
    no_fever = any(value == "normal" for value, _ in temperatures)
    for hit in hits:
        kind, _, name = hit.key.partition(":")
        if kind == "topic" or hit.denied or (name == "fever" and no_fever):
            continue
        present[name] = (*present.get(name, ()), hit.phrase)
    for value, written in temperatures:
        if value == "fever":
            present["fever"] = (*present.get("fever", ()), written)
    return present


def _matched(flag: Flag, present: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if not flag.all_of:
        return tuple(dict.fromkeys(present.get(flag.key, ())))
    found = [
        next((present[name][0] for name in names if name in present), "") for names in flag.all_of
    ]
    return tuple(dict.fromkeys(found)) if all(found) else ()


# --- temperatures ----------------------------------------------------------------------------
# 38 C = 100.4 F (clinical.md, B2 and C5). A number counts near a word of fever, with a sign of
# degrees, as a decimal, or where it stands alone ("39"); not as an age, a time, an SPF, a day.

_CELSIUS = (38.0, 43.0)
_FAHRENHEIT = (100.4, 109.0)
_NORMAL = ((35.0, 37.999), (95.0, 99.999))
_NEAR = 6

_NUMBER = re.compile(r"\d{2,3}(?:[.,]\d{1,2})?$")
_FEVER_WORDS = frozenset(
    "fever fevers fiebre temp temperature temperatura thermometer termometro calentura reading "
    "burning ardiendo".split()
)
_DEGREES = frozenset(
    "c f celsius centigrade centigrados centigrado fahrenheit farenheit degrees degree deg grados "
    "grado o".split()
)
# What a number is when one of these follows it, or stands before it.
_OTHER_AFTER = frozenset(
    "years year yrs yr yo anos ano hours hour hrs hr h horas hora minutes minute mins min minutos "
    "minuto seconds secs segundos days day dias dia weeks week wks semanas semana months month "
    "meses mes times veces questions question preguntas kg kilos lbs pounds stone cm mm ml mg g "
    "percent % euros euro dollars dollar pounds pesos needles people personas am pm spf sessions "
    "sesiones spots granos st nd rd th ° old x products miles km".split()
)
_OTHER_BEFORE = frozenset(
    "spf factor day dia days age aged edad number numero no room street road calle bus size talla "
    "page pagina € £ $ week semana month route top highway version chapter iphone since call 0 "
    "ring dial phone tel telefono llamar".split()
)
_NOT_OF_A_BODY = frozenset(
    "wash washing water shower bath agua ducha lavar lavadora oven horno outside fuera weather "
    "outdoors sauna tub sun sol pool room humidity washed machine laundry pillowcase".split()
)
# What may stand beside a number that stands alone: "it's 39 now", "estoy a 39".
_ALONE = frozenset(
    "its it is at now says said reads was im i am me my on of a help please pls oh god omg around "
    "about nearly almost over like just and still tengo estoy con de ahora marca ya casi ayuda por "
    "favor es the have got hi hello hola hey doctor up to mas or y so feel feeling hit gone went "
    "wtf what do que hago should what".split()
)


def _fever_tokens(reading: Reading, hits: Sequence[Hit]) -> frozenset[str]:
    return frozenset(
        reading.tokens[i].text for hit in hits if hit.key == "signal:fever" for i in hit.tokens
    )


def _temperatures(
    tokens: Sequence[Token], fever_words: Collection[str]
) -> Iterator[tuple[Literal["fever", "normal"], str]]:
    """Each number that is a body temperature: "fever" or "normal", and the number."""
    for i, token in enumerate(tokens):
        if not _NUMBER.match(token.text):
            continue
        value = float(token.text.replace(",", "."))
        if _is_something_else(tokens, i) or not _is_of_a_body(tokens, i, fever_words):
            continue
        if _between(value, _CELSIUS) or _between(value, _FAHRENHEIT):
            yield "fever", token.text
        elif any(_between(value, normal) for normal in _NORMAL):
            yield "normal", token.text


def _between(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


def _is_something_else(tokens: Sequence[Token], i: int) -> bool:
    after = tokens[i + 1].text if i + 1 < len(tokens) and not tokens[i].end else ""
    before = tokens[i - 1].text if i else ""
    beside = after.isdigit() or before.isdigit()  # a telephone number in groups
    return after in _OTHER_AFTER or before in _OTHER_BEFORE or beside


def _is_of_a_body(tokens: Sequence[Token], i: int, fever_words: Collection[str]) -> bool:
    near = {token.text for token in tokens[max(0, i - _NEAR) : i + _NEAR + 1]}
    if near & set(fever_words):
        return True
    if near & _NOT_OF_A_BODY:
        return False
    after = tokens[i + 1].text if i + 1 < len(tokens) else ""
    others = {token.text for j, token in enumerate(tokens) if j != i}
    return (
        after in _DEGREES
        or not tokens[i].text.isdigit()
        or others <= _ALONE | _DEGREES
    )
