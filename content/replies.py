"""The sentences of an answer, about one topic at one hour: side effects, care, the rest.

Nothing here decides what a message is about: that is content.understanding; nor what is said
together: that is content.answers. No text holds an hour: hours come from rules and phases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from markupsafe import Markup

from content import wording
from content.facts import Situation
from content.flags import Level
from content.library import Library
from content.messages import clinic_values
from content.rules import Rule, blocked
from content.texts import Variant
from content.topics import Topic
from content.understood import Found

Detail = Literal[1, 2, 3]
"""How much is said of one topic: 3 is all of it, 1 only what this hour means and when to call."""
DETAILS: tuple[Detail, ...] = (3, 2, 1)
LONGEST = 1500
"""Characters of a reply to one message, whatever it asks."""


@dataclass(frozen=True)
class Voice:
    """Says things to one patient at one moment."""

    library: Library
    situation: Situation
    said_hours: float | None = None
    """Hours since the session as the patient says; what is known counts first."""

    def say(self, key: str, /, **values: object) -> Markup:
        """The text, in its variant for sessions like this one where there is one."""
        return self._texts[key].fill({**self._clinic, **values})

    def has(self, key: str) -> bool:
        return key in self._texts

    def optional(self, *keys: str) -> list[Markup]:
        """Those of the texts that there are."""
        return [self.say(key) for key in keys if self.has(key)]

    def names(self, topics: Iterable[str]) -> str:
        """The names of topics as one list, to stand after a colon."""
        names = [str(self.say(f"topics.{topic}.name")) for topic in topics]
        return wording.listing(names, self.language)

    @property
    def language(self) -> str:
        """The one that is spoken, which may not be the patient's."""
        return self.library.texts.known(self.situation.patient.language)

    @property
    def hours(self) -> float | None:
        """Hours since the session ended; None: nobody has said."""
        return self.said_hours if self.situation.hours is None else self.situation.hours

    @property
    def day(self) -> int | None:
        """Day N after the session; where it is only said when, by whole days."""
        if self.situation.session is None and self.said_hours is not None:
            return int(self.said_hours // 24)
        return self.situation.day

    @cached_property
    def _texts(self) -> Variant:
        return self.library.texts_for(self.language, self.situation.session)

    @cached_property
    def _clinic(self) -> Mapping[str, str | Markup]:
        return clinic_values(self.library, self.situation)


def lines(parts: Iterable[Markup]) -> Markup:
    """One below the other."""
    return Markup("\n").join(parts)


def paragraphs(parts: Iterable[Markup]) -> Markup:
    """One below the other with a gap, without the empty ones."""
    return Markup("\n\n").join(part for part in parts if part)


# --- side effects ----------------------------------------------------------------------------


def effect(voice: Voice, topic: Topic, level: Level, detail: Detail = 3) -> list[Markup]:
    """A side effect that is expected or late: what this hour means, what to do, when to call."""
    key, values = f"topics.{topic.key}", _course(voice, topic)
    late = "" if level == "normal" else "_late"
    own = f"{key}.head"
    means = "early" if level == "normal" and _is_early(voice, topic) else level
    head = own if means == "normal" and voice.has(own) else f"answers.{means}.{_when(voice)}"
    return [
        voice.say(head, name=voice.say(f"{key}.name"), day=voice.day),
        *([voice.say(f"{key}.what", **values)] if detail == 3 else []),
        *(voice.optional(f"{key}.home") if detail >= 2 else []),
        voice.say(f"{key}.call{late}", **values),
    ]


def late_effect(voice: Voice, topic: Topic, detail: Detail = 3) -> list[Markup]:
    """One of several that are past their hour: whom to call has been said above."""
    key = f"topics.{topic.key}"
    name = voice.say(f"{key}.name")
    return [
        voice.say(f"answers.late.{_when(voice)}", name=name, day=voice.day),
        voice.say(f"{key}.call_late", **_course(voice, topic)),
        *(voice.optional(f"{key}.home") if detail >= 2 else []),
    ]


def _is_early(voice: Voice, topic: Topic) -> bool:
    """Before it is to be expected: nobody is told that it is."""
    return voice.hours is not None and max(voice.hours, 0) < (topic.starts_hours or 0)


def _when(voice: Voice) -> str:
    if voice.hours is None:
        return "unplaced"
    return "day" if (voice.day or 0) > 0 else "day0"


def _course(voice: Voice, topic: Topic) -> dict[str, object]:
    """The hours of a side effect in words, from its phases."""
    end = topic.expected_until
    grows = min((it.from_hours for it in topic.raised if it.from_hours), default=end)
    return {
        "usual_end": wording.span(end, voice.language),
        "grows_after": wording.span(grows, voice.language),
        "first_day": int((topic.starts_hours or 0) // 24),
        "last_day": int(end // 24),
    }


def expected_now(voice: Voice) -> Mapping[str, Sequence[str]]:
    """Side effects by what they mean at this hour: "normal", "later", "soon", "today"."""
    placed: dict[str, list[str]] = defaultdict(list)
    for topic in voice.library.topics.values():
        if topic.kind == "effect":
            placed[_place(topic, voice.situation.hours)].append(topic.key)
    return placed


def _place(topic: Topic, hours: float | None) -> str:
    """The line of /sideeffects that names it: "" where it is not yet and never expected."""
    level = topic.level(hours)
    if level != "normal" or hours is None:
        return level
    if topic.starts_hours is None:
        return ""
    return "normal" if hours >= topic.starts_hours else "later"


# --- care ------------------------------------------------------------------------------------


def care(voice: Voice, topic: Topic, detail: Detail = 3, *, named: bool = False) -> list[Markup]:
    """What its rules say now, and how to go about it; `named`: among others, so by its name."""
    rules = [voice.library.rules[key] for key in topic.rules]
    said = [_permission(voice, topic, rule, named=named) for rule in rules]
    how = _how(voice, topic, rules) if detail >= 2 or not said else []
    return [*([lines(said)] if said else []), *how]


def _how(voice: Voice, topic: Topic, rules: Sequence[Rule]) -> list[Markup]:
    """How to go about it; `how_yet` only until it is allowed, by the first of its rules."""
    key = f"topics.{topic.key}"
    yet = (
        voice.optional(f"{key}.how_yet") if rules and _verdict(voice, rules[0])[0] != "yes" else []
    )
    parts = [*yet, *voice.optional(f"{key}.how")]
    return [*([Markup(" ").join(parts)] if parts else []), *_still_in_pain(voice, topic)]


def _still_in_pain(voice: Voice, topic: Topic) -> list[Markup]:
    """Past the hour up to which pain is expected: whom to call."""
    if topic.key != "painkillers" or voice.situation.session is None:
        return []
    eases = _verdict(voice, voice.library.rules["pain_relief"])[0]
    return [voice.say("common.pain.later")] if eases == "yes" else []


def care_beside_a_flag(voice: Voice, topic: Topic) -> list[Markup]:
    """What is not allowed yet is said; nothing is allowed until somebody has been spoken to."""
    rules = [voice.library.rules[key] for key in topic.rules]
    if not rules:
        return _how(voice, topic, rules)
    if any(rule.until_then == "no" and _verdict(voice, rule)[0] == "yes" for rule in rules):
        return [voice.say("answers.care.flagged", name=voice.say(f"topics.{topic.key}.name"))]
    return care(voice, topic, 1, named=True)


def ask_first(voice: Voice, one: Found) -> list[Markup]:
    """Of a product of their own or a prescribed one: no rule answers; empty for anything else."""
    return [voice.say(f"answers.ask_first.{one.ask_first}")] if one.ask_first else []


def verdicts(voice: Voice, topic: Topic) -> Iterable[tuple[Rule, str]]:
    """Each rule of the topic with what it comes to: "not_yet", "yes", "visit", "general"."""
    rules = (voice.library.rules[key] for key in topic.rules)
    return ((rule, _verdict(voice, rule)[0]) for rule in rules)


def _permission(voice: Voice, topic: Topic, rule: Rule, *, named: bool) -> Markup:
    """What the rule says now: "Not yet. From Wednesday 25 November, 14:30", or "Yes, if …"."""
    key = f"topics.{topic.key}.{rule.key}"
    verdict, values = _verdict(voice, rule)
    own = f"{key}.{verdict}"
    if voice.has(own):
        return voice.say(own)
    name = voice.say(f"{key}.name")
    if named and not name:
        name = voice.say("answers.care.named", name=voice.say(f"topics.{topic.key}.name"))
    if rule.until_then != "no":
        verdict = f"{'keep' if rule.until_then == 'do' else 'ask'}_{verdict}"
    condition = voice.say(f"{key}.if")
    return voice.say(f"answers.care.{verdict}", name=name, condition=condition, **values)


def _verdict(voice: Voice, rule: Rule) -> tuple[str, dict[str, object]]:
    situation = voice.situation
    if situation.session is None:
        span = wording.duration(rule.cautious_from_hours, voice.language)
        return "general", {"span": span}
    block = blocked(rule, situation)
    if block is None:
        return "yes", {}
    if block.because == "visit":
        return "visit", {"day": wording.day(block.until, situation.zone, voice.language)}
    return "not_yet", {"moment": wording.moment(block.until, situation.zone, voice.language)}


# --- the rest --------------------------------------------------------------------------------


def subject(voice: Voice, topic: Topic) -> Markup:
    """What is said about the treatment, the visits and the clinic."""
    situation, session = voice.situation, voice.situation.session
    if topic.key == "next_session" and session and session.next_at:
        if session.next_at > situation.at:
            moment = wording.moment(session.next_at, situation.zone, voice.language)
            return voice.say("topics.next_session.booked", moment=moment)
    elif topic.key == "session_count" and session:
        return voice.say("topics.session_count.known", number=session.number, of=session.of)
    elif topic.key == "before_session":
        return voice.say("topics.before_session.text", leave_out=left_out_before_a_visit(voice))
    return voice.say(f"topics.{topic.key}.text")


def left_out_before_a_visit(voice: Voice) -> Markup:
    """From how many days before a visit what is left out, longest first."""
    by_days: dict[int, list[str]] = defaultdict(list)
    for rule in voice.library.forbidding:
        if rule.leave_out_days is not None:
            by_days[rule.leave_out_days] += str(voice.say(f"rules.{rule.key}.no")).split("; ")
    return lines(
        voice.say(
            "answers.leave_out.days" if days else "answers.leave_out.on_the_day",
            span=wording.span(days * 24, voice.language, days_from=1),
            things=wording.listing(things, voice.language, style="or"),
        )
        for days, things in sorted(by_days.items(), reverse=True)
    )
