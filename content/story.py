"""The story of the treatment: its pages, what each claims and from where, and which page fits.

What a page says is content.pages; the words are in texts/<language>/story.toml.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from content.flags import Sure
from content.matching import Phrase, Phrasebook, Phrases, unknown_groups
from content.reading import ContentError, Layers, unknown
from content.texts import EVERYWHERE, FALLBACK, Texts

STORY = "story.toml"
PARTS = (
    "session",
    "apart",
    "visit",
    "counts",
    "results",
    "effects",
    "leave_out",
    "maintenance",
    "emergency",
    "short",
)
"""What a page's text may ask for besides the page's own numbers: worked out in content.pages."""

Opens = Literal["today", "plan", "sideeffects"]


class Claim(BaseModel):
    """One paragraph of a page, and what it rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[str, ...] = ()
    """None: nothing medical, or what rules, topics and the patient's own session say."""
    sure: Sure | None = None


class Range(BaseModel):
    """A number that the page's texts name, or from one to another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least: int
    most: int | None = None
    unit: Literal["hour", "day", "week", "month"] | None = None


class Page(BaseModel):
    """One page: its title, its claims one below the other, and where its buttons lead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    topic: str
    """What the answer counts as, and what a message must be about for this page to be chosen."""
    under: str | None = None
    """The page that `Back` leads to; None: the first."""
    root: bool = False
    """Whether it answers the topic's command."""
    off: bool = False
    """A clinic that does not speak of it: nor is what stands under it shown."""
    claims: Mapping[str, Claim] = Field(min_length=1)
    numbers: Mapping[str, Range] = {}
    opens: tuple[Opens, ...] = ()
    """Commands that its buttons answer."""
    phrases: Mapping[str, tuple[Phrase, ...]] = {}
    """By language: what in a message chooses this page (written as in data/phrases)."""


@dataclass(frozen=True)
class Story:
    """The pages in their order, and what chooses one."""

    pages: Mapping[str, Page]
    phrases: Phrasebook

    @property
    def first(self) -> Page | None:
        return next(iter(self.pages.values()), None)

    def root(self, topic: str) -> Page | None:
        """The page that answers the topic's command; None where the topic has no story."""
        return next((it for it in self.pages.values() if it.root and it.topic == topic), None)

    def under(self, page: Page) -> tuple[Page, ...]:
        return tuple(it for it in self.pages.values() if it.under == page.key)

    def after(self, page: Page) -> Page | None:
        """The page that `Next` turns to."""
        keys = list(self.pages)
        following = keys[keys.index(page.key) + 1 :]
        return self.pages[following[0]] if following else None

    def page_for(self, text: str) -> Page | None:
        """The page whose words `text` has: the more special one, then the one with more of them.

        Whatever is written, it never raises.
        """
        words: dict[str, set[int]] = defaultdict(set)
        for hit in self.phrases.find(self.phrases.read(text)):
            words[hit.key.partition(":")[2]] |= hit.tokens
        found = (page for key, page in self.pages.items() if key in words)
        return max(found, key=lambda it: (self._depth(it), len(words[it.key])), default=None)

    def _depth(self, page: Page) -> int:
        return 0 if page.under is None else 1 + self._depth(self.pages[page.under])


def read_story(layers: Layers, languages: Mapping[str, Phrases]) -> Story:
    """Read `story.toml`; groups, fluff and denial are those of the phrases of each language.

    Raises ContentError naming every problem.
    """
    pages = layers.table(STORY, Page)
    if problems := list(_order_problems(layers, pages)):
        raise ContentError(problems)
    shown: dict[str, Page] = {}
    for page in pages.values():
        if not page.off and (page.under is None or page.under in shown):
            shown[page.key] = page
    return Story(shown, _phrasebook(layers, shown, languages))


def _order_problems(layers: Layers, pages: Mapping[str, Page]) -> Iterator[str]:
    """Every page but the first stands under one that came before it."""
    before: list[str] = []
    for page in pages.values():
        place = f"{layers.place(STORY, page.key)}: {page.key}.under"
        if page.under is not None and page.under not in before:
            yield f"{place}: {unknown(page.under, before)} before it"
        elif page.under is None and before:
            yield f"{place}: only the first page, {before[0]}, stands under none"
        before.append(page.key)


def _phrasebook(
    layers: Layers, pages: Mapping[str, Page], languages: Mapping[str, Phrases]
) -> Phrasebook:
    choosing = {
        language: {
            key: page.phrases[language] for key, page in pages.items() if language in page.phrases
        }
        for language in languages
    }
    own: dict[str, object] = {"flags": {}, "signals": {}, "harmless": ()}
    chosen = {
        language: phrases.model_copy(update={**own, "topics": choosing[language]})
        for language, phrases in languages.items()
    }
    real = layers.toml("real_words.toml")
    return Phrasebook(chosen, frozenset(word for words in real.values() for word in words.split()))


def story_problems(
    story: Story, texts: Texts, topics: Collection[str], sources: Collection[str]
) -> Iterator[str]:
    """What names something that is not there; `topics` and `sources` are their keys."""
    for page in story.pages.values():
        if page.topic not in topics:
            yield f"{STORY}: {page.key}.topic: {unknown(page.topic, sorted(topics))} in topics.toml"
        elif story.root(page.topic) is None:
            yield f"{STORY}: {page.key}.topic: no page with root = true answers /{page.topic}"
        for claim, rests in page.claims.items():
            for source in rests.sources:
                if source not in sources:
                    yield f"{STORY}: {page.key}.claims.{claim}: {source} is not in sources.toml"
        yield from _phrase_problems(page, story.phrases.languages)
        yield from _text_problems(page, texts)


def _phrase_problems(page: Page, languages: Mapping[str, Phrases]) -> Iterator[str]:
    for language, written in page.phrases.items():
        place = f"{STORY}: {page.key}.phrases.{language}"
        if language not in languages:
            yield f"{place}: there is no phrases/{language}.toml"
        else:
            yield from unknown_groups(place, written, languages[language].groups)


def _text_problems(page: Page, texts: Texts) -> Iterator[str]:
    said = texts.variant(FALLBACK)
    known = {*page.numbers, *PARTS, *EVERYWHERE}
    for name in ("title", *page.claims):
        key = f"story.{page.key}.{name}"
        if key not in said:
            yield f"texts/{FALLBACK}/story.toml: {page.key}.{name} is missing"
            continue
        for field in said[key].fields:
            if field not in known:
                place = f"texts/{FALLBACK}/story.toml: {page.key}.{name}"
                given = ", ".join(sorted(known))
                yield f"{place}: {{{field}}} is not known here; known are {given}"
