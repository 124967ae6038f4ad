"""Whether the content may be said to patients: `check` prints these findings, tests insist on them.

`structural` costs milliseconds and finds what would break a message; `findings` puts together every
message for every kind of session and takes seconds. Pure: the library in, the findings out.
"""

from __future__ import annotations

from content.checks import said, sense
from content.checks.finding import Finding
from content.checks.samples import CLINIC, samples
from content.checks.structure import structural
from content.facts import Clinic
from content.library import Library

__all__ = ["CLINIC", "Finding", "findings", "structural"]


def findings(library: Library, clinic: Clinic = CLINIC) -> list[Finding]:
    """Every finding once, errors first, as `clinic` (its name, its numbers) would say it.

    What cannot be put together is not looked at further: its errors come alone, with those of the
    data.
    """
    found = [
        *structural(library),
        *sense.sources(library),
        *sense.contradictions(library),
        *sense.flags(library),
        *sense.languages(library),
        *sense.earlier(library),
        *sense.switched_off(library),
        *sense.approval(library),
        *said.purposes(library),
    ]
    sent, broken = samples(library, clinic)
    found += broken
    found += said.lengths(sent)
    found += said.tags(sent)
    found += said.first_lines(library, sent)
    found += said.numbers(library, sent, clinic)
    found += said.plain_words(library, sent, clinic)
    return sorted(dict.fromkeys(found), key=lambda one: one.severity)
