"""What is allowed from which hour: clinical.md, parts A1, A2 and F, and before a visit, part D.

Hours count from the END of the session. Whoever needs a permission asks `is_allowed`, and, where a
follow-up is booked, `blocked`, which knows what has to be left out before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from content.bounds import Days, Hours
from content.facts import Session, Situation
from content.profiles import Profile

UNKNOWN = Session(ended_at=datetime(1970, 1, 1, tzinfo=UTC))
"""Stands for a session that nobody has told us of: nothing is known of it."""


class Rule(BaseModel):
    """One thing that is not allowed before its hour."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    topic: str
    """The topic that answers questions about it."""
    until_then: Literal["no", "ask", "do"] = "no"
    """Before its hour it is forbidden ("no"), the clinic is asked first ("ask"), or it is kept up
    ("do")."""
    if_skin_is: Literal["any", "calm", "healed"] = "any"
    """How the skin must be once the hour has come: calm is not sore, raw or weeping; healed is
    without peeling or soreness, and then one thing at a time."""
    needs: tuple[str, ...] = ()
    """Rules that must allow before this one can: no cleanser without water."""
    from_hours: Hours
    profiles: Mapping[str, Hours] = Field(default_factory=dict)
    """The hour for sessions of a profile (data/profiles.toml), where it is another one."""
    leave_out_days: Days | None = None
    """Left out from the start of this many dates before a visit (0: on its day); None: not."""
    range: str
    """What was found, in words (column "range" of A2)."""
    sources: tuple[str, ...] = Field(min_length=1)
    """Keys of data/sources.toml."""
    sure: Literal["H", "M", "L", "U"]
    """How sure, as clinical.md grades it."""
    _when: Mapping[str, Profile] = PrivateAttr(default_factory=dict)

    def told(self, profiles: Mapping[str, Profile]) -> Rule:
        """The rule as it knows its profiles. Raises KeyError for one that is not among them."""
        rule = self.model_copy()
        rule._when = {key: profiles[key] for key in self.profiles}
        return rule

    def usual_hours(self, session: Session) -> float:
        """Its hour after a session of this kind: of the profiles that hold, the longest."""
        of_profiles = (
            hours for key, hours in self.profiles.items() if self._when[key].holds(session)
        )
        return max(of_profiles, default=self.from_hours)

    @property
    def cautious_from_hours(self) -> float:
        """Its hour where nothing is known of the session: as after one of unknown depth."""
        return self.usual_hours(UNKNOWN)


def hours(rule: Rule, session: Session) -> float:
    """From which hour after the session the rule allows it; what staff set for it counts first."""
    own = session.overrides.get(rule.key)
    return rule.usual_hours(session) if own is None else own


def with_needs(
    rules: Mapping[str, Rule], session: Session, set_hours: Mapping[str, float]
) -> dict[str, float]:
    """`set_hours` (rule -> hours), and with them what cannot be allowed before they are.

    "No water for 48 hours" is no cleanser for 48 hours as well.
    """
    whole = dict(set_hours)
    for _ in rules:  # as long as the longest chain of needs
        of_session = replace(session, overrides=whole)
        later = {
            rule.key: latest
            for rule in rules.values()
            if (latest := max((hours(rules[key], of_session) for key in rule.needs), default=0))
            > hours(rule, of_session)
        }
        if not later:
            break
        whole |= later
    return whole


def moment_allowed(rule: Rule, session: Session) -> datetime:
    """From when the rule allows it, UTC, in whole minutes: a text that says 14:30 means it."""
    return moment_after(session, hours(rule, session))


def moment_after(session: Session, hours: float) -> datetime:
    """The first whole minute (UTC) from that many hours after the session on."""
    return _whole_minute(session.ended_at + timedelta(hours=hours))


def is_allowed(rule: Rule, session: Session, at: datetime) -> bool:
    """Whether the rule's hour has come. It does not know of a visit: see `blocked`."""
    return at >= moment_allowed(rule, session)


class Alike(NamedTuple):
    """Rules that are blocked alike after one kind of session; each with its place in the file."""

    hours: float
    leave_out_days: int | None
    rules: tuple[tuple[int, Rule], ...]


def alike(rules: Iterable[Rule], hours_of: Mapping[str, float]) -> tuple[Alike, ...]:
    """The rules by what blocks them, where `hours_of` gives each one's hour."""
    groups: dict[tuple[float, int | None], list[tuple[int, Rule]]] = defaultdict(list)
    for place, rule in enumerate(rules):
        groups[hours_of[rule.key], rule.leave_out_days].append((place, rule))
    return tuple(Alike(*key, tuple(found)) for key, found in groups.items())


class Block(NamedTuple):
    """Why something is not to be done now, and until when (UTC)."""

    until: datetime
    because: Literal["session", "visit"]


def blocked(rule: Rule, situation: Situation) -> Block | None:
    """What stands against it at this moment: the session behind, or the visit ahead; None: nothing.

    Whoever asks about many rules at once asks `Permissions`.
    """
    if situation.session is None:
        return None
    return Permissions(situation.session, situation.at, situation.zone).blocked(rule)


@dataclass(frozen=True)
class Permissions:
    """What the rules allow after `session` at the moment `at`, to a patient in `zone`.

    Many rules share their hours; what these come to is worked out once.
    """

    session: Session
    at: datetime
    zone: ZoneInfo
    hours: Mapping[str, float] | None = None
    """Each rule's hour after the session (`Library.hours_of`); None: asked of the rule."""
    _free: dict[float, datetime] = field(default_factory=dict)
    _left_out: dict[int, datetime] = field(default_factory=dict)

    def allows(self, rule: Rule) -> bool:
        """Whether the rule's hour has come. It does not know of a visit ahead: see `blocked`."""
        return self.at >= self.free(rule)

    def free(self, rule: Rule) -> datetime:
        """From when the rule allows it, as far as is known at `at`, UTC.

        A visit that has begun may have been a session that nobody has recorded yet: what was not
        allowed by then waits for the rule's hours from it again.
        """
        return self._free_after(
            hours(rule, self.session) if self.hours is None else self.hours[rule.key]
        )

    def blocked(self, rule: Rule) -> Block | None:
        """What stands against it: the session behind, or the visit ahead; None: nothing.

        What would be allowed only within the time before a visit in which it has to be left out
        stays out until the visit: nothing is allowed for a day or two.
        """
        return self._block(self.free(rule), rule.leave_out_days)

    def blocked_alike(self, rules: Alike) -> Block | None:
        """The same for rules that have their hours in common."""
        return self._block(self._free_after(rules.hours), rules.leave_out_days)

    def _free_after(self, wait: float) -> datetime:
        if wait not in self._free:
            self._free[wait] = self._moment_free(timedelta(hours=wait))
        return self._free[wait]

    def _moment_free(self, wait: timedelta) -> datetime:
        allowed, visit = _whole_minute(self.session.ended_at + wait), self.session.next_at
        if visit is None or self.at < visit or allowed <= visit:
            return allowed
        return max(allowed, _whole_minute(visit + wait))

    def _block(self, free: datetime, leave_out_days: int | None) -> Block | None:
        visit = self.session.next_at
        if visit is not None and leave_out_days is not None:
            now_or_then = max(self.at, free)
            if now_or_then < visit and self._left_out_from(visit, leave_out_days) <= now_or_then:
                return Block(visit, "visit")
        return Block(free, "session") if self.at < free else None

    def _left_out_from(self, visit: datetime, days: int) -> datetime:
        """The start of that many dates before the visit, where the patient is (part D)."""
        if days not in self._left_out:
            date = visit.astimezone(self.zone).date() - timedelta(days=days)
            self._left_out[days] = datetime.combine(date, time(), self.zone).astimezone(UTC)
        return self._left_out[days]


def _whole_minute(exact: datetime) -> datetime:
    """The same, or the next whole minute."""
    if not exact.second and not exact.microsecond:
        return exact
    return exact.replace(second=0, microsecond=0) + timedelta(minutes=1)
