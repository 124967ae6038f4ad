"""What a page of the treatment's story says to one patient at one moment.

The pages are content.story. No text holds a number that rules, topics, pages or the session have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from markupsafe import Markup

from content import wording
from content.messages import emergency_lines
from content.replies import Voice, left_out_before_a_visit, paragraphs, subject
from content.story import Page, Range

OF_EVERY_USE = ("count", "results")
"""Claims of each use that the pages `sessions` and `results` list."""


def text(voice: Voice, page: Page) -> Markup:
    """The page: its title, then what it claims. At most 1,500 characters."""
    title = voice.say(f"story.{page.key}.title")
    claims = (_headed(voice, page, name) for name in page.claims)
    return paragraphs([Markup("<b>{}</b>").format(title), *_together(claims)])


def title(voice: Voice, page: Page) -> str:
    """As it stands on a button."""
    return str(voice.say(f"story.{page.key}.title").unescape())


def _together(claims: Iterator[Markup]) -> list[Markup]:
    """Points of a list stand one below the other, without a gap."""
    together: list[Markup] = []
    for claim in claims:
        if claim.startswith("•") and together and together[-1].startswith("•"):
            together[-1] += Markup("\n") + claim
        else:
            together.append(claim)
    return together


def _headed(voice: Voice, page: Page, name: str) -> Markup:
    """A claim; of a use its number and its results, which other pages list, with what they are."""
    claim = _claim(voice, page, name)
    return voice.say(f"story.part.{name}", text=claim) if name in OF_EVERY_USE else claim


def _claim(voice: Voice, page: Page, name: str) -> Markup:
    key = f"story.{page.key}.{name}"
    texts = voice.library.texts_for(voice.language, voice.situation.session)
    values: dict[str, object] = {}
    for field in texts[key].fields:
        if field in page.numbers:
            values[field] = _number(voice, page.numbers[field])
        elif field in _PARTS:
            values[field] = _PARTS[field](voice)
    return voice.say(key, **values)


def _number(voice: Voice, number: Range) -> str:
    """'4', '3 to 6', '4 weeks', '4 to 6 weeks'."""
    last = number.least if number.most is None else number.most
    counted = wording.counted(last, number.unit, voice.language) if number.unit else str(last)
    if number.most is None:
        return counted
    return str(voice.say("story.part.range", least=number.least, most=counted))


# --- what is worked out ----------------------------------------------------------------------


def _session(voice: Voice) -> Markup:
    session = voice.situation.session
    if session is None:
        return Markup()
    return voice.say("story.part.session", number=session.number, of=session.of)


def _apart(voice: Voice) -> Markup:
    session = voice.situation.session
    weeks = voice.library.weeks_apart(session) if session else 0
    if not weeks:
        return Markup()
    return voice.say("story.part.apart", weeks=wording.counted(weeks, "week", voice.language))


def _visit(voice: Voice) -> Markup:
    session, situation = voice.situation.session, voice.situation
    if session is None or session.next_at is None or session.next_at <= situation.at:
        return Markup()
    return subject(voice, voice.library.topics["next_session"])


def _short(voice: Voice) -> Markup:
    return subject(voice, voice.library.topics["before_session"])


def _of_every_use(claim: str) -> Callable[[Voice], Markup]:
    """What the pages of the uses claim of it: a line each."""

    def lines(voice: Voice) -> Markup:
        return Markup("\n").join(
            voice.say("story.part.line", name=title(voice, page), text=_claim(voice, page, claim))
            for page in voice.library.story.pages.values()
            if page.under == "uses" and claim in page.claims
        )

    return lines


def _effects(voice: Voice) -> Markup:
    """The common side effects that are to be expected, each with how long it may last."""
    return Markup("\n").join(
        voice.say(
            "story.part.effect",
            name=voice.say(f"topics.{topic.key}.name"),
            span=wording.span(topic.expected_until, voice.language),
        )
        for topic in voice.library.topics.values()
        if topic.kind == "effect" and topic.starts_hours is not None and topic.common
    )


def _maintenance(voice: Voice) -> Markup:
    months = voice.situation.clinic.maintenance_months
    if months is None:
        return Markup()
    span = wording.counted(months, "month", voice.language)
    return voice.say("story.part.maintenance", months=span)


_PARTS: Mapping[str, Callable[[Voice], Markup]] = {
    "session": _session,
    "apart": _apart,
    "visit": _visit,
    "counts": _of_every_use("count"),
    "results": _of_every_use("results"),
    "effects": _effects,
    "leave_out": left_out_before_a_visit,
    "maintenance": _maintenance,
    "emergency": lambda voice: emergency_lines(voice.library, voice.situation),
    "short": _short,
}
