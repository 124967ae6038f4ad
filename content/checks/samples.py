"""What patients are really sent and answered, over all kinds of sessions and hours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import Literal, get_args

from markupsafe import Markup

from content import answers, messages, pages
from content.checks.finding import Finding, error, text_place
from content.checks.reachable import late_enough, raising
from content.facts import AREAS, Clinic, Device, Patient, Session, Situation
from content.flags import Flag, Raised
from content.library import Library
from content.reading import ContentError
from content.replies import Voice
from content.schedule import Planned, plan
from content.story import Page
from content.texts import FALLBACK
from content.topics import Topic
from content.understood import Understood

CLINIC = Clinic(
    name="Rosewood Skin Clinic",
    phone="+44 20 7946 0000",
    emergency_number="112",
    timezone="Europe/London",
    maintenance_months=6,
)
ENDED = datetime(2026, 9, 9, 13, 30, tzinfo=UTC)
"""A Wednesday in September: long names, in English and in Spanish."""
LATE = ENDED + timedelta(hours=7)
"""Half past nine in the evening where the clinic is."""
DEPTHS = (0.3, 1.0, 1.5, None)
TIMES = ((ENDED, None), (ENDED, 2), (ENDED, 12), (ENDED, 28), (LATE, None))
"""The end of a session, and the days from then to the follow-up."""
HOURS = (None, 2, 30, 60, 100, 200, 400, 800)
"""At which topics are asked for; None: by somebody without a session."""

Kind = Literal["step", "effect", "flag", "other"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One message as it would be sent, and what it is."""

    place: str
    language: str
    kind: Kind
    key: str
    """Of the step, the topic or the flag."""
    text: str


def samples(library: Library, clinic: Clinic) -> tuple[list[Sample], list[Finding]]:
    """Every different message, once; and what could not be put together."""
    found: dict[tuple[str, str], Sample] = {}
    broken: dict[Finding, None] = {}
    for language in library.texts.languages:
        patient = Patient(name="Ana", timezone=clinic.timezone, language=language)
        try:
            for place, making in _samples(library, clinic, patient):
                said = _said(text_place(language, place), making)
                if isinstance(said, Finding):
                    broken[said] = None
                else:
                    found.setdefault((said.place, said.text), said)
        except ContentError as refused:  # there is no plan of such content
            broken |= dict.fromkeys(map(_refused, refused.problems))
        except ArithmeticError as problem:
            broken[error("steps.toml", f"no plan can be made: {problem}")] = None
    return list(found.values()), list(broken)


def _said(place: str, making: Callable[[], Sample]) -> Sample | Finding:
    try:
        return making()
    except (KeyError, ValueError) as problem:
        return error(place, f"cannot be put together: {problem} is not there")
    except ArithmeticError as problem:
        return error(place, f"cannot be put together: {problem}")


def _refused(problem: str) -> Finding:
    place, _, what = problem.rpartition(": ")
    return error(place, what)


Making = tuple[str, Callable[[], Sample]]
"""The key of what is said, and how to say it."""


def _samples(library: Library, clinic: Clinic, patient: Patient) -> Iterator[Making]:
    yield from _steps(library, clinic, patient)
    yield from _topics(library, clinic, patient)
    yield from _screens(library, clinic, patient)
    yield from _pages(library, clinic, patient)
    yield from _flags(library, clinic, patient)


# --- the plan --------------------------------------------------------------------------------


def sessions(library: Library) -> Iterator[Session]:
    """Every kind of session that the rules tell apart, with and without a follow-up."""
    devices: tuple[Device, ...] = get_args(Device)
    told_apart: set[tuple[object, ...]] = set()
    kinds = product(AREAS, devices, DEPTHS, (False, True))
    for (area, device, depth, marks_easily), (ended_at, visit) in product(kinds, TIMES):
        session = Session(
            ended_at=ended_at,
            area=area,
            device=device,
            depth_mm=depth,
            marks_easily=marks_easily,
            next_at=None if visit is None else ended_at + timedelta(days=visit),
        )
        kind = area, library.profiles_of(session), ended_at, visit
        if kind not in told_apart:
            told_apart.add(kind)
            yield session


def moments(row: Planned) -> tuple[datetime, datetime, datetime]:
    """When a reminder may go: at once, late, and in its last second."""
    life = row.expires_at - row.due_at
    return row.due_at, row.due_at + life / 2, row.expires_at - timedelta(seconds=1)


def _steps(library: Library, clinic: Clinic, patient: Patient) -> Iterator[Making]:
    for session in sessions(library):
        for row in plan(library, session, clinic, patient):
            for at in moments(row):
                where = Situation(at=at, clinic=clinic, patient=patient, session=session)
                yield f"steps.{row.key}.text", partial(_step, library, row.key, where)


def _step(library: Library, key: str, where: Situation) -> Sample:
    text = messages.step_text(library, key, where)
    return _sample(where, f"steps.{key}.text", text, kind="step", key=key)


def _sample(
    where: Situation, place: str, text: Markup, *, kind: Kind = "other", key: str = ""
) -> Sample:
    language = where.patient.language
    at = text_place(language, place)
    return Sample(place=at, language=language, kind=kind, key=key, text=str(text))


# --- answers ---------------------------------------------------------------------------------


def _situations(clinic: Clinic, patient: Patient) -> Iterator[Situation]:
    for hours, depth in product(HOURS, (1.0, None)):
        session = Session(ended_at=ENDED, depth_mm=depth, of=3)
        nobody = Situation(at=ENDED, clinic=clinic, patient=patient)
        if hours is None:
            yield nobody
        else:
            at = ENDED + timedelta(hours=hours)
            yield replace(nobody, at=at, session=session)


def _topics(library: Library, clinic: Clinic, patient: Patient) -> Iterator[Making]:
    for topic, where in product(library.topics.values(), _situations(clinic, patient)):
        yield f"topics.{topic.key}", partial(_topic, library, topic, where)
        yield f"why.topic.{topic.key}", partial(_why, library, topic, where)


def _topic(library: Library, topic: Topic, where: Situation) -> Sample:
    reply = answers.about(library, topic.key, where).reply
    kind: Kind = "effect" if topic.kind == "effect" else "other"
    return _sample(where, f"topics.{topic.key}", reply, kind=kind, key=topic.key)


def _why(library: Library, topic: Topic, where: Situation) -> Sample:
    return _sample(where, f"why.topic.{topic.key}", answers.why(library, topic.key, where))


def _screens(library: Library, clinic: Clinic, patient: Patient) -> Iterator[Making]:
    """What the menu's commands show, and what is answered to Yes and No."""
    for where in _situations(clinic, patient):
        rows = plan(library, where.session, clinic, patient) if where.session else []
        screens: dict[str, Callable[[], Markup]] = {
            "common.now": partial(messages.now_text, library, where),
            "common.plan": partial(messages.plan_text, library, where, rows),
            "common.next": partial(messages.next_text, library, where, rows),
            "answers.side_effects": partial(answers.side_effects, library, where),
        }
        for key, screen in screens.items():
            yield key, partial(_screen, where, key, screen)
        for doubt, yes in product(library.doubts, (True, False)):
            yield f"doubts.{doubt}", partial(_settled, library, doubt, yes, where)


def _screen(where: Situation, key: str, screen: Callable[[], Markup]) -> Sample:
    return _sample(where, key, screen())


def _settled(library: Library, doubt: str, yes: bool, where: Situation) -> Sample:
    reply = answers.settled(library, doubt, yes, where).reply
    return _sample(where, f"doubts.{doubt}", reply, kind="flag", key=doubt)


def _pages(library: Library, clinic: Clinic, patient: Patient) -> Iterator[Making]:
    """The pages of the story that no topic's command answers with."""
    for page, where in product(library.story.pages.values(), _situations(clinic, patient)):
        if not page.root:
            yield f"story.{page.key}", partial(_page, library, page, where)


def _page(library: Library, page: Page, where: Situation) -> Sample:
    return _sample(where, f"story.{page.key}", pages.text(Voice(library, where), page))


def _flags(library: Library, clinic: Clinic, patient: Patient) -> Iterator[Making]:
    """What is answered to a red flag, asked in the patient's language if it is understood."""
    for flag in library.flags:
        example = raising(library, flag, patient.language) or raising(library, flag, FALLBACK)
        if example is not None or flag.learned:
            at = ENDED + timedelta(hours=late_enough(flag))
            session = Session(ended_at=ENDED, depth_mm=1.0)
            where = Situation(at=at, clinic=clinic, patient=patient, session=session)
            yield f"flags.{flag.says}", partial(_flag, library, flag, example, where)


def _flag(library: Library, flag: Flag, example: str | None, where: Situation) -> Sample:
    """A learned flag is raised by no words of its own."""
    if example is None:
        raised = (Raised(flag=flag, matched=()),)
        understood = Understood(raised=raised, found=(), signals=frozenset(), asked_at=None)
        reply = answers.answer_to(library, understood, "", where).reply
    else:
        reply = answers.answer(library, example, where, language=where.patient.language).reply
    return _sample(where, f"flags.{flag.says}", reply, kind="flag", key=flag.key)
