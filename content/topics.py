"""What is answered: side effects placed in their phase by the hour, care by the rules, the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from content.bounds import Hours
from content.flags import Level, Sure, rank
from content.reading import unknown

Kind = Literal["effect", "care", "about"]


class Phase(BaseModel):
    """How a side effect is to be seen until an hour after the session."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["normal", "soon", "today"]
    until_hours: Hours | None = None
    """The first hour of the next phase; None: for good."""


class Raise(BaseModel):
    """What makes a side effect more urgent than its hour does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signal: str
    level: Literal["soon", "today"]
    from_hours: Hours = 0


class Topic(BaseModel):
    """One thing patients ask about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    kind: Kind
    phases: tuple[Phase, ...] = ()
    """Of a side effect, in the order of their hours."""
    raised: tuple[Raise, ...] = ()
    starts_hours: Hours | None = None
    """Of a side effect: from when it is to be expected; None: never."""
    common: bool = True
    """Of a side effect that is to be expected: whether it is one of the common ones."""
    ask_first: tuple[str, ...] = ()
    """Of care: signals with which no rule answers, but `answers.ask_first.<signal>`; the first
    that is said counts."""
    rules: tuple[str, ...] = ()
    """Of care: the keys of the rules that answer it."""
    sources: tuple[str, ...] = ()
    sure: Sure | None = None
    """How sure that is, as clinical.md grades it; None: it rests on the rules, or on nothing
    medical."""

    @model_validator(mode="after")
    def _phases_are_whole(self) -> Topic:
        if bool(self.phases) != (self.kind == "effect"):
            raise ValueError("phases belong to a side effect, and every side effect has some")
        ends = [phase.until_hours for phase in self.phases]
        if ends and (ends[-1] is not None or None in ends[:-1]):
            raise ValueError("only the last phase is without until_hours")
        if sorted(end for end in ends if end is not None) != ends[:-1]:
            raise ValueError("phases must follow each other by until_hours")
        if ends and self.phases[-1].level == "normal":
            raise ValueError('the last phase must be "soon" or "today": nothing is normal for good')
        return self

    @property
    def expected_until(self) -> float:
        """The hour after the session up to which it is expected; 0: it never is."""
        ends = (phase.until_hours or 0 for phase in self.phases if phase.level == "normal")
        return max(ends, default=0)

    def level(self, hours: float | None, signals: Collection[str] = ()) -> Level:
        """How urgent it is at `hours` after the session; None (no session known): as if late."""
        if self.kind != "effect":
            return "info"
        late = float("inf") if hours is None else hours
        phase = next(
            phase for phase in self.phases if phase.until_hours is None or late < phase.until_hours
        )
        raised = [each.level for each in self._raising(hours, signals)]
        return max([phase.level, *raised], key=rank)

    def asked_first(self, signals: Collection[str]) -> str:
        """Which of the signals of `ask_first` is said; "": none."""
        return next((signal for signal in self.ask_first if signal in signals), "")

    def raised_by(self, hours: float | None, signals: Collection[str]) -> tuple[str, ...]:
        """The signals that make it more urgent at that hour."""
        return tuple(each.signal for each in self._raising(hours, signals))

    def _raising(self, hours: float | None, signals: Collection[str]) -> list[Raise]:
        late = float("inf") if hours is None else hours
        return [each for each in self.raised if each.signal in signals and late >= each.from_hours]


def topic_problems(
    topics: Mapping[str, Topic],
    rules: Collection[str],
    keys: Collection[str],
    sources: Collection[str],
) -> Iterator[str]:
    """What names something that is not there; `rules` are their keys, `keys` the phrasebook's."""
    for topic in topics.values():
        for rule in topic.rules:
            if rule not in rules:
                yield f"topics.toml: {topic.key}.rules: there is no rule '{rule}'"
        for each in topic.raised:
            if f"signal:{each.signal}" not in keys:
                yield f"topics.toml: {topic.key}.raised: no signal '{each.signal}' in phrases"
        for signal in topic.ask_first:
            if f"signal:{signal}" not in keys:
                yield f"topics.toml: {topic.key}.ask_first: no signal '{signal}' in phrases"
        for source in topic.sources:
            if source not in sources:
                yield f"topics.toml: {topic.key}.sources: {source} is not in sources.toml"
    said = {key.partition(":")[2] for key in keys if key.startswith("topic:")}
    yield from (
        f"phrases: topics.{key}: {unknown(key, topics)} in topics.toml"
        for key in sorted(said - topics.keys())
    )
    yield from (
        f"topics.toml: {key}: no phrases in [topics]" for key in sorted(topics.keys() - said)
    )
