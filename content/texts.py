"""Texts by language and key, filled in and escaped for Telegram's HTML.

The texts are `data/texts/<language>/<area>.toml`; the key of `[saved] head = "…"` in `staff.toml`
is `staff.saved.head`. Values put in are escaped, so a name like `<b>&"` is shown as it is; what is
`Markup` already (another text) goes in unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from babel import Locale, UnknownLocaleError
from markupsafe import Markup, escape

from content.reading import ContentError, Layers, unknown

FALLBACK = "en"
STEPS = "steps."
EVERYWHERE = ("clinic", "phone", "emergency_number", "when_closed")
"""What a text may ask for wherever patients read it (`content.messages.clinic_values`)."""


class Text:
    """One text; `fields` are the names of the values it asks for.

    Raises ValueError for one whose braces do not close.
    """

    def __init__(self, words: str) -> None:
        self._words = words
        fields = (field for _, field, _, _ in Formatter().parse(words) if field is not None)
        self.fields = tuple(dict.fromkeys(fields))
        self._ready = None if self.fields else Markup(words.format())  # noqa: S704  ours

    @property
    def words(self) -> str:
        """As it is written, the values it asks for in braces."""
        return self._words

    def fill(self, values: Mapping[str, object]) -> Markup:
        """The text with its `values` put in. Raises KeyError where one is missing."""
        if self._ready is not None:
            return self._ready
        escaped = {
            # `escape` copies what is Markup, as most values are.
            field: value if type(value := values[field]) is Markup else escape(value)
            for field in self.fields
        }
        return Markup(self._words.format_map(escaped))  # noqa: S704  ours, and values are escaped


class Variant:
    """The texts of one language as one kind of reader gets them: `wash_scalp` in place of `wash`.

    `endings` are what such texts end in, the one that counts most first.
    """

    def __init__(self, texts: Mapping[str, Text], endings: tuple[str, ...]) -> None:
        self._texts = dict(texts)
        for ending in reversed(endings):
            for key, text in texts.items():
                if key.endswith(f"_{ending}"):
                    self._texts[key.removesuffix(f"_{ending}")] = text

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def __getitem__(self, key: str) -> Text:
        return self._texts[key]


class Texts:
    """All texts of all languages."""

    def __init__(self, by_language: Mapping[str, Mapping[str, Text]]) -> None:
        self._by_language = by_language
        self._variants: dict[tuple[str, tuple[str, ...]], Variant] = {}

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages there are texts in, sorted."""
        return tuple(sorted(self._by_language))

    def keys(self, language: str = FALLBACK) -> frozenset[str]:
        return frozenset(self._by_language[language])

    def has(self, key: str, language: str = FALLBACK) -> bool:
        return key in self._by_language[self.known(language)]

    def say(self, language: str, key: str, /, **values: object) -> Markup:
        """The text `key` in `language` with `values` put in, as Telegram HTML.

        An unknown language is answered in English. Raises KeyError for an unknown key or a missing
        value: both are faults of the content, found by its tests.
        """
        return self._by_language[self.known(language)][key].fill(values)

    def variant(self, language: str, *endings: str) -> Variant:
        """The texts in `language`, of which those with one of these `endings` come first.

        Made once for each kind of reader, and kept.
        """
        key = self.known(language), endings
        if key not in self._variants:
            self._variants[key] = Variant(self._by_language[key[0]], endings)
        return self._variants[key]

    def known(self, language: str) -> str:
        """The language that is spoken to a reader of `language`."""
        return language if language in self._by_language else FALLBACK


def read_texts(layers: Layers) -> Texts:
    """Read `texts/<language>/*.toml`. Raises ContentError naming every problem.

    A language holds what English holds, no more and no less, and asks for the same values.
    """
    by_language: dict[str, dict[str, Text]] = {}
    problems: list[str] = []
    for name in layers.names("texts/*/*.toml"):
        texts = by_language.setdefault(name.split("/")[1], {})
        for key, words in _flat(name.split("/")[2].removesuffix(".toml"), layers.toml(name)):
            try:
                texts[key] = Text(words)
            except ValueError as error:
                problems.append(f"{_place(layers, name, key)}: {error}")
    if problems := problems or list(_differences(layers, by_language)):
        raise ContentError(problems)
    return Texts(by_language)


def _differences(layers: Layers, by_language: Mapping[str, Mapping[str, Text]]) -> Iterator[str]:
    """Where a language is not as the English that ships: keys, and values that are given.

    Only steps may be new; what they may ask for is what the shipped ones do.
    """
    english = {key: frozenset(text.fields) for key, text in _english(layers)}
    of_steps = frozenset().union(*(english[key] for key in english if key.startswith(STEPS)))
    for language, texts in by_language.items():
        if not _is_language(language):
            yield f"texts/{language}: {language} is no language that dates can be written in"
        for key in sorted(english.keys() - texts.keys()):
            yield f"{_place(layers, _file(language, key), key)} is missing"
        for key, text in texts.items():
            known = english.get(key, of_steps if key.startswith(STEPS) else None)
            place = _place(layers, _file(language, key), key)
            if known is None:
                yield f"{place}: {unknown(key.partition('.')[2], _of_same_file(english, key))}"
                continue
            known |= frozenset(EVERYWHERE)
            for field in frozenset(text.fields) - known:
                given = ", ".join(sorted(known))
                yield f"{place}: {{{field}}} is not known here; known are {given}"


def _is_language(code: str) -> bool:
    try:
        Locale.parse(code)
    except (UnknownLocaleError, ValueError):
        return False
    return True


def _english(layers: Layers) -> Iterator[tuple[str, Text]]:
    shipped = Layers(layers.shipped)
    for name in shipped.names(f"texts/{FALLBACK}/*.toml"):
        for key, words in _flat(Path(name).stem, shipped.toml(name)):
            yield key, Text(words)


def _of_same_file(texts: Iterable[str], key: str) -> list[str]:
    file = key.partition(".")[0]
    return [other.partition(".")[2] for other in texts if other.partition(".")[0] == file]


def _file(language: str, key: str) -> str:
    return f"texts/{language}/{key.partition('.')[0]}.toml"


def _place(layers: Layers, name: str, key: str) -> str:
    inside = key.split(".")[1:]
    return f"{layers.place(name, *inside)}: {'.'.join(inside)}"


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}", inner)
    else:
        yield prefix, str(value).strip("\n")
