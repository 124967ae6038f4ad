"""What is said at `today` and `emergency`: whom to call first, then what for, then the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from content.flags import Raised
from content.replies import (
    LONGEST,
    Voice,
    ask_first,
    care_beside_a_flag,
    late_effect,
    lines,
    paragraphs,
    subject,
)
from content.understood import Found

NEEDS_NO_WORDS = ("contact", "stop", "emergency")
"""Topics that are not worth a mention beside others: every reply says whom to call."""
MOST_SIGNS = 3
"""How many signs of one level are spoken of; the others are named."""


def emergency(voice: Voice, raised: Sequence[Raised], topics: Sequence[str]) -> Markup:
    """Nothing stands beside the call but what to say in it: all else can wait.

    `raised`: the flags of this level; `topics`: all that the message is about.
    """
    says = _says(raised)
    parts = [voice.say("flags.emergency.call"), *_what_and_do(voice, says)]
    if "distress" in says:
        parts.insert(0, voice.say("flags.distress.first"))
    else:
        said = {*NEEDS_NO_WORDS, *(one.flag.about for one in raised)}
        kinds = {key: voice.library.topics[key].kind for key in topics if key not in said}
        parts += [
            *_naming(voice, "emergency.tell", [it for it in kinds if kinds[it] == "effect"]),
            *_naming(voice, "emergency.wait", [it for it in kinds if kinds[it] != "effect"]),
        ]
    return paragraphs([*parts, voice.say("flags.emergency.clinic")])


def today(
    voice: Voice, raised: Sequence[Raised], found: Sequence[Found], topics: Sequence[str]
) -> Markup:
    """Nothing beside a flag is called expected, and nothing is allowed.

    `raised`: the flags of this level; `topics`: all that the message is about.
    """
    says = _says(raised)
    urgent = [one.topic.key for one in found if one.level == "today"]
    flagged = {one.flag.topic for one in raised if one.flag.says in says}
    alone = [key for key in urgent if key not in flagged][: MOST_SIGNS - len(says)]
    effects = [key for key in topics if _is_effect(voice, key)]
    tell = [key for key in effects if key not in flagged and key not in alone]
    first = [
        voice.say("flags.today.call"),
        *_what_and_do(voice, says),
        *(_effect_today(voice, key) for key in alone),
        *_naming(voice, "today.tell", tell),
    ]
    others = [
        one for one in found if one.topic.kind != "effect" and one.topic.key not in NEEDS_NO_WORDS
    ]
    rest = [_beside(voice, one) for one in others]
    last = voice.say("flags.today.now")
    whole = paragraphs([*first, *rest, last])
    if len(whole) <= LONGEST:
        return whole
    named = _naming(voice, "today.ask", [one.topic.key for one in others])
    return paragraphs([*first, *named, last])


def _effect_today(voice: Voice, key: str) -> Markup:
    """Where it is urgent only at some hours, what is said of it when it is late."""
    if voice.has(own := f"topics.{key}.today"):
        return voice.say(own)
    topic = voice.library.topics[key]
    named, late = late_effect(voice, topic, 1)
    return lines([named, late] if topic.expected_until else [named])


def _is_effect(voice: Voice, key: str) -> bool:
    return key in voice.library.topics and voice.library.topics[key].kind == "effect"


def _beside(voice: Voice, one: Found) -> Markup:
    if one.topic.kind == "about":
        return subject(voice, one.topic)
    return lines(ask_first(voice, one) or care_beside_a_flag(voice, one.topic))


def _naming(voice: Voice, line: str, topics: Sequence[str]) -> list[Markup]:
    return [voice.say(f"answers.{line}", names=voice.names(topics))] if topics else []


def _says(raised: Iterable[Raised]) -> list[str]:
    return list(dict.fromkeys(one.flag.says for one in raised))[:MOST_SIGNS]


def _what_and_do(voice: Voice, says: Sequence[str]) -> Iterator[Markup]:
    yield lines(voice.say(f"flags.{name}.what") for name in says)
    do = dict.fromkeys(line for name in says for line in voice.optional(f"flags.{name}.do"))
    yield lines(do)
