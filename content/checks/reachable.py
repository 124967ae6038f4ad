"""Messages that raise a red flag, written out of the phrases of one language."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product

from content.flags import Flag, find_flags
from content.library import Library
from content.matching import Phrases

MOST_TRIED = 300
"""Phrases tried until one raises its flag."""
MOST_OF_EACH = 30
"""Of each thing that only makes a flag together with others."""


def late_enough(flag: Flag) -> float:
    """Hours after the session at which the flag can come up."""
    return flag.from_hours + 1


def raising(library: Library, flag: Flag, language: str) -> str | None:
    """A phrase of the language's that raises the flag, written out; None: there is none."""
    phrases = library.phrases.languages.get(language)
    if phrases is None:
        return None
    tried = islice(_examples(library, phrases, flag.key), MOST_TRIED)
    return next((text for text in tried if _raises(library, flag, text)), None)


def _raises(library: Library, flag: Flag, text: str) -> bool:
    reading = library.phrases.read(text)
    hits = library.phrases.find(reading)
    raised = find_flags(library.flags, library.phrases.numbers, reading, hits, late_enough(flag))
    return any(one.flag.key == flag.key for one in raised)


def _examples(library: Library, phrases: Phrases, name: str) -> Iterator[str]:
    """Messages that say the flag or signal `name`: its phrases, then what makes it together."""
    for phrase in (*phrases.flags.get(name, ()), *phrases.signals.get(name, ())):
        yield _written(phrases, phrase)
    flag = next((flag for flag in library.flags if flag.key == name), None)
    if flag is None or not flag.all_of:
        return
    each = (
        list(islice((it for one in names for it in _examples(library, phrases, one)), MOST_OF_EACH))
        for names in flag.all_of
    )
    yield from (". ".join(said) for said in product(*each))


def _written(phrases: Phrases, phrase: str) -> str:
    """The phrase as somebody might write it: `<lips> + swell*` -> "lips swell"."""
    items = (item for item in phrase.split() if item != "+")
    return " ".join(
        _written(phrases, phrases.groups[item[1:-1]][0])
        if item.startswith("<")
        else item.removesuffix("*")
        for item in items
    )
