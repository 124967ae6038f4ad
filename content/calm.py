"""What is said where nothing is urgent: all of it, worst first, as briefly as it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from content.flags import Raised
from content.messages import emergency_lines
from content.replies import (
    DETAILS,
    LONGEST,
    Detail,
    Voice,
    ask_first,
    care,
    effect,
    late_effect,
    lines,
    paragraphs,
    subject,
)
from content.understood import Found


def brief(
    voice: Voice,
    raised: Sequence[Raised],
    found: Sequence[Found],
    *,
    first: Sequence[Markup] = (),
    last: Sequence[Markup] | None = None,
) -> Markup:
    """With all its detail, or with less, or with the last things only named: what fits.

    It ends in `last`; None: after a symptom, in what to watch for and whom to call.
    """
    if last is None:
        is_symptom = bool(raised) or any(one.topic.kind == "effect" for one in found)
        last = [emergency_lines(voice.library, voice.situation)] if is_symptom else []
    is_only = not first and not raised and len(found) == 1
    for detail in DETAILS:
        items = _items(voice, raised, found, detail, is_only=is_only)
        reply = paragraphs([*first, *items, *last])
        if len(reply) <= LONGEST:
            return reply
    for count in range(len(found) - 1, 0, -1):
        names = voice.names(one.topic.key for one in found[count:])
        more = voice.say("answers.more.text", names=names)
        items = _items(voice, raised, found[:count], 1, is_only=False)
        reply = paragraphs([*first, *items, more, *last])
        if len(reply) <= LONGEST:
            break
    return reply


def _items(
    voice: Voice,
    raised: Sequence[Raised],
    found: Sequence[Found],
    detail: Detail,
    *,
    is_only: bool,
) -> Iterator[Markup]:
    """A paragraph for each thing, or several where it is the only one."""
    late = [one for one in found if one.level == "soon"]
    is_led = bool(raised) or len(late) > 1
    if is_led:
        yield voice.say("flags.soon.call")
        yield lines(
            voice.say(f"flags.{name}.what")
            for name in dict.fromkeys(one.flag.says for one in raised)
        )
    flagged = {one.flag.topic for one in raised}
    beside = [one for one in found if one.topic.key not in flagged]
    calm = [one for one in beside if raised and one.level == "normal"]
    for one in beside:
        if one not in calm:
            said = _said(voice, one, detail, is_led=is_led, is_only=is_only)
            yield paragraphs(said) if is_only else lines(said)
    if calm:  # beside a flag nothing is called expected
        yield voice.say("answers.today.tell", names=voice.names(one.topic.key for one in calm))


def _said(voice: Voice, one: Found, detail: Detail, *, is_led: bool, is_only: bool) -> list[Markup]:
    if one.topic.kind == "effect":
        if is_led and one.level == "soon":
            return late_effect(voice, one.topic, detail)
        return effect(voice, one.topic, one.level, detail)
    if one.topic.kind == "care":
        return ask_first(voice, one) or care(voice, one.topic, detail, named=not is_only)
    return [subject(voice, one.topic)]
