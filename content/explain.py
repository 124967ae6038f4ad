"""What decided an answer, for whoever checks it: `ask --explain`.

It names phrases as they stand in data/phrases, hours and keys: never the patient's own words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from content.flags import Level, Raised, is_number
from content.replies import Voice, verdicts
from content.rules import hours
from content.topics import Topic
from content.understood import Found, Understood

Kind = Literal["flag", "topic", "rule", "doubt", "page", "ignored", "nothing"]
MEASURED = "(a temperature)"
"""Stands for a number that the patient wrote."""
SOUNDS, CALM = "sounds like it", "the message does not sound like it"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One thing that decided, or that was left out of the decision."""

    kind: Kind
    key: str
    """Of a flag (flags.toml), a topic, a rule, a doubt, or what was ignored."""
    level: Level | None = None
    phrases: tuple[str, ...] = ()
    hours: float | None = None
    """Hours since the session's end: until when the phase lasts, from when the rule allows."""
    note: str = ""

    def as_values(self) -> dict[str, object]:
        """As JSON has it: what is empty is left out."""
        values = {
            "kind": self.kind,
            "key": self.key,
            "level": self.level,
            "phrases": list(self.phrases),
            "hours": self.hours,
            "note": self.note,
        }
        return {name: value for name, value in values.items() if value not in (None, [], "")}

    def __str__(self) -> str:
        level = f" -> {self.level}" if self.level else ""
        note = f" ({self.note})" if self.note else ""
        hour = f", {self.hours:g} h" if self.hours is not None else ""
        said = f": {'; '.join(self.phrases)}" if self.phrases else ""
        return f"{self.kind} {self.key}{level}{hour}{note}{said}"


def reasons(
    voice: Voice, understood: Understood, topics: Collection[str], page: str | None
) -> tuple[Reason, ...]:
    """Everything a message was taken for, and everything in it that was not counted.

    `topics` were answered, with the story's `page`.
    """
    found = [
        *map(_of_flag, understood.raised),
        *(reason for one in understood.found for reason in _of_topic(voice, one, topics)),
        *_of_doubt(voice, understood.doubt),
        *([Reason(kind="page", key=page)] if page else []),
        *(
            Reason(
                kind="ignored",
                key=one.key or "unknown",
                phrases=(_no_number(one.phrase),),
                note=one.why,
            )
            for one in understood.ignored
        ),
        *(
            replace(_of_flag(one), kind="ignored", level=None, note=CALM)
            for one in understood.overruled
        ),
    ]
    return tuple(found) or (Reason(kind="nothing", key="unknown", note="no phrase was found"),)


def of_topic(voice: Voice, topic: Topic) -> tuple[Reason, ...]:
    """What decided about a topic that was asked for by its key."""
    return (_placed(voice, topic, topic.level(voice.situation.hours), ()), *_of_rules(voice, topic))


def _of_flag(raised: Raised) -> Reason:
    flag = raised.flag
    return Reason(
        kind="flag",
        key=flag.key,
        level=flag.level,
        phrases=tuple(map(_no_number, raised.matched)),
        hours=flag.from_hours or None,
        note=SOUNDS if flag.learned else f"clinical.md {flag.row}",
    )


def _of_topic(voice: Voice, one: Found, answered: Collection[str]) -> Iterator[Reason]:
    if one.topic.key not in answered:
        yield Reason(kind="ignored", key=one.topic.key, phrases=one.matched, note="not asked for")
        return
    placed = _placed(voice, one.topic, one.level, one.matched)
    yield placed if one.matched else replace(placed, note=SOUNDS)
    if not one.ask_first:
        yield from _of_rules(voice, one.topic)


def _placed(voice: Voice, topic: Topic, level: Level, phrases: Sequence[str]) -> Reason:
    """A side effect with the end of its phase, and whether something said made it more urgent."""
    at = voice.hours
    hour = topic.level(at)
    late = float("inf") if at is None else at
    ends = (phase.until_hours for phase in topic.phases if phase.until_hours is not None)
    return Reason(
        kind="topic",
        key=topic.key,
        level=level,
        phrases=tuple(phrases),
        hours=next((end for end in ends if late < end), None),
        note=f"by the hour {hour}, raised by what is said" if level != hour else "",
    )


def _of_rules(voice: Voice, topic: Topic) -> Iterator[Reason]:
    session = voice.situation.session
    for rule, verdict in verdicts(voice, topic):
        yield Reason(
            kind="rule",
            key=rule.key,
            hours=rule.cautious_from_hours if session is None else hours(rule, session),
            note=verdict,
        )


def _of_doubt(voice: Voice, key: str | None) -> Iterator[Reason]:
    if key is not None:
        doubt = voice.library.doubts[key]
        yield Reason(kind="doubt", key=key, level=doubt.level, note=f"if yes: {doubt.if_yes}")


def _no_number(phrase: str) -> str:
    """A number among the phrases is one that the patient wrote."""
    return MEASURED if is_number(phrase) else phrase
