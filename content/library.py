"""Everything that is said, when, and what answers: read once from the data files and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from content.flags import Flag, flag_problems
from content.matching import Phrasebook, read_phrases
from content.protocol import PROTOCOL, Protocol, read_protocol
from content.reading import ContentError, Layers, Model, unknown
from content.recommendations import Names
from content.rules import Rule
from content.steps import Step
from content.texts import STEPS, Texts, read_texts
from content.topics import Topic, topic_problems

T = TypeVar("T")

__all__ = ["ContentError", "Library", "load", "read"]


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
    names: Mapping[str, Names]
    """What in a clinician's recommendation names a rule."""
    protocol: Protocol
    fingerprint: str
    """Changes with every change of a value or a text, and with nothing else."""
    switched_off: frozenset[str] = frozenset()
    """Keys of steps that a clinic does not send."""

    @property
    def version(self) -> str:
        """Kept with what was sent."""
        return f"{self.protocol.version} {self.fingerprint}"

    @property
    def is_approved(self) -> bool:
        """Whether a clinician has signed off exactly this content."""
        return bool(self.protocol.approved_by) and self.protocol.fingerprint == self.fingerprint

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
def load(content_dir: Path | None = None) -> Library:
    """The content that ships, with a clinic's own laid over it; read once.

    Raises ContentError naming every problem.
    """
    return read(Layers(own=content_dir))


def read(layers: Layers) -> Library:
    """The content of these files. Raises ContentError naming every problem."""
    problems = list(layers.strangers())

    def heeded(part: Callable[[], T], otherwise: T) -> T:
        try:
            return part()
        except ContentError as error:
            problems.extend(error.problems)
            return otherwise

    def table(name: str, model: type[Model]) -> dict[str, Model]:
        return heeded(lambda: layers.table(name, model), {})

    steps = table("steps.toml", Step)
    library = Library(
        rules=table("rules.toml", Rule),
        steps=tuple(step for step in steps.values() if not step.off),
        switched_off=frozenset(step.key for step in steps.values() if step.off),
        sources=table("sources.toml", Source),
        texts=heeded(lambda: read_texts(layers), Texts({})),
        phrases=heeded(lambda: read_phrases(layers), Phrasebook({}, frozenset())),
        flags=tuple(table("flags.toml", Flag).values()),
        topics=table("topics.toml", Topic),
        names=table("recommendations.toml", Names),
        protocol=heeded(lambda: read_protocol(layers), Protocol.nobodys()),
        fingerprint="" if problems else _fingerprint(layers),
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
    keys = {*(step.key for step in library.steps), *library.switched_off}
    for key in {name.split(".")[1] for name in library.texts.keys() if name.startswith(STEPS)}:  # noqa: SIM118
        if key not in keys:
            yield f"texts/en/steps.toml: {unknown(key, sorted(keys))} in steps.toml"
    for step in library.steps:
        named = [*step.allows, *step.apart, *([step.not_before] if step.not_before else [])]
        for rule in named:
            if rule not in library.rules:
                yield f"steps.toml: {step.key}: {rule} is not in rules.toml"
        for part in ("title", "text"):
            if not library.texts.has(f"steps.{step.key}.{part}"):
                yield f"texts/en/steps.toml: {step.key}.{part} is missing"


def _fingerprint(layers: Layers) -> str:
    """Of what the files say: a comment, or the layer a value comes from, makes no difference."""
    digest = hashlib.sha256()
    for name in layers.names("*.toml"):
        if name != PROTOCOL:
            said = json.dumps(layers.toml(name), sort_keys=True, default=str)
            digest.update(f"{name}\0{said}\0".encode())
    return digest.hexdigest()[:12]
