"""When a session ended, and when the next visit is: what was written of either."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.care.dates import Prefer, Reading, read_date
from bot.care.session_line.values import (
    AHEAD,
    LONG_AGO,
    NEXT_WITHIN,
    NO_VISIT,
    Choice,
    ChoiceKey,
    Field,
    Problem,
    ProblemKey,
)
from bot.care.session_line.words import BARE_LABEL, NO_VISIT_WORDS


class Moments:
    """Gathers what a line says of its two moments: `fields`, `choices`, `problems`."""

    def __init__(self, *, written_at: datetime, zone: ZoneInfo, language: str) -> None:
        self.written_at = written_at
        self.zone = zone
        self.language = language
        self.fields: dict[str, str] = {}
        self.choices: list[Choice] = []
        self.problems: list[Problem] = []
        self.ended: datetime | None = None
        self.visit: datetime | None = None
        self._confirmed: frozenset[str] = frozenset()
        """Fields whose value a button has answered: not asked about twice."""
        self._next_is_a_guess = False
        self._read_before: dict[tuple[str, Prefer], list[Reading]] = {}

    def problem(self, key: ProblemKey, phrase: str = "", field: Field | None = None) -> None:
        """One more thing to say back."""
        self.problems.append(Problem(key=key, phrase=phrase, field=field))

    def read_end(self, phrase: str) -> None:
        """When the session ended; what was written in the small hours may mean the day before."""
        readings = [r for r in self._dates(phrase, "past") if r.has_time]
        if not readings:
            known = not phrase or self._dates(phrase, "past")
            self.problem("no_time" if known else "not_understood", phrase, "ended")
            return
        around = list(dict.fromkeys(local for r in readings for local in self._around(r)))
        possible = [local for local in around if self._may_be_end(local)]
        night = len(around) > len(readings)
        slashed = readings[0].doubt == "slashed_date"
        if possible and (night or len(possible) > 1 or (slashed and len(around) > 1)):
            key = "after_midnight" if night else readings[0].doubt or "slashed_date"
            self._ask_dates("ended", key, phrase, around if slashed else possible)
            return
        local = (possible or around)[0]
        ended = to_utc(local, self.zone)
        if not possible:
            late = ended > self.written_at
            self.problem("ended_too_far_ahead" if late else "ended_long_ago", phrase, "ended")
            return
        self.ended = ended
        self.fields["ended"] = canonical(local)

    def _may_be_end(self, local: datetime) -> bool:
        return -LONG_AGO <= self._ahead(local) <= AHEAD

    def _ahead(self, local: datetime) -> timedelta:
        """How long after the line was written."""
        return to_utc(local, self.zone) - self.written_at

    def _around(self, reading: Reading) -> tuple[datetime, ...]:
        """The days a time may mean that was written without a date, or with "today"."""
        local = reading.local
        ahead = self._ahead(local)
        bare = reading.day == "unsaid"
        if not bare and reading.day != "today":
            return (local,)
        small_hours = self.written_at.astimezone(self.zone).hour < 6
        if (small_hours and ahead > timedelta(hours=3)) or (bare and ahead > AHEAD):
            return (local, local - timedelta(days=1))
        tomorrow = local + timedelta(days=1)
        soon = self._ahead(tomorrow) <= timedelta(hours=3)
        return (local, tomorrow) if bare and soon else (local,)

    def read_next(self, phrase: str) -> None:
        """The follow-up visit: after the session, ahead of now, with its hour."""
        if NO_VISIT_WORDS.fullmatch(phrase):
            self.fields["next"] = NO_VISIT
            return
        found = self._visits(phrase)
        readings = [r for r in found if r.has_time]
        if not readings:
            self.problem("next_no_time" if found else "not_understood", phrase, "next")
            return
        faults = {r.local: self._visit_fault(r.local) for r in readings}
        slashed = readings[0].doubt == "slashed_date"
        possible = [local for local, fault in faults.items() if not fault]
        if not possible:
            self.problem(faults[readings[0].local] or "not_understood", phrase, "next")
        elif slashed or len(possible) > 1:
            key = readings[0].doubt or "slashed_date"
            self._ask_dates("next", key, phrase, list(faults) if slashed else possible)
        elif self._next_is_a_guess:
            self._ask_dates("next", "is_it_next", phrase, possible)
        else:
            self.visit = to_utc(possible[0], self.zone)
            self.fields["next"] = canonical(possible[0])

    def _visit_fault(self, local: datetime) -> ProblemKey | None:
        visit = to_utc(local, self.zone)
        if self.ended and visit <= self.ended:
            return "next_before_end"
        if visit <= self.written_at:
            return "next_in_past"
        return "next_too_far_ahead" if visit - self.written_at > NEXT_WITHIN else None

    def _visits(self, phrase: str) -> list[Reading]:
        """With its "next" first: "next Tuesday" need not be "Tuesday"."""
        bare = BARE_LABEL.sub("", phrase, count=1) if BARE_LABEL.match(phrase) else phrase
        return self._dates(phrase, "future") or self._dates(bare, "future")

    def _dates(self, phrase: str, prefer: Prefer) -> list[Reading]:
        """Remembered: a phrase is looked at alone, beside its neighbours, then for its value."""
        if (phrase, prefer) not in self._read_before:
            self._read_before[phrase, prefer] = read_date(
                phrase,
                written_at=self.written_at,
                zone=self.zone,
                language=self.language,
                prefer=prefer,
            )
        return self._read_before[phrase, prefer]

    def _ask_dates(self, name: Field, key: ChoiceKey, phrase: str, locals_: list[datetime]) -> None:
        self._ask(name, key, phrase, tuple(canonical(local) for local in locals_))

    def _ask(self, name: Field, key: ChoiceKey, phrase: str, options: tuple[str, ...]) -> None:
        self.choices.append(Choice(field=name, key=key, phrase=phrase, options=options))


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Wall time to UTC: a missing hour moves forward, one that comes twice is the first."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def canonical(local: datetime) -> str:
    return f"{local:%Y-%m-%d %H:%M}"
