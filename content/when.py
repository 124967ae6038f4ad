"""Times said in a message: "3 days ago", "since yesterday", "day 8", "hace dos semanas"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import BaseModel, ConfigDict, Field

from content.hits import Hit, Reading

BEFORE_THE_SESSION = 48.0
"""Hours by which a time said must reach back behind the session to be about something else."""
LONG_AGO = 24.0 * 60
"""The same where no session is known, counted from now."""


class Times(BaseModel):
    """One language's words of time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    units: Mapping[str, float] = Field(default_factory=dict)
    """Hours of each ("day": 24)."""
    numbers: Mapping[str, float] = Field(default_factory=dict)
    ago: frozenset[str] = frozenset()
    """After a number and a unit: so long since it happened ("3 days *ago*")."""
    ago_before: frozenset[str] = frozenset()
    """The same, before them ("*hace* 3 dias")."""
    lasting: frozenset[str] = frozenset()
    """Before or after them: at least so long since the session ("*for* 3 days", "3 days *in*")."""
    words: Mapping[str, float] = Field(default_factory=dict)
    """Hours since a time with a name of its own ("yesterday")."""


def joined(languages: Iterable[Times]) -> Times:
    """The words of all languages as one."""
    every = list(languages)

    def table(name: str) -> dict[str, float]:
        return {word: value for each in every for word, value in getattr(each, name).items()}

    def words(name: str) -> frozenset[str]:
        return frozenset(word for each in every for word in getattr(each, name))

    return Times(
        units=table("units"),
        numbers=table("numbers"),
        ago=words("ago"),
        ago_before=words("ago_before"),
        lasting=words("lasting"),
        words=table("words"),
    )


def said_hours(times: Times, reading: Reading) -> float | None:
    """How long ago the session seems to have been, in hours; None: nothing is said of it."""
    said = [hours for hours, _, kind in _spans(times, reading) if kind != "bare"]
    said += [times.words[token.text] for token in reading.tokens if token.text in times.words]
    return max(said, default=None)


def long_ago(times: Times, reading: Reading, hours: float | None) -> list[Hit]:
    """What is said to lie clearly before the session, which was `hours` ago."""
    limit = LONG_AGO if hours is None else max(hours, 0) + BEFORE_THE_SESSION
    return [
        Hit("frame:past", "ago", ((start, start + 1),))
        for said, start, kind in _spans(times, reading)
        if kind == "ago" and said > limit
    ]


def _spans(times: Times, reading: Reading) -> Iterator[tuple[float, int, str]]:
    """Each number with a unit of time: its hours, its token, and how it is meant."""
    words = [token.text for token in reading.tokens]
    for i, word in enumerate(words):
        after = words[i + 1] if i + 1 < len(words) else ""
        before = words[i - 1] if i else ""
        if word in times.units and (count := _number(times, after)) and times.units[word] == 24:
            yield count * 24, i, "day"  # "day 8"
        elif (count := _number(times, word)) and after in times.units:
            behind = words[i + 2] if i + 2 < len(words) else ""
            yield count * times.units[after], i, _kind(times, before, behind)


def _kind(times: Times, before: str, behind: str) -> str:
    if behind in times.ago or before in times.ago_before:
        return "ago"
    return "lasting" if before in times.lasting or behind in times.lasting else "bare"


def _number(times: Times, word: str) -> float:
    if word.isascii() and word.isdigit() and len(word) <= 3:
        return float(word)
    return times.numbers.get(word, 0)
