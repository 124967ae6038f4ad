"""Whether the content contradicts itself: what a step says in its own words, against the rules.

What parts say ({fine}, {still_no}, {wash} …) is worked out from the rules and cannot be wrong. What
stands in a text as words can: so each thing that a rule is about, where a step names it in its own
words, has to be declared in steps.toml (`forbids`, `permits` or `mentions`), and what is declared
is held against the rule at every hour the step may be sent, after every kind of session.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from string import Formatter
from typing import get_args

from content.facts import AREAS, Clinic, Device, Patient, Session
from content.library import Library
from content.rules import Rule, hours, is_allowed
from content.schedule import plan
from content.spoken import plain
from content.steps import Step

ENDS = tuple(datetime(2026, 11, 22, hour, 30, tzinfo=UTC) for hour in (0, 14, 17, 23))
"""Sessions that end by day, in the evening and at night have their messages at other hours."""
VISIT_DAYS = 40
CLINIC = Clinic(
    name="", phone="", emergency_number="", timezone="UTC", maintenance_months=6
)  # fmt: skip
PATIENT = Patient(name="", timezone="UTC")


def contradictions(library: Library) -> list[str]:
    """Every contradiction, as `file: key: what is wrong`; [] where there is none."""
    found = [
        *_without_what_they_need(library),
        *_named_and_not_declared(library),
        *_said_at_the_wrong_hour(library),
    ]
    return list(dict.fromkeys(found))


def kinds(library: Library) -> Iterator[Session]:
    """One session of every kind that the profiles tell apart."""
    cases = [case for profile in library.profiles.values() for case in profile.any_of]
    bounds = {mm for case in cases for mm in (case.from_mm, case.below_mm) if mm is not None}
    depths = [None, *sorted({1.0, *bounds, *(mm - 0.01 for mm in bounds)})]
    for area, device, depth, marks in product(AREAS, get_args(Device), depths, (False, True)):
        yield Session(
            ended_at=ENDS[0], area=area, device=device, depth_mm=depth, marks_easily=marks
        )


def _without_what_they_need(library: Library) -> Iterator[str]:
    """Rules that allow before what they need does: cleanser without water."""
    for rule in library.rules.values():
        for need in (library.rules[key] for key in rule.needs):
            for session in kinds(library):
                first, then = hours(need, session), hours(rule, session)
                if then < first:
                    yield (
                        f"rules.toml: {rule.key}: allowed from {then:g} h, but it needs {need.key},"
                        f" which is from {first:g} h ({_kind(session)})"
                    )
                    break


def _named_and_not_declared(library: Library) -> Iterator[str]:
    for language in library.texts.languages:
        words = _words(library, language)
        for step in library.steps:
            declared = {*step.forbids, *step.permits, *step.mentions}
            for key in _own_texts(library, step, language):
                said = _own_words(library.texts.variant(language)[key].words)
                for rule, word in words:
                    if rule.key not in declared and re.search(rf"\b{re.escape(word)}\b", said):
                        yield (
                            f"texts/{language}/steps.toml: {key.removeprefix('steps.')}: says"
                            f" “{word}” in its own words, whatever the rule {rule.key} says at that"
                            " hour; take {fine} or {still_no}, or name the rule in steps.toml under"
                            " forbids, permits or mentions"
                        )


def _own_texts(library: Library, step: Step, language: str) -> list[str]:
    """The text of the step, and its variants."""
    start = f"steps.{step.key}.text"
    return sorted(key for key in library.texts.keys(language) if key.startswith(start))


def _own_words(text: str) -> str:
    """The text without its parts and tags."""
    literal = " … ".join(words for words, *_ in Formatter().parse(text))
    return plain(re.sub(r"<[^>]+>", " ", literal))


def _words(library: Library, language: str) -> list[tuple[Rule, str]]:
    """The words by which a language names what the rules forbid."""
    return [
        (rule, word)
        for rule in library.forbidding
        for word in sorted(_words_of(library, language, rule.key))
    ]


def _words_of(library: Library, language: str, rule: str) -> set[str]:
    keys = [f"rules.{rule}.no", f"rules.{rule}.fine", f"said.rule.{rule}"]
    said = (library.texts.say(language, key) for key in keys if library.texts.has(key, language))
    return {plain(word) for text in said for word in text.unescape().split(";")}


def _said_at_the_wrong_hour(library: Library) -> Iterator[str]:
    for kind, ended in product(kinds(library), ENDS):
        session = replace(kind, ended_at=ended, next_at=ended + timedelta(days=VISIT_DAYS))
        for row in plan(library, session, CLINIC, PATIENT):
            step = library.step(row.key)
            last = row.expires_at - timedelta(seconds=1)
            for key in step.forbids:
                if is_allowed(library.rules[key], session, last):
                    yield _wrong(step, key, "forbids", "allowed", last, session)
            for key in step.permits:
                if not is_allowed(library.rules[key], session, row.due_at):
                    yield _wrong(step, key, "permits", "not allowed", row.due_at, session)


def _wrong(step: Step, rule: str, says: str, is_so: str, at: datetime, session: Session) -> str:
    after = (at - session.ended_at).total_seconds() / 3600
    return (
        f"steps.toml: {step.key}: its text {says} {rule}, which is {is_so} at {after:.0f} h"
        f" ({_kind(session)})"
    )


def _kind(session: Session) -> str:
    depth = "depth not known" if session.depth_mm is None else f"{session.depth_mm:g} mm"
    return f"{session.area}, {session.device}, {depth}" + (
        ", marks easily" if session.marks_easily else ""
    )
