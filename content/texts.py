"""Texts by language and key, filled in and escaped for Telegram's HTML.

The texts are `data/texts/<language>/<area>.toml`; the key of `[saved] head = "…"` in `staff.toml`
is `staff.saved.head`. Values put in are escaped, so a name like `<b>&"` is shown as it is; what is
`Markup` already (another text) goes in unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from markupsafe import Markup, escape

from content.reading import ContentError, read_toml

FALLBACK = "en"


class Text:
    """One text; `fields` are the names of the values it asks for.

    Raises ValueError for one whose braces do not close.
    """

    def __init__(self, words: str) -> None:
        self._words = words
        fields = (field for _, field, _, _ in Formatter().parse(words) if field is not None)
        self.fields = tuple(dict.fromkeys(fields))
        self._ready = None if self.fields else Markup(words.format())  # noqa: S704  ours

    def fill(self, values: Mapping[str, object]) -> Markup:
        """The text with its `values` put in. Raises KeyError where one is missing."""
        if self._ready is not None:
            return self._ready
        escaped = {field: escape(values[field]) for field in self.fields}
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


def read_texts(folder: Path) -> Texts:
    """Read `folder/<language>/*.toml`. Raises ContentError for a broken file."""
    return Texts(
        {
            language.name: {
                key: _text(file, key, words)
                for file in sorted(language.glob("*.toml"))
                for key, words in _flat(file.stem, read_toml(file))
            }
            for language in sorted(folder.iterdir())
            if language.is_dir()
        }
    )


def _text(file: Path, key: str, words: str) -> Text:
    try:
        return Text(words)
    except ValueError as error:
        raise ContentError([f"texts/{file.parent.name}/{file.name}: {key}: {error}"]) from error


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}", inner)
    else:
        yield prefix, str(value).strip("\n")
