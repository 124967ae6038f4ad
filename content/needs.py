"""Texts that an entry of the data cannot be said without: asked for before a patient asks.

`texts` are the keys of the texts there are. Every problem is `file: key: what is wrong`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from content.doubts import Doubt
from content.flags import Flag, rank
from content.reading import unknown
from content.rules import Rule
from content.topics import Topic

EMERGENCY = "emergency"
"""What stands in the place of a topic where the emergency services are to be called."""
_OF_LEVEL = {"normal": ("what", "call"), "soon": ("what", "call_late")}
"""What an answer about a side effect takes of its own texts; at `today` it does without."""
_SAID_AS = {"no": "no", "ask": "no", "do": "do"}
"""The text of a rule, by its `until_then`."""


def of_flags(
    flags: Iterable[Flag], topics: Collection[str], texts: Collection[str]
) -> Iterator[str]:
    """Whom a red flag is for, and the topic that its answer counts as."""
    says = sorted({key.split(".")[1] for key in texts if key.startswith("flags.")})
    known = sorted({*topics, EMERGENCY})
    for flag in flags:
        for name in ("topic", "asked_topic"):
            topic = getattr(flag, name)
            if topic and topic not in known:
                yield f"flags.toml: {flag.key}.{name}: {unknown(topic, known)} in topics.toml"
        if f"flags.{flag.says}.what" not in texts:
            text = unknown(f"{flag.says}.what", [f"{name}.what" for name in says])
            yield f"flags.toml: {flag.key}.says: {text} in texts/en/flags.toml"


def of_topics(topics: Iterable[Topic], texts: Collection[str]) -> Iterator[str]:
    """A topic's texts by its kind, by how urgent it can be, and by the rules that answer it."""
    for topic in topics:
        for field, needed in _of_topic(topic):
            if f"topics.{topic.key}.{needed}" not in texts:
                where = "texts/en/topics.toml"
                yield f"topics.toml: {topic.key}.{field}: needs {topic.key}.{needed} in {where}"
        levels = {phase.level for phase in topic.phases}
        if "soon" in levels and not topic.expected_until:
            needed = 'needs one that is "normal" before "soon"'
            yield f"topics.toml: {topic.key}.phases: {needed}: its texts say until when"
        for signal in topic.ask_first:
            if f"answers.ask_first.{signal}" not in texts:
                where = "texts/en/answers.toml"
                yield f"topics.toml: {topic.key}.ask_first: needs ask_first.{signal} in {where}"


def _of_topic(topic: Topic) -> Iterator[tuple[str, str]]:
    """Each text with the value that asks for it."""
    yield "kind", "name"
    if topic.kind == "about":
        yield "kind", "text"
    if topic.kind == "care" and not topic.rules:
        yield "rules", "how"
    for rule in topic.rules:
        yield from (("rules", f"{rule}.{part}") for part in ("name", "if"))
    levels = [*(("phases", one.level) for one in topic.phases)]
    levels += [*(("raised", one.level) for one in topic.raised)]
    for field, level in dict.fromkeys(levels):
        yield from ((field, part) for part in _OF_LEVEL.get(level, ()))


def of_rules(
    rules: Iterable[Rule], topics: Collection[str], texts: Collection[str]
) -> Iterator[str]:
    """What a reminder calls the thing, and the topic that answers questions about it."""
    for rule in rules:
        if rule.topic not in topics:
            known = sorted(topics)
            yield f"rules.toml: {rule.key}.topic: {unknown(rule.topic, known)} in topics.toml"
        needed = {"until_then": _SAID_AS[rule.until_then]}
        if rule.leave_out_days is not None:
            needed["leave_out_days"] = "no"
        for field, part in needed.items():
            if f"rules.{rule.key}.{part}" not in texts:
                where = "texts/en/rules.toml"
                yield f"rules.toml: {rule.key}.{field}: needs {rule.key}.{part} in {where}"


def of_doubts(doubts: Iterable[Doubt], texts: Collection[str]) -> Iterator[str]:
    """The question, and what is said to No where that is not urgent either way."""
    for doubt in doubts:
        parts = ["question", *(["no"] if rank(doubt.level) < rank("today") else [])]
        for part in parts:
            if f"doubts.{doubt.key}.{part}" not in texts:
                field = "level" if part == "no" else "key"
                where = "texts/en/doubts.toml"
                yield f"doubts.toml: {doubt.key}.{field}: needs {doubt.key}.{part} in {where}"
