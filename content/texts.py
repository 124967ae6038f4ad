"""Texts by language and key, filled in and escaped for Telegram's HTML.

The texts are `data/texts/<language>/<area>.toml`; the key of `[saved] head = "…"` in `staff.toml`
is `staff.saved.head`. Values put in are escaped, so a name like `<b>&"` is shown as it is; what is
`Markup` already (another text) goes in unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from content.reading import read_toml

FALLBACK = "en"


class Texts:
    """All texts of all languages."""

    def __init__(self, by_language: Mapping[str, Mapping[str, str]]) -> None:
        self._by_language = by_language

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
        return Markup(self._by_language[self.known(language)][key]).format(**values)  # noqa: S704 ours

    def known(self, language: str) -> str:
        """The language that is spoken to a reader of `language`."""
        return language if language in self._by_language else FALLBACK


def read_texts(folder: Path) -> Texts:
    """Read `folder/<language>/*.toml`. Raises ContentError for a broken file."""
    return Texts(
        {
            language.name: {
                key: text
                for file in sorted(language.glob("*.toml"))
                for key, text in _flat(file.stem, read_toml(file))
            }
            for language in sorted(folder.iterdir())
            if language.is_dir()
        }
    )


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}", inner)
    else:
        yield prefix, str(value).strip("\n")
