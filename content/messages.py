"""What is sent and shown of the plan, as Telegram HTML, worked out for the hour it is sent.

No text knows an hour by itself: whatever depends on it is a part, made here from the rules at
`situation.at`. So a message that goes out late, at night or before a moved visit is still right.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from math import ceil
from operator import itemgetter
from typing import Literal
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from content import wording
from content.facts import Area, Session, Situation
from content.library import Library
from content.rules import Block, Permissions, Rule
from content.schedule import Planned, comes, night_ends
from content.steps import Step
from content.texts import Variant

CARE = ("water", "cleansing", "sunscreen", "moisturiser")
"""Rules that the sentences on washing, sunscreen and moisturiser say."""
SUN = ("sun", "sunbathing")
"""Rules that only ever forbid: no message invites into the sun."""
Form = Literal["no", "short", "fine"]
"""The words of a rule after "no …", the same in few letters, and where it is allowed."""
SKIN = ("any", "calm", "healed")
LONGEST = 600
"""Letters of a reminder (clinical.md, part H)."""
MOMENTS_SHOWN = 6
MANY_NIGHTS = 2
"""From this many nights on their number is said."""
FACE: tuple[Area, ...] = ("face", "eyes")
PRECARE_DAYS = 7
"""From this many dates before a visit its precare is said (clinical.md, part D)."""

_TAG = re.compile(r"<[^>]+>")
_GAPS = re.compile(r"\n{3,}")
_ENDS = re.compile(r"[ \t]+$", re.MULTILINE)


def step_text(library: Library, key: str, situation: Situation) -> Markup:
    """The message of the step `key`, as sent at `situation.at`.

    Raises KeyError for a step that is not there, ValueError without a session.
    """
    return _Voice(library, situation).step(key)


def now_text(library: Library, situation: Situation) -> Markup:
    """What to do, what not yet and until when, and what is fine, at this hour."""
    if situation.session is None:
        return library.texts.say(
            situation.patient.language, "common.now.none", **clinic_values(library, situation)
        )
    return _Voice(library, situation).now()


def plan_text(library: Library, situation: Situation, planned: Sequence[Planned]) -> Markup:
    """What is allowed from when, what is recommended, and the messages to come."""
    if situation.session is None:
        return now_text(library, situation)
    return _Voice(library, situation).plan(planned)


def next_text(library: Library, situation: Situation, planned: Sequence[Planned]) -> Markup:
    """The next visit, and the next message."""
    if situation.session is None:
        return now_text(library, situation)
    return _Voice(library, situation).next(planned)


def emergency_lines(library: Library, situation: Situation) -> Markup:
    """When to call the emergency number, and when the clinic (clinical.md, part C)."""
    values = clinic_values(library, situation)
    lines = (
        library.texts.say(situation.patient.language, f"common.emergency.{line}", **values)
        for line in ("now", "today")
    )
    return Markup("\n").join(lines)


def recommendation(library: Library, situation: Situation) -> Markup | None:
    """What the clinician recommended, quoted under the clinic's name; None: nothing, or not yet."""
    session, hours = situation.session, situation.hours
    if session is None or hours is None or not session.recommended:
        return None
    if hours < session.recommended_from_hours:
        return None
    return library.texts.say(
        situation.patient.language,
        "common.recommendation.said",
        clinic=situation.clinic.name,
        words=session.recommended,
    )


def clinic_values(library: Library, situation: Situation) -> dict[str, str | Markup]:
    """The clinic's own values, as texts name them."""
    clinic = situation.clinic
    closed = clinic.urgent_line
    return {
        "clinic": clinic.name,
        "phone": clinic.phone,
        "emergency_number": clinic.emergency_number,
        "when_closed": closed
        or library.texts.say(situation.patient.language, "common.when_closed"),
    }


@dataclass(frozen=True)
class _Voice:
    """Says things to one patient at one moment."""

    library: Library
    situation: Situation

    # -- the messages

    def step(self, key: str) -> Markup:
        """Where too many moments are to be told apart for one message, only the nearest are."""
        step = self.library.step(key)
        text, parts = self._texts[f"steps.{step.key}.text"], self._parts(step)
        values = self._clinic | {name: parts[name]() for name in text.fields if name in parts}
        if "still_no" not in text.fields:
            return _tidy(text.fill(values))
        still_no = self._still_no(step.apart)
        every = len(still_no)
        for shown in (every, *reversed(range(min(every, MOMENTS_SHOWN)))):
            nearest = _lines(self._nearest(still_no, shown))
            said = _tidy(text.fill(values | {"still_no": nearest}))
            if not _is_too_long(said):
                break
        return said

    def now(self) -> Markup:
        sections = (
            [self._head(), *self._do()],
            self._not_yet(),
            self._fine_now(),
            self._ask(),
            self._visit_section(),
        )
        return _tidy(Markup("\n\n").join(_lines(section) for section in sections))

    def plan(self, planned: Sequence[Planned]) -> Markup:
        ahead = [row for row in planned if row.due_at > self._at]
        messages = [
            self._say(
                "common.plan.message", due=self._moment(row.due_at), title=self._title(row.key)
            )
            for row in ahead
        ] or [self._say("common.plan.no_messages")]
        sections = (
            self._permissions(),
            self._ask(),
            [recommendation(self.library, self.situation) or Markup()],
            self._visit_section(),
            [self._say("common.plan.messages"), *messages],
        )
        return _tidy(Markup("\n\n").join(_lines(section) for section in sections))

    def next(self, planned: Sequence[Planned]) -> Markup:
        lines = [self._say("common.next.no_visit")]
        if self._visit is not None:
            lines = [
                self._say("common.next.visit", visit=self._moment(self._visit)),
                self._clinic_time(),
            ]
        row = min(
            (row for row in planned if row.due_at > self._at),
            key=lambda row: row.due_at,
            default=None,
        )
        if row is not None:
            due, title = self._moment(row.due_at), self._title(row.key)
            lines.append(self._say("common.next.message", due=due, title=title))
        return _lines(lines)

    # -- parts that depend on the hour

    def _parts(self, step: Step) -> Mapping[str, Callable[[], object]]:
        """What the text of `step` may ask for; only what it does ask for is worked out."""
        parts: dict[str, Callable[[], object]] = {
            "water_from": lambda: self._soon(self._free("water")),
            "then_lukewarm": lambda: self._of_evening("steps.first_hours.then_lukewarm"),
            "tonight": lambda: self._of_evening("common.evening.tonight"),
            "evening_water": self._evening_water,
            "rest": self._rest,
            "lip": lambda: self._say("steps.day1_evening.lip") if self._is_of_the_face else "",
            "pain": self._pain,
            "wash": self._wash,
            "moisturise": self._moisturise,
            "sunscreen": self._sunscreen,
            "recommendation": lambda: recommendation(self.library, self.situation) or "",
            "last": lambda: wording.day(self._session.ended_at, self._zone, self._language),
            "emergency_now": lambda: self._say("common.emergency.now"),
            "emergency_today": lambda: self._say("common.emergency.today"),
            "no_now": lambda: self._no_now(step.briefly),
            "no_sunbathing": self._no_sunbathing,
            "keep_sunscreen": self._keep_sunscreen,
            "also_no": lambda: "" if self._allows("picking") else self._say("common.still.also"),
            "fine": lambda: _lines(self._fine(self.library.rules[key] for key in step.allows)),
        }
        visit = self._session.next_at
        if visit is not None:
            parts["visit"] = lambda: self._moment(visit)
            parts["clinic_time"] = self._clinic_time
        return parts

    def _of_evening(self, key: str) -> Markup:
        return self._say(key) if self._is_first_evening_said else Markup()

    @cached_property
    def _is_first_evening_said(self) -> bool:
        """Whether `first_hours` says the evening too: no `first_evening` comes before bedtime."""
        if night_ends(self._at, self._zone) is not None:
            return True
        return not comes(
            self.library,
            "first_evening",
            self._session,
            self.situation.clinic,
            self.situation.patient,
        )

    def _evening_water(self) -> Markup:
        if self._allows("water"):
            return self._say("common.wash.water")
        return self._say("common.evening.water", until=self._soon_until(self._free("water")))

    def _rest(self) -> Markup:
        """How to sleep, and for how many nights; clothes are not for nights."""
        said = self._say("rules.sleep.do")
        nights = ceil((self._free("sleep") - self._session.ended_at) / timedelta(days=1))
        if nights < MANY_NIGHTS or self._session.area == "body":
            return said
        return said + Markup(" ") + self._say("steps.first_evening.nights", nights=nights)

    @property
    def _is_of_the_face(self) -> bool:
        """Cold sores come where the lips are near."""
        return self._session.area in FACE

    def _wash(self) -> Markup:
        if not self._allows("water"):
            return self._say("common.wash.none", until=self._until(self._free("water")))
        if not self._allows("cleansing"):
            return self._say("common.wash.water")
        return Markup() if self._allows("brushes") else self._say("common.wash.cleanser")

    def _moisturise(self) -> Markup:
        if not self._allows("moisturiser"):
            return self._only_ours()
        return Markup() if self._allows("brushes") else self._say("common.moisturise.plain")

    def _only_ours(self) -> Markup:
        """What the clinic gave, and what else may be on the skin by now."""
        washes = self._allows("water") and self._allows("cleansing")
        besides = [
            key
            for key, is_free in (("cleansing", washes), ("sunscreen", True))
            if is_free and self._allows(key)
        ]
        if not besides:
            return self._say("common.moisturise.none")
        things = self._things([self.library.rules[key] for key in besides], "no", style="standard")
        return self._say("common.moisturise.besides", things=things)

    def _no_sunbathing(self) -> Markup:
        """Without its end: no message invites to it."""
        return Markup() if self._allows("sunbathing") else self._say("common.still.sunbathing")

    def _keep_sunscreen(self) -> Markup:
        if self._allows("sunscreen"):
            return self._say("common.sunscreen.protect")
        return self._sunscreen()

    def _no_now(self, keys: Iterable[str]) -> Markup:
        """What of these is forbidden now, without saying until when."""
        rules = [self.library.rules[key] for key in keys if not self._allows(key)]
        if not rules:
            return Markup()
        return self._say("common.still.now", things=self._things(rules, "short", style="or"))

    def _sunscreen(self) -> Markup:
        spf = self._say("common.sunscreen.spf")
        if not self._allows("sunscreen"):
            until = self._until(self._free("sunscreen"))
            return self._say("common.sunscreen.none", until=until, spf=spf)
        if self._allows("sunbathing"):
            return self._say("common.sunscreen.keep")
        return self._say("common.sunscreen.start", spf=spf)

    def _pain(self) -> Markup:
        if not self._allows("pain_relief"):
            return self._say("rules.pain_relief.do")
        return Markup() if self._allows("picking") else self._say("common.pain.later")

    def _do(self) -> list[Markup]:
        kept_up = (
            self._say(f"rules.{rule.key}.do")
            for rule in self.library.rules.values()
            if rule.until_then == "do"
            and rule.key != "pain_relief"
            and not self._rules.allows(rule)
        )
        return [self._wash(), self._moisturise(), self._sunscreen(), *kept_up, self._pain()]

    def _ask(self) -> list[Markup]:
        painkillers = self._rules.blocked(self.library.rules["painkillers"])
        first = "painkillers" if painkillers else "procedures"
        return [self._say(f"common.ask.{first}"), self._say("common.ask.prescribed")]

    def _not_yet(self) -> list[Markup]:
        still_no = self._still_no((*CARE, "sunbathing"))
        lines = [*(line for line, _ in still_no), self._no_sunbathing()]
        return [self._say("common.now.not_yet"), *lines] if any(lines) else []

    def _fine_now(self) -> list[Markup]:
        """Nothing any more once everything is: the head says it then."""
        if self._is_over:
            return []
        return self._fine(self.library.forbidding, apart=(*CARE, *SUN))

    def _head(self) -> Markup:
        if self._at < self._session.ended_at:
            return self._say("common.now.ahead", end=self._moment(self._session.ended_at))
        if self._is_over:
            return self._say("common.now.later")
        return self._say("common.now.head", day=self.situation.day)

    def _visit_section(self) -> list[Markup]:
        if self._visit is None:
            return []
        near = self._visit.astimezone(self._zone).date() - timedelta(days=PRECARE_DAYS)
        return [
            self._say("common.now.visit", visit=self._moment(self._visit)),
            self._say("common.now.precare") if self.situation.local_date >= near else Markup(),
        ]

    def _clinic_time(self) -> Markup:
        """The visit on the clinic's clock, where that shows another time than the patient's."""
        visit, clinic_zone = self._session.next_at, ZoneInfo(self.situation.clinic.timezone)
        if visit is None or _wall(visit, clinic_zone) == _wall(visit, self._zone):
            return Markup()
        return self._say(
            "common.clinic_time.line",
            moment=wording.moment(visit, clinic_zone, self._language),
            zone=wording.zone_name(clinic_zone, self._language),
        )

    # -- rules grouped by moment

    def _nearest(self, still_no: Sequence[tuple[Markup, list[Rule]]], shown: int) -> list[Markup]:
        """Only the nearest moments, and the rest in one line without theirs.

        Where none is left to tell apart, the rest is said in few letters.
        """
        lines = [line for line, _ in still_no[:shown]]
        rest = [rule for _, rules in still_no[shown:] for rule in rules]
        if rest:
            things = self._things(rest, "no" if shown else "short", style="or")
            lines.append(self._say("common.still.longer", things=things))
        return lines

    def _still_no(self, apart: Sequence[str]) -> list[tuple[Markup, list[Rule]]]:
        """What is still forbidden, by the moment it ends: "Until …: no make-up or sport", and of
        which rules that tells.
        """  # noqa: D205
        return [
            (
                self._say(
                    f"common.still.{block.because}",
                    until=self._end(block),
                    things=self._things(rules, "no", style="or"),
                ),
                rules,
            )
            for block, rules in self._by_block(apart)
        ]

    def _by_block(
        self, apart: Sequence[str], *, plan: bool = False
    ) -> list[tuple[Block, list[Rule]]]:
        """`plan`: what a visit ahead comes before is blocked by it."""
        groups: dict[Block, list[tuple[int, Rule]]] = defaultdict(list)
        for alike in self.library.forbidding_alike(self._session):
            block = self._rules.blocked_alike(alike)
            if block is None:
                continue
            is_said = block.because == "visit"  # what else is said of it is of the session only
            named = [it for it in alike.rules if is_said or it[1].key not in apart]
            if named:
                groups[self._no_further_than_the_visit(block) if plan else block] += named
        by_moment = sorted(groups.items(), key=lambda group: group[0].until)
        return [
            (block, [rule for _, rule in sorted(rules, key=itemgetter(0))])
            for block, rules in by_moment
        ]

    def _no_further_than_the_visit(self, block: Block) -> Block:
        if self._visit is None or block.until < self._visit:
            return block
        return Block(until=self._visit, because="visit")

    def _fine(self, rules: Iterable[Rule], *, apart: Sequence[str] = ()) -> list[Markup]:
        """Which of `rules` are allowed now, by how the skin must be."""
        allowed = [
            rule for rule in rules if rule.key not in apart and self._rules.blocked(rule) is None
        ]
        groups = ((skin, [rule for rule in allowed if rule.if_skin_is == skin]) for skin in SKIN)
        return [
            self._say(f"common.fine.{skin}", things=self._things(group, "fine", style="standard"))
            for skin, group in groups
            if group
        ]

    def _permissions(self) -> list[Markup]:
        blocks = self._by_block(("sunbathing",), plan=True)
        lines = [self._permission(block, rules) for block, rules in blocks]
        if lines:
            lines = [self._say("common.plan.head"), *lines, self._say("common.plan.calm")]
        return [*lines, self._no_sunbathing()]

    def _permission(self, block: Block, rules: Sequence[Rule]) -> Markup:
        """From when it is allowed; nothing is promised for after a visit ahead: its session
        would begin the rules anew.
        """  # noqa: D205
        if block.because == "visit":
            things = self._things(rules, "no", style="or")
            return self._say("common.still.visit", until=self._end(block), things=things)
        things = self._things(rules, "fine", style="standard")
        until = self._moment(block.until)
        return self._say("common.plan.from_session", until=until, things=things)

    def _things(self, rules: Iterable[Rule], form: Form, *, style: wording.Style) -> Markup:
        return _things(self._texts, tuple(rule.key for rule in rules), form, self._language, style)

    # -- the small things

    @property
    def _at(self) -> datetime:
        return self.situation.at

    @property
    def _language(self) -> str:
        return self.situation.patient.language

    @property
    def _zone(self) -> ZoneInfo:
        return self.situation.zone

    @property
    def _session(self) -> Session:
        if self.situation.session is None:
            raise ValueError("a message of the plan needs a session")
        return self.situation.session

    @property
    def _visit(self) -> datetime | None:
        """The visit that is still ahead."""
        visit = self._session.next_at
        return visit if visit is not None and visit > self._at else None

    @cached_property
    def _is_over(self) -> bool:
        """Whether nothing is forbidden any more because of the session."""
        return all(self._rules.allows(rule) for rule in self.library.forbidding)

    def _allows(self, key: str) -> bool:
        return self._rules.allows(self.library.rules[key])

    def _free(self, key: str) -> datetime:
        return self._rules.free(self.library.rules[key])

    @cached_property
    def _rules(self) -> Permissions:
        hours = self.library.hours_of(self._session)
        return Permissions(self._session, self._at, self._zone, hours)

    def _title(self, key: str) -> Markup:
        return self._say(f"steps.{key}.title")

    def _moment(self, at: datetime) -> str:
        return wording.moment(at, self._zone, self._language)

    def _end(self, block: Block) -> str:
        """When it ends; of a visit the date will do, since nothing is allowed again by it."""
        if block.because == "visit":
            return wording.date_only(block.until, self._zone, self._language)
        return self._until(block.until)

    def _until(self, at: datetime) -> Markup:
        """'today, 14:30', 'Wednesday, 14:30', and with its date from six days on: a weekday alone
        would mislead on the day itself and a week before.
        """  # noqa: D205
        local = at.astimezone(self._zone)
        if local.date() == self.situation.local_date:
            time = wording.time_of_day(local, self._zone, self._language)
            return self._say("common.until.today", time=time)
        near = at - self._at < timedelta(days=6)
        moment = (wording.weekday_time if near else wording.date_time)(
            local, self._zone, self._language
        )
        return self._say("common.until.later", moment=moment)

    def _soon(self, at: datetime) -> str:
        """'18:30' for a moment of the next hours, else with its weekday."""
        if at - self._at < timedelta(hours=12):
            return wording.time_of_day(at, self._zone, self._language)
        return wording.weekday_time(at, self._zone, self._language)

    def _soon_until(self, at: datetime) -> Markup:
        """As `_soon`, to stand after "until"."""
        near = at - self._at < timedelta(hours=12)
        text = "common.until.hour" if near else "common.until.later"
        return self._say(text, time=self._soon(at), moment=self._soon(at))

    def _say(self, key: str, /, **values: object) -> Markup:
        """The text, in its variant for a session of this kind where there is one."""
        return self._texts[key].fill({**self._clinic, **values})

    @cached_property
    def _texts(self) -> Variant:
        return self.library.texts_for(self._language, self._session)

    @cached_property
    def _clinic(self) -> dict[str, str | Markup]:
        return clinic_values(self.library, self.situation)


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


@lru_cache(maxsize=4096)
def _things(
    texts: Variant,
    rules: tuple[str, ...],
    form: Form,
    language: str,
    style: wording.Style,
) -> Markup:
    """The words of these rules as one list; kept, since everybody is told the same few lists."""
    words = [word for rule in rules for word in said_of(texts, rule, form)]
    return escape(wording.listing(words, language, style=style))


def said_of(texts: Variant, rule: str, form: Form = "no") -> list[str]:
    """The words for what a rule is about; those after "no …" do where it has no others."""
    key = f"rules.{rule}.{form}"
    said = texts[key if key in texts else f"rules.{rule}.no"]
    return said.fill({}).unescape().split("; ")


def _lines(lines: Iterable[Markup]) -> Markup:
    """One below the other, without the empty ones."""
    return Markup("\n".join(line for line in lines if line))  # noqa: S704  Markup, all of them


def _is_too_long(text: Markup) -> bool:
    """Longer than a reminder may be to be read; tags are not seen."""
    return len(text) > LONGEST and len(Markup(_TAG.sub("", text)).unescape()) > LONGEST  # noqa: S704


def _tidy(text: Markup) -> Markup:
    """Without the gaps that empty parts leave."""
    # Most texts have no gaps, and looking for one costs a fraction of what `re` does.
    lines = _ENDS.sub("", text) if " \n" in text or "\t\n" in text else str(text)
    if "\n\n\n" in lines:
        lines = _GAPS.sub("\n\n", lines)
    return Markup(lines.strip())  # noqa: S704  ours, escaped already
