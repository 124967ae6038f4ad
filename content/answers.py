"""The answer to a message or a topic's command, for one patient at one moment.

Everything a message asks is answered, worst first: a red flag at `emergency` or `today` overrides
the rest; then side effects, placed in their phase; then care and the other topics. What may be a
red flag is asked about. Nothing the patient wrote is ever repeated; `Answer.because` names what
decided (content.explain).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from content import explain, pages, urgent
from content.calm import brief
from content.closest import closest
from content.explain import Reason
from content.facts import Situation
from content.flags import Level, Raised, rank
from content.library import Library
from content.messages import emergency_lines
from content.replies import Voice, expected_now, lines, paragraphs
from content.story import Page
from content.understanding import understand
from content.understood import Found, Understood, WhyIgnored, told
from content.urgent import NEEDS_NO_WORDS
from content.why import why

__all__ = [
    "Answer",
    "Reason",
    "about",
    "answer",
    "answer_to",
    "settled",
    "side_effects",
    "why",
]

COURTESIES = ("thanks", "hello")
NAMED_AS_REASON = {"painkillers": frozenset({"soreness"})}
"""Side effects that a question names as its reason: pain, in one about painkillers."""


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
    topics: tuple[str, ...] = ()
    """All that is spoken of, the more urgent first."""
    asks: str | None = None
    """The key of the doubt that the reply asks about."""
    closest: tuple[str, ...] = ()
    """Topics to offer where the message was not understood."""
    page: str | None = None
    """The page of the treatment's story that the reply is."""
    because: tuple[Reason, ...] = ()
    """What decided."""


def answer(library: Library, text: str, situation: Situation, *, language: str) -> Answer:
    """The answer to free text: every language is tried, `language` is that of the reply.

    Whatever is written, it never raises.
    """
    situation = replace(situation, patient=replace(situation.patient, language=language))
    return answer_to(library, understand(library, text, situation.hours), text, situation)


def answer_to(library: Library, understood: Understood, text: str, situation: Situation) -> Answer:
    """The answer to what was understood of `text`, in the patient's language."""
    voice = Voice(library, situation, understood.hours)
    given = _answer(voice, understood) or _not_understood(voice, text, understood)
    if given.asks is None and not understood.ignored:
        given = _told(voice, given, _page(library, given, text))
    because = explain.reasons(voice, understood, given.topics, given.page)
    return replace(given, because=because)


def about(library: Library, topic: str, situation: Situation) -> Answer:
    """The answer to a topic's command. Raises KeyError for a topic that is not there."""
    known = library.topics[topic]
    voice = Voice(library, situation)
    found = told(known, (), situation.hours, frozenset())
    is_urgent = _is_urgent(found.level)
    given = _flagged(voice, (), [found]) if is_urgent else _calm(voice, (), [found], found)
    given = _told(voice, given, library.story.root(topic))
    return replace(given, because=explain.of_topic(voice, known))


def asked(library: Library, doubt: str, situation: Situation) -> Answer:
    """A doubt's question, put again. Raises KeyError for a doubt unknown."""
    return _in_doubt(Voice(library, situation), doubt, ())


def settled(library: Library, doubt: str, yes: bool, situation: Situation) -> Answer:
    """The answer to Yes or No to a doubt's question. Raises KeyError for a doubt unknown."""
    asked, voice = library.doubts[doubt], Voice(library, situation)
    if yes:
        flag = next(flag for flag in library.flags if flag.key == asked.if_yes)
        raised = (Raised(flag=flag, matched=()),)
        is_urgent = _is_urgent(flag.level)
        given = _flagged(voice, raised, ()) if is_urgent else _calm(voice, raised, (), None)
    elif _is_urgent(asked.level):  # it is urgent either way: a fever or else a cold sore
        given = about(library, asked.topic, situation)
    else:
        parts = [voice.say(f"doubts.{doubt}.no"), emergency_lines(library, situation)]
        topics = (asked.topic,)
        given = Answer(topic=asked.topic, level="normal", reply=paragraphs(parts), topics=topics)
    note = "yes" if yes else "no"
    reason = Reason(kind="doubt", key=doubt, level=given.level, note=note)
    return replace(given, because=(reason,))


def side_effects(library: Library, situation: Situation) -> Markup:
    """The common side effects placed in this hour's phase, the rare ones, the emergency lines."""
    voice = Voice(library, situation)
    placed = expected_now(voice)
    lines = [
        voice.say(f"answers.side_effects.{level}", names=voice.names(placed[level]))
        for level in ("normal", "later", "soon", "today")
        if placed.get(level)
    ]
    head = "head" if situation.session else "no_session"
    head_line = voice.say(f"answers.side_effects.{head}", day=situation.day)
    return paragraphs([head_line, *lines, emergency_lines(library, situation)])


# --- what of all that was found is answered, and in which order ------------------------------


def _answer(voice: Voice, understood: Understood) -> Answer | None:
    raised, (found, main) = understood.raised, _to_answer(understood)
    if _is_urgent(_worst(raised, found)):
        return _about_the_likeliest(_flagged(voice, raised, found), understood)
    if understood.doubt is not None:
        return _in_doubt(voice, understood.doubt, found)
    if (why_not := _why_not(understood, found)) is not None:
        return _not_now(voice, understood, why_not, found)
    if raised or found:
        return _calm(voice, raised, found, main)
    return None


def _about_the_likeliest(given: Answer, understood: Understood) -> Answer:
    """At `today`, with what the whole message is about first, if that is among what is urgent."""
    urgent = {
        *(one.flag.topic for one in understood.raised if one.flag.level == given.level),
        *(one.topic.key for one in understood.found if one.topic.kind == "effect"),
    }
    if given.level != "today" or understood.main not in urgent:
        return given
    topics = tuple(dict.fromkeys((understood.main, *given.topics)))
    return replace(given, topic=understood.main, topics=topics)


def _worst(raised: Sequence[Raised], found: Sequence[Found]) -> Level:
    levels: list[Level] = [*(one.flag.level for one in raised), *(one.level for one in found)]
    return max(levels, key=rank, default="info")


def _is_urgent(level: Level) -> bool:
    return rank(level) >= rank("today")


def _to_answer(understood: Understood) -> tuple[list[Found], Found | None]:
    """All side effects, and of the rest what is asked for; and which of them it is mainly about.

    A thing that is only mentioned beside a symptom ("blood on my pillow") is no question. Beside
    what is expected, the message is about the question.
    """
    effects = [one for one in understood.found if one.topic.kind == "effect"]
    others = [one for one in understood.found if one.topic.kind != "effect"]
    likeliest = [one for one in others if one.topic.key == understood.main]
    if understood.asked_at is not None:
        others = _asked(others, understood.asked_at)
    elif effects:
        others = likeliest
    others = [*likeliest, *(one for one in others if one not in likeliest)]
    found = [*effects, *_without_asides(others)]
    is_late = any(rank(one.level) >= rank("soon") for one in effects if not one.is_aside)
    main = next((one for one in found if one.topic.key == understood.main), None)
    if main is not None and not is_late:
        return found, main
    is_question = bool(others) and all(one.level == "normal" for one in effects)
    return found, others[0] if is_question else next(iter(found), None)


def _asked(others: Sequence[Found], asked_at: int) -> list[Found]:
    """What comes after "when can I", care first; where no care does, all there is."""
    by_kind = sorted(others, key=lambda one: one.topic.kind != "care")
    after = [one for one in by_kind if one.start >= asked_at]
    return after if any(one.topic.kind == "care" for one in after) else by_kind


def _without_asides(others: Sequence[Found]) -> list[Found]:
    """Without what is no subject of its own beside another: "should I stop my aspirin"."""
    first, rest = others[:1], others[1:]
    return [*first, *(one for one in rest if one.topic.key not in NEEDS_NO_WORDS)]


# --- red flags -------------------------------------------------------------------------------


def _flagged(voice: Voice, raised: Sequence[Raised], found: Sequence[Found]) -> Answer:
    """Whom to call comes first; then what for, worst first; then the rest, and what to do."""
    level, topics = _worst(raised, found), _topics(raised, found)
    same = [one for one in raised if one.flag.level == level]
    if level == "emergency":
        reply = urgent.emergency(voice, same, topics)
    else:
        reply = urgent.today(voice, same, found, topics)
    return Answer(
        topic=topics[0],
        level=level,
        reply=reply,
        flag=same[0].flag.row if same else None,
        matched=tuple(it for one in same for it in one.matched) if same else found[0].matched,
        topics=topics,
    )


def _topics(raised: Sequence[Raised], found: Sequence[Found]) -> tuple[str, ...]:
    """The more urgent first; of equals flags, then what comes first."""
    levels = [
        *((one.flag.topic, one.flag.level) for one in raised),
        *((one.topic.key, one.level) for one in found),
    ]
    by_level = sorted(levels, key=lambda named: -rank(named[1]))
    return tuple(dict.fromkeys(topic for topic, _ in by_level))


# --- what is not urgent ----------------------------------------------------------------------


def _calm(
    voice: Voice, raised: Sequence[Raised], found: Sequence[Found], main: Found | None
) -> Answer:
    """Everything that can wait for a working day, as briefly as it takes to say all of it.

    `main`: what the message is mainly about, where it is not a flag.
    """
    reply, topics = brief(voice, raised, found), _topics(raised, found)
    if main is None or (raised and rank(raised[0].flag.level) >= rank(main.level)):
        flag = raised[0].flag
        return Answer(
            topic=flag.topic,
            level=flag.level,
            reply=reply,
            flag=flag.row,
            matched=raised[0].matched,
            topics=topics,
        )
    return Answer(
        topic=main.topic.key,
        level=max((main.level, *(one.level for one in _told_too(main, found))), key=rank),
        reply=reply,
        matched=main.matched,
        topics=topics,
    )


def _told_too(main: Found, found: Sequence[Found]) -> Iterator[Found]:
    """What is told beside the question: a side effect, unless it is only the reason to ask."""
    reasons = NAMED_AS_REASON.get(main.topic.key, frozenset())
    return (one for one in found if not one.is_aside and one.topic.key not in reasons)


# --- doubt -----------------------------------------------------------------------------------


def _in_doubt(voice: Voice, key: str, found: Sequence[Found]) -> Answer:
    """The emergency line, the question, and then what else was said."""
    doubt = voice.library.doubts[key]
    watch = emergency_lines(voice.library, voice.situation)
    question = voice.say(f"doubts.{key}.question")
    leads = not found or rank(doubt.level) >= rank(found[0].level)
    first = doubt.topic if leads else found[0].topic.key
    return Answer(
        topic=first,
        level=doubt.level if leads else found[0].level,
        reply=brief(voice, (), found, first=[watch, question], last=()),
        flag=doubt.row if leads else None,
        topics=tuple(dict.fromkeys((first, doubt.topic, *(one.topic.key for one in found)))),
        asks=key,
    )


# --- the treatment's story -------------------------------------------------------------------


def _page(library: Library, given: Answer, text: str) -> Page | None:
    """The page that fits the words, if they are about nothing but the treatment.

    Whether "my next session" may be is a question for before it.
    """
    roots = [library.story.root(topic) for topic in given.topics if topic != "next_session"]
    if not given.topics or not all(roots):
        return None
    page = library.story.page_for(text)
    if page is None or ("next_session" in given.topics and page.topic != "before_session"):
        return None
    # Two questions of a general kind get their few words each, not the page of one.
    return None if len(roots) > 1 and page in roots else page


def _told(voice: Voice, given: Answer, page: Page | None) -> Answer:
    """The page in place of the topic's few words."""
    if page is None:
        return given
    topics = tuple(filter(voice.library.story.root, given.topics)) or (page.topic,)
    reply = pages.text(voice, page)
    return replace(given, topic=topics[0], reply=reply, topics=topics, page=page.key)


# --- what does not count, and what was not understood ----------------------------------------

NOT_NOW: tuple[WhyIgnored, ...] = ("hypothetical", "past", "someone_else", "denied")
"""Why something said does not count, in the order in which it is spoken of."""


def _why_not(understood: Understood, found: Sequence[Found]) -> WhyIgnored | None:
    """Why the symptoms that are named do not count, where no other symptom does.

    Beside a question a denial needs no words: "no pus, can I swim?".
    """
    if understood.raised or any(one.topic.kind == "effect" for one in found):
        return None
    said = {one.why for one in understood.ignored} - ({"denied"} if found else set())
    return next((why_not for why_not in NOT_NOW if why_not in said), None)


def _not_now(
    voice: Voice, understood: Understood, why_not: WhyIgnored, found: Sequence[Found]
) -> Answer:
    """To "what if I get a fever", "I had cold sores last year", "my sister has pus", "no pus"."""
    ignored = [one for one in understood.ignored if one.why == why_not]
    known = [one.key for one in ignored if one.key in voice.library.topics]
    otherwise = {"past": "before_session", "denied": "unknown"}.get(why_not)
    topic = otherwise or next(iter(known), "contact")
    main = understood.main
    if main and main in voice.library.topics and (why_not != "hypothetical" or not known):
        topic = main
    spoken_of = [topic, *(one.topic.key for one in found)]
    first = [voice.say(f"answers.{why_not}.text")]
    last = [emergency_lines(voice.library, voice.situation)]
    return Answer(
        topic=topic,
        level="info",
        reply=brief(voice, (), found, first=first, last=last),
        matched=tuple(one.phrase for one in ignored),
        topics=tuple(dict.fromkeys(it for it in spoken_of if it != "unknown")),
    )


def _not_understood(voice: Voice, text: str, understood: Understood) -> Answer:
    """Thanks and greetings are returned, a call for help gets the clinic's number.

    What no topic's words say may still be a page's. For anything else, an honest "I did not
    understand", and what may have been meant.
    """
    library, situation, signals = voice.library, voice.situation, understood.signals
    if "help" in signals:
        return about(library, "contact", situation)
    if page := library.story.page_for(text):
        return _told(voice, Answer(topic=page.topic, level="info", reply=Markup()), page)
    if said := next((it for it in COURTESIES if it in signals), None):
        return Answer(topic="unknown", level="info", reply=voice.say(f"answers.{said}.text"))
    offered = closest(library, text, situation)
    offers = lines(
        voice.say("answers.unknown.offer", topic=key, name=voice.say(f"topics.{key}.name"))
        for key in offered
    )
    reply = voice.say("answers.unknown.text", offers=offers)
    return Answer(topic="unknown", level="info", reply=reply, closest=offered)
