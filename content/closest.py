"""The topics to offer to somebody whose message was not understood."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from rapidfuzz import fuzz

from content.facts import Situation
from content.letters import normal
from content.library import Library
from content.replies import Voice, expected_now
from content.rules import moment_allowed

MOST = 3
MOST_SHARING = 3
"""A word that more topics use ("what", "after") says too little."""
SHORTEST = 4
"""Letters of a word that says anything by itself."""
LIKE = 80
"""How alike a word and one of a topic's name must be, of 100."""


def closest(library: Library, text: str, situation: Situation) -> tuple[str, ...]:
    """Up to three topics: those whose words the message shares, else what this hour suggests."""
    scores: dict[str, float] = defaultdict(float)
    for topic, share in _shared(library, text, situation):
        scores[topic] += share
    order = list(library.topics)
    guessed = sorted(scores, key=lambda topic: (-scores[topic], order.index(topic)))
    return tuple(guessed[:MOST]) or _by_the_hour(library, situation)


def _shared(library: Library, text: str, situation: Situation) -> Iterator[tuple[str, float]]:
    """Each word's topics, each with the less the more topics use the word."""
    by_word, reading = library.phrases.topics_by_word, library.phrases.read(text)
    for i, token in enumerate(reading.tokens):
        if i in reading.fluff or len(token.text) < SHORTEST:
            continue
        used = (by_word.get(entry, frozenset()) for entry in reading.entries[i])
        topics = frozenset[str]().union(*used) or _named(library, token.text, situation)
        if len(topics) <= MOST_SHARING:
            yield from ((topic, 1 / len(topics)) for topic in topics)


def _named(library: Library, word: str, situation: Situation) -> frozenset[str]:
    """The topics with a word like it in their name."""
    voice = Voice(library, situation)
    names = {key: normal(str(voice.say(f"topics.{key}.name"))) for key in library.topics}
    return frozenset(
        key
        for key, name in names.items()
        if any(fuzz.ratio(word, part) >= LIKE for part in name.split())
    )


def _by_the_hour(library: Library, situation: Situation) -> tuple[str, ...]:
    """What began last of what is expected now, what is allowed next, and the clinic."""
    session, topics = situation.session, library.topics
    if session is None:
        return ("about_treatment", "before_session", "contact")
    now = expected_now(Voice(library, situation)).get("normal", ())
    effects = sorted(now, key=lambda key: -(topics[key].starts_hours or 0))
    ahead = sorted(
        (moment, rule.topic)
        for rule in library.forbidding
        if (moment := moment_allowed(rule, session)) > situation.at and rule.topic in topics
    )
    care = [topic for _, topic in ahead]
    return (*effects[:1], *care[:1], "contact")
