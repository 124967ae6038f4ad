"""What a message says. Not what is answered to it.

Phrases say what words mean (content.by_rules); what was learned from whole messages
(content.learned) says what they sound like: "red lipstick" is no redness, and a match may be a
heart attack of a game. Where the two differ, the more cautious one is heard unless the other is
clear; where what was learned does not know the words, the rules stand alone. The bounds below are
set on messages kept out of learning: see CONTRIBUTING.md, "How is a message understood?".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from content.by_rules import ByRules, by_rules
from content.flags import Flag, Level, Raised, is_number, rank
from content.learned import MOST_WORDS, Judged
from content.library import Library
from content.understood import (
    EMERGENCY,
    Found,
    Ignored,
    Understood,
    in_order,
    is_urgent,
    told,
)

KNOWN = 0.5
"""The share of a message's words from which on what was learned is heard."""
MANY = 6
"""Where so many topics are named none stands out, and all are answered."""
FEW = 5
"""So few words hardly say otherwise than a phrase among them does."""

# Scores of Judged: above 0 a message sounds like it.
CALM_TODAY, CALM_EMERGENCY = -0.5, 0.0
"""Below: a message that raised a flag of that level does not sound like danger."""
CALM = -2.0
"""The same, for a message that is about what the flag is about, or has few words."""
NOT_GRAVE = -1.5
"""Below this score for `emergency` a flag of that level does not count."""
ALARMING, GRAVE = 0.5, 0.0
"""Above: it needs `today`, `emergency`, whatever the phrases made of it."""
DOUBTFUL = -1.5
"""The same for `emergency`, where that is also the likeliest topic: in doubt the higher."""
IN_A_PART = 2.5
"""Above, in one of its sentences or between two commas: danger that is told beside much else."""
ASKED = -1.0
"""Below: what is urgent at any hour is only asked about."""
LIKELY = -0.6
"""The least score of the likeliest topic, where no phrase finds it."""
BESIDE, BESIDE_A_QUESTION, NEAR = 2.5, 0.9, 0.5
"""By how much less likely than the likeliest a topic may be that phrases find: any; a side effect
beside a question about something else; and such a one that the message is about just as much."""

_ENDS = re.compile(r"[,.!?;…。！？]+(?:\s|$)|\n+")  # noqa: RUF001


def understand(library: Library, text: str, hours: float | None) -> Understood:
    """Read a message written `hours` after the session's end; None: no session is known.

    Every language is tried. Whatever is written, it never raises.
    """
    read = by_rules(library, text, hours)
    judged = library.learned.judge(read.features)
    if judged is None or not _is_known(library, read):
        return read.understood
    return _Weighing(library, text, read, judged).understood()


def _is_known(library: Library, read: ByRules) -> bool:
    words = {token.text for token in read.reading.tokens if token.text.isalpha()}
    known = sum(library.learned.knows(word) for word in words)
    return bool(words) and known >= KNOWN * len(words)


@dataclass(frozen=True)
class _Weighing:
    """What the rules made of a message, held against what it sounds like."""

    library: Library
    text: str
    read: ByRules
    judged: Judged

    def understood(self) -> Understood:
        by = self.read.understood
        standing = [one for one in by.raised if self._stands(one)]
        raised = self._urgent(standing)
        is_flagged = is_urgent(raised)
        found = self._topics(raised)
        asked = [] if is_flagged else self._only_asked(found)
        found = [one for one in found if all(one.topic.key != it.key for it in asked)]
        if self.judged.today > ALARMING and not is_flagged and not self._is_short:
            found = self._with_the_likeliest_today(found)
        has_doubt = not is_flagged and (self._is_short or self.judged.today >= ASKED)
        return replace(
            by,
            raised=tuple(raised),
            found=tuple(in_order(self.library, found)),
            doubt=self.read.doubt if has_doubt else None,
            ignored=(*by.ignored, *asked),
            overruled=tuple(one for one in by.raised if one not in standing),
            main=self.judged.main if self._is_clear else None,
        )

    @property
    def _is_short(self) -> bool:
        return len(self.read.reading.tokens) <= FEW

    @property
    def _is_clear(self) -> bool:
        return self.judged.topics[self.judged.main] >= LIKELY

    def _stands(self, one: Raised) -> bool:
        """Whether a flag counts: what was learned knows nothing of a clinic's phrases and of the
        middle of a long message; and a temperature is no way of speaking.
        """  # noqa: D205
        is_unknown = not self.library.phrases.own.isdisjoint(one.matched)
        is_long = len(self.read.reading.tokens) > MOST_WORDS
        is_measured = any(map(is_number, one.matched))
        if one.flag.level == "soon" or is_unknown or is_long or is_measured:
            return True
        return self._sounds_like(one.flag) or any(
            one.flag.key in flags and sound.today >= IN_A_PART for flags, sound in self._parts
        )

    def _sounds_like(self, flag: Flag) -> bool:
        judged = self.judged
        if self._is_short or judged.main in {flag.topic, EMERGENCY}:
            return judged.today >= CALM
        if flag.level == "today":
            return judged.today >= CALM_TODAY
        return judged.today >= CALM_EMERGENCY and judged.emergency >= NOT_GRAVE

    @cached_property
    def _parts(self) -> list[tuple[frozenset[str], Judged]]:
        """Each part of a sentence by itself: the flags it raises, and what it sounds like."""
        parts = [it.strip() for it in _ENDS.split(self.text) if it.strip()]
        if len(parts) < 2:
            return []
        read = (by_rules(self.library, it, self.read.understood.hours) for it in parts)
        return [
            (frozenset(it.flag.key for it in one.understood.raised), sound)
            for one in read
            if one.understood.raised and (sound := self.library.learned.judge(one.features))
        ]

    def _urgent(self, raised: list[Raised]) -> list[Raised]:
        """With the flag for a message that sounds like danger, where no phrase saw any."""
        judged = self.judged
        is_first = judged.main == EMERGENCY
        is_grave = judged.emergency > (DOUBTFUL if is_first else GRAVE)
        level: Level = "emergency" if is_grave else "today"
        sounds = judged.today > ALARMING or (is_first and is_grave)
        if self._is_short or not sounds or (raised and rank(raised[0].flag.level) >= rank(level)):
            return raised
        flags = (flag for flag in self.library.flags if flag.learned and flag.level == level)
        flag = next(flags, None)
        if flag is None or (level == "today" and judged.main != flag.topic):
            return raised
        return [Raised(flag=flag, matched=()), *raised]

    def _topics(self, raised: Sequence[Raised]) -> list[Found]:
        """The topics that phrases found and that are likely enough, and the likeliest of all."""
        by, main = self.read.understood, self.judged.main
        found = self._heard(by.found)
        known = {
            *(one.topic.key for one in found),
            *(one.key for one in by.ignored),
            *(one.flag.topic for one in raised),
        }
        has_one = any(one.ask_first for one in found)  # a product is known, whatever it sounds like
        if not self._is_clear or has_one or main not in self.library.topics or main in known:
            return found
        one = told(self.library.topics[main], (), by.hours, by.signals)
        is_asked_about = self.read.doubt is not None and one.level == "today"
        return found if is_asked_about else [*found, one]

    def _heard(self, found: Sequence[Found]) -> list[Found]:
        """Those that are likely enough. Of many none stands out, and all are."""
        if len(found) >= MANY:
            return list(found)
        scores, main = self.judged.topics, self.library.topics.get(self.judged.main)
        is_question = main is None or main.kind != "effect"
        heard = []
        for one in found:
            behind = scores[self.judged.main] - scores.get(one.topic.key, 0.0)
            is_own = not self.library.phrases.own.isdisjoint(one.matched)
            is_beside = is_question and one.topic.kind == "effect" and one.level != "today"
            if is_own or behind <= (BESIDE_A_QUESTION if is_beside else BESIDE):
                heard.append(replace(one, is_aside=is_beside and behind > NEAR and not is_own))
        return heard

    def _only_asked(self, found: Sequence[Found]) -> list[Ignored]:
        """What is urgent at any hour, in a message that does not sound so."""
        return [
            Ignored(phrase="; ".join(one.matched), why="hypothetical", key=one.topic.key)
            for one in found
            if one.level == "today" and not one.raised_by and self.judged.today < ASKED
        ]

    def _with_the_likeliest_today(self, found: Sequence[Found]) -> list[Found]:
        """The likeliest side effect, at `today`."""
        by, topics = self.read.understood, self.library.topics
        known = (topics[key] for key in self.judged.topics if key in topics)
        topic = next((topic for topic in known if topic.kind == "effect"), None)
        if topic is None:
            return list(found)
        one = told(topic, (), by.hours, by.signals)
        return [
            replace(one, level="today"),
            *(other for other in found if other.topic.key != topic.key),
        ]
