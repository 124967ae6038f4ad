"""Messages as people write them, by what they are about: data/examples/<language>.toml.

Phrases say which words decide; examples show whole messages, and `content.likeness` learns from
them what else goes with a topic. `emergency` and `unknown` have examples too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ConfigDict, ValidationError

from content.likeness import Example, Likeness
from content.matching import Phrasebook, Phrases
from content.reading import ContentError, Layers

OF_A_PHRASE = 0.33
"""What a phrase counts beside a message."""


class Examples(BaseModel):
    """One language's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topics: Mapping[str, tuple[str, ...]]


def read_examples(layers: Layers, book: Phrasebook) -> Likeness:
    """What the examples and the plain phrases teach. Raises ContentError naming every problem."""
    files: list[Examples] = []
    problems: list[str] = []
    for name in layers.names("examples/*.toml"):
        try:
            files.append(Examples.model_validate(layers.toml(name)))
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                keys = [str(part) for part in fault["loc"]]
                problems.append(f"{layers.place(name, *keys)}: {'.'.join(keys)}: {fault['msg']}")
    if problems:
        raise ContentError(problems)
    written = (
        Example(text, topic)
        for file in files
        for topic, texts in file.topics.items()
        for text in texts
    )
    return Likeness([*written, *_phrases(book)] if files else [])


def _phrases(book: Phrasebook) -> Iterator[Example]:
    """The phrases of topics that are plain words: of a group, only some ways are ever said."""
    for phrases in book.languages.values():
        yield from _plain(phrases)


def _plain(phrases: Phrases) -> Iterator[Example]:
    for topic, texts in phrases.topics.items():
        for text in texts:
            if "<" not in text:
                yield Example(text.replace(" + ", " ").replace("*", ""), topic, OF_A_PHRASE)
