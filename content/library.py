"""Everything that is said, when, and what answers: read once from the data files and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from content import needs
from content.doubts import Doubt, doubt_problems
from content.facts import Kind, Session
from content.flags import Flag, flag_problems
from content.learned import Learned, from_text
from content.matching import Phrasebook, read_phrases
from content.profiles import Profile
from content.protocol import PROTOCOL, Protocol, read_protocol
from content.reading import LEARNED_FROM, ContentError, Layers, Model, unknown
from content.recommendations import Names
from content.rules import UNKNOWN, Alike, Rule, alike
from content.spoken import Spoken
from content.steps import Step
from content.story import Story, read_story, story_problems
from content.texts import STEPS, Texts, Variant, read_texts
from content.topics import Topic, topic_problems

T = TypeVar("T")

LEARNED = "learned.txt"
"""What content.learned knows, beside the data files."""

__all__ = ["ContentError", "Library", "load", "read"]


class Source(BaseModel):
    """Where a value comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    title: str
    weak: bool = False
    """A clinic's leaflet or web page: weak alone (clinical.md, part G)."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """The content as values; whoever speaks is handed one."""

    rules: Mapping[str, Rule]
    profiles: Mapping[str, Profile]
    steps: tuple[Step, ...]
    sources: Mapping[str, Source]
    texts: Texts
    phrases: Phrasebook
    flags: tuple[Flag, ...]
    topics: Mapping[str, Topic]
    doubts: Mapping[str, Doubt]
    names: Mapping[str, Names]
    """What in a clinician's recommendation names a rule."""
    learned: Learned
    story: Story
    protocol: Protocol
    fingerprint: str
    """Changes with every change of a value or a text, and with nothing else."""
    switched_off: frozenset[str] = frozenset()
    """Keys of steps that a clinic does not send."""
    _profiles_of: dict[Kind, tuple[str, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _alike: dict[Kind, tuple[Alike, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _hours_of: dict[Kind, Mapping[str, float]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

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

    def profiles_of(self, session: Session) -> tuple[str, ...]:
        """The profiles that hold of the session, in the order of the file."""
        if session.kind not in self._profiles_of:
            self._profiles_of[session.kind] = tuple(
                key for key, profile in self.profiles.items() if profile.holds(session)
            )
        return self._profiles_of[session.kind]

    def hours_of(self, session: Session) -> Mapping[str, float]:
        """Each rule's hour after the session: `rules.hours` of them all, worked out once a kind."""
        if session.kind not in self._hours_of:
            self._hours_of[session.kind] = {
                rule.key: rule.usual_hours(session) for rule in self.rules.values()
            }
        usual = self._hours_of[session.kind]
        return {**usual, **session.overrides} if session.overrides else usual

    def forbidding_alike(self, session: Session) -> tuple[Alike, ...]:
        """The rules that forbid until their hour, by what blocks them after this session."""
        if session.overrides:
            return alike(self.forbidding, self.hours_of(session))
        if session.kind not in self._alike:
            self._alike[session.kind] = alike(self.forbidding, self.hours_of(session))
        return self._alike[session.kind]

    def weeks_apart(self, session: Session) -> int:
        """The least weeks from the session to the next; 0: nothing is known of it."""
        of_kind = (self.profiles[key].weeks_apart for key in self.profiles_of(session))
        return max((weeks for weeks in of_kind if weeks), default=0)

    def texts_for(self, language: str, session: Session | None) -> Variant:
        """The texts as somebody gets them after this session; None: nothing is known of it."""
        return self.texts.variant(language, *self.profiles_of(session or UNKNOWN))

    @cached_property
    def spoken(self) -> Spoken:
        """The words in which staff say how a session differs from the usual."""
        return Spoken(self.texts, self.rules)

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


def read(layers: Layers, learned: Learned | None = None) -> Library:
    """The content of these files and what was learned. Raises ContentError naming all problems."""
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
    profiles = table("profiles.toml", Profile)
    rules = table("rules.toml", Rule)
    problems += _profile_problems(rules, profiles)
    known = learned or heeded(lambda: _read_learned(layers), Learned())
    phrases = heeded(lambda: read_phrases(layers, known.words), Phrasebook({}, frozenset()))
    library = Library(
        rules={} if problems else {key: rule.told(profiles) for key, rule in rules.items()},
        profiles=profiles,
        steps=tuple(step for step in steps.values() if not step.off),
        switched_off=frozenset(step.key for step in steps.values() if step.off),
        sources=table("sources.toml", Source),
        texts=heeded(lambda: read_texts(layers), Texts({})),
        phrases=phrases,
        flags=tuple(table("flags.toml", Flag).values()),
        topics=table("topics.toml", Topic),
        doubts=table("doubts.toml", Doubt),
        names=table("recommendations.toml", Names),
        learned=known,
        story=heeded(
            lambda: read_story(layers, phrases.languages), Story({}, Phrasebook({}, frozenset()))
        ),
        protocol=heeded(lambda: read_protocol(layers), Protocol.nobodys()),
        fingerprint="" if problems else _fingerprint(layers, known),
    )
    # What names an entry of a file that could not be read would be called wrong for no reason.
    if problems := problems or list(_problems(library)):
        raise ContentError(problems)
    return library


def _read_learned(layers: Layers) -> Learned:
    """What ships; a clinic adds phrases, and learns nothing anew. Raises ContentError."""
    file = layers.shipped / LEARNED
    try:
        return _learned(file, file.stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        raise ContentError([f"{LEARNED}: {error}: run `make learn`"]) from error


@lru_cache(maxsize=4)
def _learned(file: Path, _changed: int) -> Learned:
    return from_text(file.read_text("utf-8"))


def _problems(library: Library) -> Iterator[str]:
    """What names something that is not there."""
    yield from _rule_problems(library)
    yield from _step_problems(library)
    yield from flag_problems(library.flags, library.phrases.keys, library.sources)
    yield from topic_problems(library.topics, library.rules, library.phrases.keys, library.sources)
    yield from doubt_problems(
        library.doubts,
        [flag.key for flag in library.flags],
        library.topics,
        library.phrases.keys,
        library.sources,
    )
    yield from story_problems(library.story, library.texts, library.topics, library.sources)
    texts = library.texts.keys()
    yield from needs.of_flags(library.flags, library.topics, texts)
    yield from needs.of_topics(library.topics.values(), texts)
    yield from needs.of_rules(library.rules.values(), library.topics, texts)
    yield from needs.of_doubts(library.doubts.values(), texts)


def _profile_problems(rules: Mapping[str, Rule], profiles: Mapping[str, Profile]) -> Iterator[str]:
    if not profiles:  # the file could not be read
        return
    for rule in rules.values():
        for key in rule.profiles:
            if key not in profiles:
                yield f"rules.toml: {rule.key}.profiles: {unknown(key, profiles)} in profiles.toml"


def _rule_problems(library: Library) -> Iterator[str]:
    for rule in library.rules.values():
        for source in rule.sources:
            if source not in library.sources:
                yield f"rules.toml: {rule.key}.sources: {source} is not in sources.toml"
        for key in rule.needs:
            if key not in library.rules:
                yield f"rules.toml: {rule.key}.needs: {unknown(key, library.rules)}"


def _step_problems(library: Library) -> Iterator[str]:
    keys = sorted({*(step.key for step in library.steps), *library.switched_off})
    for language in library.texts.languages:
        said = {text.split(".")[1] for text in library.texts.keys(language) if _of_a_step(text)}
        for key in sorted(said.difference(keys)):
            yield f"texts/{language}/steps.toml: {unknown(key, keys)} in steps.toml"
    for step in library.steps:
        named = [
            *step.allows,
            *step.apart,
            *step.briefly,
            *step.forbids,
            *step.permits,
            *step.mentions,
            *([step.not_before] if step.not_before else []),
        ]
        for rule in named:
            if rule not in library.rules:
                yield f"steps.toml: {step.key}: {rule} is not in rules.toml"
        for warning in step.warns:
            if warning not in library.topics and all(it.key != warning for it in library.flags):
                yield f"steps.toml: {step.key}.warns: {warning} is no red flag and no topic"
        for part in ("title", "text"):
            if not library.texts.has(f"steps.{step.key}.{part}"):
                yield f"texts/en/steps.toml: {step.key}.{part} is missing"


def _of_a_step(text: str) -> bool:
    return text.startswith(STEPS)


def _fingerprint(layers: Layers, learned: Learned) -> str:
    """Of what the files say: a comment, or the layer a value comes from, makes no difference."""
    digest = hashlib.sha256(learned.version.encode())
    for name in layers.names("*.toml"):
        if name != PROTOCOL and not name.startswith(LEARNED_FROM):
            said = json.dumps(layers.toml(name), sort_keys=True, default=str)
            digest.update(f"{name}\0{said}\0".encode())
    return digest.hexdigest()[:12]
