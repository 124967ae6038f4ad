"""Everything that is said, when, and what answers: read once from the data files and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from content.flags import Flag, flag_problems
from content.matching import Phrasebook, read_phrases
from content.reading import DATA, ContentError, Model, read_table
from content.rules import Rule
from content.steps import Step
from content.texts import Texts, read_texts
from content.topics import Topic, topic_problems

__all__ = ["ContentError", "Library", "load"]


class Source(BaseModel):
    """Where a value comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Library:
    """The content as values; whoever speaks is handed one."""

    rules: Mapping[str, Rule]
    steps: tuple[Step, ...]
    sources: Mapping[str, Source]
    texts: Texts
    phrases: Phrasebook
    flags: tuple[Flag, ...]
    topics: Mapping[str, Topic]
    version: str
    """Changes with every change of a data file; kept with what was sent."""

    def has_step(self, key: str) -> bool:
        """Whether there is such a step in this version of the content."""
        return key in self._step_by_key

    def step(self, key: str) -> Step:
        """The step `key`. Raises KeyError where there is none."""
        return self._step_by_key[key]

    @cached_property
    def forbidding(self) -> tuple[Rule, ...]:
        """The rules that forbid until their hour, in the order of the file."""
        return tuple(rule for rule in self.rules.values() if rule.until_then == "no")

    @cached_property
    def _step_by_key(self) -> Mapping[str, Step]:
        return {step.key: step for step in self.steps}


@cache
def load() -> Library:
    """The shipped content. Raises ContentError naming every problem."""
    return read(DATA)


def read(folder: Path) -> Library:
    """The content in `folder`. Raises ContentError naming every problem."""
    problems: list[str] = []

    def table(name: str, model: type[Model]) -> dict[str, Model]:
        try:
            return read_table(folder / name, model)
        except ContentError as error:
            problems.extend(error.problems)
            return {}

    try:
        phrases = read_phrases(folder)
    except ContentError as error:
        phrases = Phrasebook({}, frozenset())
        problems.extend(error.problems)
    library = Library(
        rules=table("rules.toml", Rule),
        steps=tuple(table("steps.toml", Step).values()),
        sources=table("sources.toml", Source),
        texts=read_texts(folder / "texts"),
        phrases=phrases,
        flags=tuple(table("flags.toml", Flag).values()),
        topics=table("topics.toml", Topic),
        version=_version(folder),
    )
    # What names an entry of a file that could not be read would be called wrong for no reason.
    if problems := problems or list(_problems(library)):
        raise ContentError(problems)
    return library


def _problems(library: Library) -> Iterator[str]:
    """What names something that is not there."""
    yield from _rule_problems(library)
    yield from _step_problems(library)
    yield from flag_problems(library.flags, library.phrases.keys, library.sources)
    yield from topic_problems(library.topics, library.rules, library.phrases.keys, library.sources)


def _rule_problems(library: Library) -> Iterator[str]:
    for rule in library.rules.values():
        for source in rule.sources:
            if source not in library.sources:
                yield f"rules.toml: {rule.key}.sources: {source} is not in sources.toml"


def _step_problems(library: Library) -> Iterator[str]:
    for step in library.steps:
        named = [*step.allows, *step.apart, *([step.not_before] if step.not_before else [])]
        for rule in named:
            if rule not in library.rules:
                yield f"steps.toml: {step.key}: {rule} is not in rules.toml"
        for part in ("title", "text"):
            if not library.texts.has(f"steps.{step.key}.{part}"):
                yield f"texts/en/steps.toml: {step.key}.{part} is missing"


def _version(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.toml")):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
