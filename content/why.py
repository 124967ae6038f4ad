"""Why something was said: the reason in a sentence or two, how sure it is, and the sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from content import wording
from content.facts import Situation
from content.flags import Sure
from content.library import Library, Source
from content.replies import Voice, paragraphs
from content.rules import UNKNOWN, Rule, hours
from content.topics import Topic

LONGEST = 900
"""Characters; of more sources the rest is counted."""
SURENESS: tuple[Sure, ...] = ("H", "M", "L", "U")


def why(library: Library, topic: str, situation: Situation) -> Markup:
    """The reason and the sources of what is said about `topic`, or about an emergency.

    Of care each rule has its reason, and its hour for this patient. Raises KeyError for a topic
    that is not there.
    """
    voice = Voice(library, situation)
    if topic == "emergency":
        name, reason, rules, known = voice.say("why.emergency.name"), topic, [], None
    else:
        known = library.topics[topic]
        name, reason = voice.say(f"topics.{topic}.name"), topic
        rules = [rule for rule in library.rules.values() if rule.topic == topic]
    reasons = dict.fromkeys(
        line
        for key in (f"why.topic.{reason}", *(f"why.rule.{rule.key}" for rule in rules))
        for line in voice.optional(key)
    )
    parts = [
        voice.say("why.frame.head", name=name),
        Markup("\n").join(reasons),
        _times(voice, rules, known),
        _sure(voice, topic, rules, known),
    ]
    said = paragraphs(parts)
    return paragraphs([said, _sources(voice, _cited(library, topic, rules, known), len(said))])


def _times(voice: Voice, rules: Sequence[Rule], topic: Topic | None) -> Markup:
    """The hour of each rule that answers the topic, after a session like this one."""
    spans = [
        (rule, wording.duration(hours(rule, voice.situation.session or UNKNOWN), voice.language))
        for rule in rules
        if topic is not None and rule.key in topic.rules
    ]
    if not spans or topic is None:
        return Markup()
    if len(spans) == 1:
        return voice.say("why.frame.time", span=spans[0][1])
    each = [
        voice.say(
            "why.frame.each", name=voice.say(f"topics.{topic.key}.{rule.key}.name"), span=span
        )
        for rule, span in spans
    ]
    return Markup("\n").join([voice.say("why.frame.times"), *each])


def _sure(voice: Voice, topic: str, rules: Iterable[Rule], known: Topic | None) -> Markup:
    """The least sure of all it rests on; nothing where it rests on nothing medical."""
    grades = [
        *(rule.sure for rule in rules),
        *([known.sure] if known is not None and known.sure else []),
        *(flag.sure for flag in voice.library.flags if not known and flag.topic == topic),
    ]
    # Of an emergency what is not graded at all (C24) says nothing about the rest.
    graded = [grade for grade in grades if grade != "U" or known]
    if not graded:
        return Markup()
    return voice.say(f"why.sure.{max(graded, key=SURENESS.index)}")


def _cited(
    library: Library, topic: str, rules: Iterable[Rule], known: Topic | None
) -> list[Source]:
    """The strong ones first."""
    keys = dict.fromkeys(
        (
            *(known.sources if known else ()),
            *(key for rule in rules for key in rule.sources),
            *(key for flag in library.flags if flag.topic == topic for key in flag.sources),
        )
    )
    return sorted((library.sources[key] for key in keys), key=lambda source: source.weak)


def _sources(voice: Voice, sources: Sequence[Source], used: int) -> Markup:
    """Their titles, as many as fit; the rest is counted."""
    titles = [voice.say("why.frame.source", title=source.title) for source in sources]
    for count in range(len(titles), 0, -1):
        more = voice.say("why.frame.more", count=len(titles) - count)
        lines = [*titles[:count], *([more] if count < len(titles) else [])]
        said = Markup("\n").join([voice.say("why.frame.sources"), *lines])
        if used + len(said) + 2 <= LONGEST or count == 1:
            return said
    return Markup()
