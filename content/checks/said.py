"""What is checked on messages as they are sent: length, first line, numbers to call, words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean

from markupsafe import escape

from content.checks import reading_level, telegram_html
from content.checks.finding import Finding, error, text_place, warning
from content.checks.samples import Sample
from content.facts import Clinic
from content.library import Library

MOST_OF_A_REMINDER = 600
"""Characters (clinical.md, part H)."""
GREETINGS = frozenset({"signal:hello", "signal:thanks"})
_PATIENTS = re.compile(
    r"(?:enrolment|stopping|story)\..*"
    r"|chat\.(?!menu\.|staff_only|help\.staff).*"
    r"|alerts\.(?:told|nobody|unheard|taken\.patient|question\..*)"
)
"""Texts that patients read as they stand; the others are read in samples."""


def lengths(samples: Sequence[Sample]) -> Iterator[Finding]:
    """A reminder of at most 600 characters, and nothing that Telegram would not take whole."""
    longest: dict[tuple[str, bool], int] = defaultdict(int)
    for sample in samples:
        at = sample.place, sample.kind == "step"
        longest[at] = max(longest[at], telegram_html.length(sample.text))
    for (place, is_reminder), length in longest.items():
        most = MOST_OF_A_REMINDER if is_reminder else telegram_html.MOST
        what = "a reminder" if is_reminder else "a message"
        if length > most:
            yield error(place, f"{length} characters at its longest; {what} has at most {most}")
        if not length:
            yield error(place, "says nothing")


def tags(samples: Sequence[Sample]) -> Iterator[Finding]:
    """Telegram's HTML once the parts are put together."""
    for sample in samples:
        for problem in telegram_html.problems(sample.text):
            yield error(sample.place, problem)


def first_lines(library: Library, samples: Sequence[Sample]) -> Iterator[Finding]:
    """The first line is all that a locked telephone shows: what to do, and no greeting."""
    beginnings = {
        (sample.place, telegram_html.seen(sample.text).partition("\n")[0])
        for sample in samples
        if sample.kind == "step"
    }
    for place, line in sorted(beginnings):
        hits = library.phrases.find(library.phrases.read(line))
        if any(hit.key in GREETINGS and hit.start == 0 for hit in hits):
            yield error(place, f"begins with a greeting; what to do comes first: {line}")


def purposes(library: Library) -> Iterator[Finding]:
    """One reminder, one purpose: a topic that the bot can be asked about."""
    for step in library.steps:
        if step.topic not in library.topics:
            yield error(f"steps.toml: {step.key}.topic", f"there is no topic {step.topic}")


def numbers(library: Library, samples: Sequence[Sample], clinic: Clinic) -> Iterator[Finding]:
    """Whom to call in an emergency, and the clinic's telephone, wherever trouble is spoken of.

    That is: in messages about safety, in those that ask how the skin is, in the answers to a side
    effect and to a red flag.
    """
    steps = {
        step.key
        for step in library.steps
        if step.kind == "safety" or any(key in library.topics for key in step.warns)
    }
    for sample in samples:
        if sample.kind == "other" or (sample.kind == "step" and sample.key not in steps):
            continue
        if not _says(sample.text, clinic.phone):
            yield error(sample.place, "speaks of trouble without the clinic's number, {phone}")
        if not _says(sample.text, clinic.emergency_number):
            yield error(sample.place, "speaks of trouble without {emergency_number}")


def _says(text: str, number: str) -> bool:
    alone = rf"(?<!\d){re.escape(str(escape(number)))}(?!\d)"
    return re.search(alone, text) is not None


# --- plain words -----------------------------------------------------------------------------


def plain_words(library: Library, samples: Sequence[Sample], clinic: Clinic) -> Iterator[Finding]:
    """Grade 7 at most for each text, 6 on average (clinical.md, part H)."""
    names = (clinic.name, *(source.title for source in library.sources.values()))
    for language in library.texts.languages:
        if not reading_level.is_measured(language):
            yield warning(
                f"texts/{language}",
                f"there is no formula for the reading level of {language}: have patients read it",
            )
            continue
        hardest = _hardest(library, samples, language, names)
        for place, grade in sorted(hardest.items()):
            if grade > reading_level.MOST:
                yield error(place, _too_hard(grade, reading_level.MOST))
        if hardest and (average := fmean(hardest.values())) > reading_level.MOST_ON_AVERAGE:
            yield error(
                f"texts/{language}",
                f"on average {_too_hard(average, reading_level.MOST_ON_AVERAGE)}",
            )


def _too_hard(grade: float, most: float) -> str:
    return f"reads at grade {grade:.1f}, at most {most:g}: shorter sentences, shorter words"


def _hardest(
    library: Library, samples: Sequence[Sample], language: str, names: Sequence[str]
) -> dict[str, float]:
    """The grade of each text, in the wording that is the hardest to read."""
    said = [(it.place, it.text) for it in samples if it.language == language]
    grades: dict[str, float] = {}
    for place, text in (*said, *_as_they_stand(library, language)):
        grade = reading_level.grade(text, language, names=names)
        if grade is not None:
            grades[place] = max(grades.get(place, 0.0), grade)
    return grades


def _as_they_stand(library: Library, language: str) -> Iterator[tuple[str, str]]:
    texts = library.texts.variant(language)
    for key in sorted(library.texts.keys(language)):
        if _PATIENTS.fullmatch(key):
            text = texts[key]
            yield text_place(language, key), str(text.fill(dict.fromkeys(text.fields, "1")))
