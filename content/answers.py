"""The answer to a message or a topic's command, for one patient at one moment.

A message goes down a ladder, and the first rung that holds decides: a red flag at `emergency` or
`today`; the most urgent side effect; a question of care; any other topic; "I did not understand".
Nothing the patient wrote is ever repeated; `Answer.matched` names the phrases that decided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from markupsafe import Markup

from content import wording
from content.facts import Situation
from content.flags import Level, Raised, rank
from content.library import Library
from content.messages import clinic_values, emergency_lines
from content.rules import Rule, blocked, is_cautious
from content.topics import Topic
from content.understanding import Found, Understood, understand

COURTESIES = ("thanks", "hello")
MOST_SAID = 3
"""How many signs one reply speaks of."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is said, and what decided it."""

    topic: str
    level: Level
    reply: Markup
    flag: str | None = None
    """The row of clinical.md, part C ("C12"), where a red flag decided."""
    matched: tuple[str, ...] = ()
    """The phrases that decided, as they are in data/phrases: never the patient's words."""


def answer(library: Library, text: str, situation: Situation, *, language: str) -> Answer:
    """The answer to free text: every language is tried, `language` is that of the reply.

    Whatever is written, it never raises.
    """
    situation = replace(situation, patient=replace(situation.patient, language=language))
    understood = understand(library, text, situation.hours)
    raised = understood.raised
    if raised and rank(raised[0].flag.level) >= rank("today"):
        return _flagged(library, situation, raised)
    return _ladder(library, situation, understood) or _no_topic(
        library, situation, understood.signals
    )


def about(library: Library, topic: str, situation: Situation) -> Answer:
    """The answer to a topic's command. Raises KeyError for a topic that is not there."""
    known = library.topics[topic]
    level = known.level(situation.hours)
    return Answer(topic=topic, level=level, reply=_reply(library, known, level, situation))


def side_effects(library: Library, situation: Situation) -> Markup:
    """The common side effects placed in this hour's phase, the rare ones, the emergency lines."""
    effects = [topic for topic in library.topics.values() if topic.kind == "effect"]
    by_level: dict[str, list[str]] = defaultdict(list)
    for topic in effects:
        name = str(_say(library, situation, f"topics.{topic.key}.name"))
        by_level[_place(topic, situation.hours)].append(name)
    levels = ("normal", "later", "soon", "today")
    lines = [
        _say(
            library,
            situation,
            f"answers.side_effects.{level}",
            names=wording.listing(by_level[level], situation.patient.language),
        )
        for level in levels
        if by_level[level]
    ]
    head = "head" if situation.session else "no_session"
    return _paragraphs(
        [
            _say(library, situation, f"answers.side_effects.{head}", day=situation.day),
            *lines,
            emergency_lines(library, situation),
        ]
    )


def _place(topic: Topic, hours: float | None) -> str:
    """The line of /sideeffects that names it: "" where it is not yet and never expected."""
    level = topic.level(hours)
    if level != "normal" or hours is None:
        return level
    if topic.starts_hours is None:
        return ""
    return "normal" if hours >= topic.starts_hours else "later"


# --- red flags -------------------------------------------------------------------------------


def _flagged(library: Library, situation: Situation, raised: Sequence[Raised]) -> Answer:
    """Whom to call comes first; then what for, worst first; then what to do meanwhile."""
    first = raised[0]
    level = first.flag.level
    same = [one for one in raised if one.flag.level == level]
    says = list(dict.fromkeys(one.flag.says for one in same))[:MOST_SAID]
    watch = "now" if level == "today" else "clinic"
    parts = [
        _say(library, situation, f"flags.{level}.call"),
        Markup("\n").join(_say(library, situation, f"flags.{name}.what") for name in says),
        Markup("\n").join(_optional(library, situation, (f"flags.{name}.do" for name in says))),
        _say(library, situation, f"flags.{level}.{watch}"),
    ]
    if "distress" in says:
        parts.insert(0, _say(library, situation, "flags.distress.first"))
    return Answer(
        topic=first.flag.topic,
        level=level,
        reply=_paragraphs(parts),
        flag=first.flag.row,
        matched=tuple(phrase for one in same for phrase in one.matched),
    )


# --- topics ----------------------------------------------------------------------------------


def _ladder(library: Library, situation: Situation, understood: Understood) -> Answer | None:
    raised, asked_at = understood.raised, understood.asked_at
    effects = [one for one in understood.found if one.topic.kind == "effect"]
    others = [one for one in understood.found if one.topic.kind != "effect"]
    asked = None if asked_at is None else _asked(others, asked_at)
    worst = effects[0].level if effects else "info"
    if raised and rank(raised[0].flag.level) >= rank(worst):
        return _raised(library, situation, raised[0])
    if effects and (rank(worst) >= rank("soon") or asked is None):
        return _topic(library, situation, effects[0], asked)
    if others:
        return _topic(library, situation, asked or others[0])
    return None


def _no_topic(library: Library, situation: Situation, signals: frozenset[str]) -> Answer:
    """Thanks and greetings are returned, a call for help gets the clinic's number.

    For anything else, an honest "I did not understand".
    """
    if "help" in signals:
        return about(library, "contact", situation)
    said = next((it for it in COURTESIES if it in signals), "unknown")
    reply = _say(library, situation, f"answers.{said}.text")
    return Answer(topic="unknown", level="info", reply=reply)


def _asked(others: Sequence[Found], asked_at: int) -> Found | None:
    """The care that is asked for: what comes after "when can I" before what came before it."""
    care = [one for one in others if one.topic.kind == "care"]
    return next((one for one in care if one.start >= asked_at), care[0] if care else None)


def _topic(library: Library, situation: Situation, one: Found, also: Found | None = None) -> Answer:
    reply = _found(library, situation, one)
    if also is not None:
        reply = _paragraphs([reply, _found(library, situation, also)])
    return Answer(topic=one.topic.key, level=one.level, reply=reply, matched=one.matched)


def _found(library: Library, situation: Situation, one: Found) -> Markup:
    if one.ask_first:
        return _say(library, situation, f"topics.{one.topic.key}.ask_first")
    return _reply(library, one.topic, one.level, situation)


def _raised(library: Library, situation: Situation, one: Raised) -> Answer:
    """A flag for the next working day."""
    parts = [
        _say(library, situation, "flags.soon.call"),
        _say(library, situation, f"flags.{one.flag.says}.what"),
        emergency_lines(library, situation),
    ]
    return Answer(
        topic=one.flag.topic,
        level=one.flag.level,
        reply=_paragraphs(parts),
        flag=one.flag.row,
        matched=one.matched,
    )


def _reply(library: Library, topic: Topic, level: Level, situation: Situation) -> Markup:
    if topic.kind == "effect":
        return _effect(library, topic, level, situation)
    if topic.kind == "care":
        return _care(library, topic, situation)
    return _about(library, topic, situation)


def _effect(library: Library, topic: Topic, level: Level, situation: Situation) -> Markup:
    """What this hour means, what to do, when to call, and the emergency lines."""
    key = f"topics.{topic.key}"
    name = _say(library, situation, f"{key}.name")
    if level == "today":
        parts = [
            _say(library, situation, "flags.today.call"),
            _say(library, situation, f"{key}.today"),
            _say(library, situation, "flags.today.now"),
        ]
        return _paragraphs(parts)
    late = "" if level == "normal" else "_late"
    unplaced = situation.hours is None
    head = "unplaced" if unplaced else "day0" if situation.day in (0, None) else "day"
    own = f"{key}.head"
    is_own = level == "normal" and library.texts.has(own, situation.patient.language)
    parts = [
        _say(
            library,
            situation,
            own if is_own else f"answers.{level}.{head}",
            name=name,
            day=situation.day,
        ),
        _say(library, situation, f"{key}.what"),
        _say(library, situation, f"{key}.home"),
        _say(library, situation, f"{key}.call{late}"),
        emergency_lines(library, situation),
    ]
    return _paragraphs(parts)


def _care(library: Library, topic: Topic, situation: Situation) -> Markup:
    rules = [library.rules[key] for key in topic.rules]
    lines = [_permission(library, topic, rule, situation) for rule in rules]
    return _paragraphs(
        [Markup("\n").join(lines), *_optional(library, situation, [f"topics.{topic.key}.how"])]
    )


def _permission(library: Library, topic: Topic, rule: Rule, situation: Situation) -> Markup:
    """What the rule says now: "Not yet. From Wednesday 25 November, 14:30", or "Yes, if …"."""
    key = f"topics.{topic.key}.{rule.key}"
    condition = _say(library, situation, f"{key}.if")
    name = _say(library, situation, f"{key}.name")
    verdict, values = _verdict(library, rule, situation)
    own = f"{key}.{verdict}"
    if library.texts.has(own, situation.patient.language):
        return _say(library, situation, own)
    if rule.until_then != "no":
        verdict = f"{'keep' if rule.until_then == 'do' else 'ask'}_{verdict}"
    return _say(
        library, situation, f"answers.care.{verdict}", name=name, condition=condition, **values
    )


def _verdict(library: Library, rule: Rule, situation: Situation) -> tuple[str, dict[str, object]]:
    if situation.session is None:
        return "general", {"span": _span(library, rule.cautious_from_hours, situation)}
    block = blocked(rule, situation)
    if block is None:
        return "yes", {}
    if block.because == "visit":
        return "visit", {
            "day": wording.day(block.until, situation.zone, situation.patient.language)
        }
    return "not_yet", {"moment": _moment(block.until, situation)}


def _span(library: Library, hours: float, situation: Situation) -> Markup:
    """'72 hours', '7 days'."""
    if hours <= 72:
        return _say(library, situation, "answers.span.hours", count=f"{hours:g}")
    return _say(library, situation, "answers.span.days", count=f"{hours / 24:g}")


def _about(library: Library, topic: Topic, situation: Situation) -> Markup:
    session = situation.session
    values: dict[str, object] = {}
    key = f"topics.{topic.key}.text"
    if (
        topic.key == "next_session"
        and session
        and session.next_at
        and session.next_at > situation.at
    ):
        key = "topics.next_session.booked"
        values["moment"] = _moment(session.next_at, situation)
    elif topic.key == "session_count" and session:
        key = "topics.session_count.known"
        values |= {"number": session.number, "of": session.of}
    return _say(library, situation, key, **values)


# --- small things ----------------------------------------------------------------------------


def _say(library: Library, situation: Situation, key: str, /, **values: object) -> Markup:
    """The text, in its cautious variant where that counts and there is one."""
    language, session = situation.patient.language, situation.session
    cautious = ("cautious",) if session is None or is_cautious(session) else ()
    text = library.texts.variant(language, *cautious)[key]
    return text.fill({**clinic_values(library, situation), **values})


def _optional(library: Library, situation: Situation, keys: Iterable[str]) -> list[Markup]:
    language = situation.patient.language
    return [_say(library, situation, key) for key in keys if library.texts.has(key, language)]


def _moment(at: datetime, situation: Situation) -> str:
    return wording.moment(at, situation.zone, situation.patient.language)


def _paragraphs(parts: Iterable[Markup]) -> Markup:
    return Markup("\n\n").join(part for part in parts if part)
