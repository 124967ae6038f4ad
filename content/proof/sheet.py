"""The whole aftercare as a clinician proof-reads it: each text, and beside it what it rests on.

Pure values; `words` puts them into words, `lines` and `page` show them.
What a message rests on is not guessed: while its text is put together, it is noted which rules are
asked (`_Noted`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, ValuesView
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal, NamedTuple

from markupsafe import Markup

from content import pages, wording
from content.answers import about
from content.doubts import Doubt
from content.facts import Clinic, Patient, Session, Situation
from content.flags import LEVELS, Flag, Level
from content.library import Library, Source, load
from content.messages import clinic_values, emergency_lines, step_text
from content.replies import Voice
from content.rules import Block, Permissions, Rule, hours
from content.schedule import Planned, plan
from content.steps import Step
from content.story import Claim, Page
from content.topics import Topic

FOLLOW_UP_WEEKS = 4
"""Where none is booked, the messages about a visit are shown for one after this long (part E)."""
MAINTENANCE_MONTHS = 6
"""Where the clinic has set none, the maintenance message is shown for this long after."""

Approval = Literal["approved", "nobody", "changed"]


@dataclass(frozen=True, kw_only=True)
class Value:
    """One rule as it counts for this session."""

    rule: Rule
    name: str
    hours: float
    """From which hour after this session."""
    because: tuple[str, ...]
    """Why it is not the default: profiles, or "staff"; () where it is the default."""
    block: Block | None = None
    """What stands against it at the hour of a message; None: it is allowed."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message, as it is sent at its hour."""

    step: Step
    title: str
    due: str
    good_until: str
    hours: float
    """From the end of the session."""
    day: int
    text: Markup
    says: tuple[Value, ...]
    """Rules that its words rest on."""
    lists: tuple[Value, ...]
    """Rules that it lists as not allowed yet."""
    warns: tuple[Flag | Topic, ...]
    """Red flags and side effects that its words name."""
    sources: tuple[Source, ...]
    """Of all but those that it only lists."""


class Turn(NamedTuple):
    """An hour after the session at which another answer may begin."""

    hours: float
    days_before_visit: int | None = None
    """It begins this many dates before the next session; None: the hour says it."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What is answered about a topic from an hour on."""

    turn: Turn | None
    """From when; None: no session is known."""
    level: Level
    text: Markup


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A topic with its answers, in the order of their hours."""

    topic: Topic
    name: str
    replies: tuple[Reply, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Sign:
    """A red flag and its words."""

    flag: Flag
    words: tuple[Markup, ...]
    """What comes first of all, what it is about, what to do meanwhile: those that there are."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A page of the treatment's story."""

    page: Page
    text: Markup
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Words that sessions of a profile get in place of the usual; values stand as `{name}`."""

    key: str
    profile: str
    usual: Markup
    words: Markup


class _Noted(Mapping[str, Rule]):
    """The rules, noting which are asked for by name."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> Rule:
        self.asked.add(key)
        return self._rules[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def values(self) -> ValuesView[Rule]:
        """All of them: nothing is noted, since no rule is meant by it."""
        return self._rules.values()


@dataclass(frozen=True)
class Sheet:
    """The aftercare of one session in the language of `patient`, ready to be shown."""

    library: Library
    session: Session
    clinic: Clinic
    patient: Patient

    @property
    def language(self) -> str:
        return self.patient.language

    @cached_property
    def situation(self) -> Situation:
        """The patient at the end of the session."""
        return self._at(self.session.ended_at)

    # -- which content this is, and for whom

    @cached_property
    def approval(self) -> Approval:
        if self.library.is_approved:
            return "approved"
        return "changed" if self.library.protocol.approved_by else "nobody"

    @cached_property
    def switched_off(self) -> tuple[str, ...]:
        """The titles of the messages that the clinic does not send."""
        return tuple(self._title(key) for key in sorted(self.library.switched_off))

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """Every rule, in the order of the file."""
        return tuple(self._value(rule) for rule in self.library.rules.values())

    @property
    def changed(self) -> tuple[Value, ...]:
        """The rules that count from another hour than the default after this session."""
        return tuple(value for value in self.values if value.because)

    # -- the messages

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """Those of this session, in the order they are due."""
        rows = plan(self.library, self.session, self.clinic, self.patient)
        return tuple(self._message(row) for row in rows)

    @cached_property
    def elsewhere(self) -> tuple[tuple[str, Message], ...]:
        """The messages that this session does not get, each with the label of the case that does.

        So that whoever signs has read them all.
        """
        seen = {message.step.key for message in self.messages}
        found: list[tuple[str, Message]] = []
        for case, other in self._other_cases():
            for message in other.messages:
                if message.step.key not in seen:
                    seen.add(message.step.key)
                    found.append((case, message))
        return tuple(found)

    def _other_cases(self) -> Iterator[tuple[str, Sheet]]:
        visit = self.session.ended_at + timedelta(weeks=FOLLOW_UP_WEEKS)
        months = self.clinic.maintenance_months or MAINTENANCE_MONTHS
        clinic = replace(self.clinic, maintenance_months=months)
        last = replace(self.session, next_at=None, number=self.session.of)
        with_visit = replace(self.session, next_at=visit)
        noon = replace(last, ended_at=self._noon())
        yield "last", replace(self, session=last, clinic=clinic)
        yield "follow_up", replace(self, session=with_visit)
        yield "noon", replace(self, session=noon, clinic=clinic)

    def _noon(self) -> datetime:
        """Of the session's date: an evening's session has no message for that evening."""
        local = self.session.ended_at.astimezone(self.situation.zone)
        return local.replace(hour=12, minute=0).astimezone(self.session.ended_at.tzinfo)

    def _message(self, row: Planned) -> Message:
        step, at = self.library.step(row.key), self._at(row.due_at)
        topic = self.library.topics[step.topic]
        noted = _Noted(self.library.rules)
        text = step_text(replace(self.library, rules=noted), row.key, at)
        named = {*noted.asked, *step.forbids, *step.permits, *step.mentions, *step.allows}
        named |= {*topic.rules, *([step.not_before] if step.not_before else [])}
        permissions = Permissions(self.session, at.at, at.zone)
        says = [rule for rule in self.library.rules.values() if rule.key in named]
        lists = [rule for rule in self._lists(step, permissions) if rule.key not in named]
        warns = tuple(self._warning(key) for key in step.warns)
        sources = [*topic.sources, *_cited(says), *_cited(warns)]
        return Message(
            step=step,
            title=self._title(row.key),
            due=wording.moment(row.due_at, at.zone, self.language),
            good_until=wording.date_time(row.expires_at, at.zone, self.language),
            hours=round(at.hours or 0, 1),
            day=at.day or 0,
            text=text,
            says=tuple(self._value(rule, permissions) for rule in says),
            lists=tuple(self._value(rule, permissions) for rule in lists),
            warns=warns,
            sources=self._titles(sources),
        )

    def _lists(self, step: Step, permissions: Permissions) -> Iterable[Rule]:
        """The rules that its "Until …: no …" names."""
        text = self.library.texts_for(self.language, self.session)[f"steps.{step.key}.text"]
        if "still_no" not in text.fields:
            return ()
        return (
            rule
            for rule in self.library.forbidding
            if rule.key not in step.apart and permissions.blocked(rule)
        )

    def _warning(self, key: str) -> Flag | Topic:
        flag = next((flag for flag in self.library.flags if flag.key == key), None)
        return flag or self.library.topics[key]

    # -- the answers

    @cached_property
    def answers(self) -> tuple[Answered, ...]:
        """Every topic, in the order of the file."""
        return tuple(
            Answered(
                topic=topic,
                name=str(self._say(f"topics.{topic.key}.name")),
                replies=tuple(self._replies(topic)),
                sources=tuple(
                    dict.fromkeys(
                        [*topic.sources, *_cited(self.library.rules[key] for key in topic.rules)]
                    )
                ),
            )
            for topic in self.library.topics.values()
        )

    def _replies(self, topic: Topic) -> Iterator[Reply]:
        """One for each hour at which something else is said."""
        said: Markup | None = None
        for turn in self._turns(topic):
            here = self._at(self.session.ended_at + timedelta(hours=turn.hours))
            answer = about(self.library, topic.key, here)
            if answer.reply != said:
                yield Reply(turn=turn, level=answer.level, text=answer.reply)
            said = answer.reply
        unknown = about(self.library, topic.key, replace(self.situation, session=None))
        if unknown.reply != said:
            yield Reply(turn=None, level=unknown.level, text=unknown.reply)

    def _turns(self, topic: Topic) -> list[Turn]:
        """Phases begin, rules allow, a visit is near."""
        rules = [self.library.rules[key] for key in topic.rules]
        turns = [Turn(0), *(Turn(phase.until_hours) for phase in topic.phases if phase.until_hours)]
        turns += [Turn(hours(rule, self.session)) for rule in rules]
        if self.session.next_at is not None:
            to_visit = (self.session.next_at - self.session.ended_at) / timedelta(hours=1)
            turns += [
                Turn(to_visit - max(rule.leave_out_days * 24, 1), rule.leave_out_days)
                for rule in rules
                if rule.leave_out_days is not None
            ]
        ahead = {turn for turn in turns if turn.hours >= 0}
        return sorted(ahead, key=lambda turn: (turn.hours, turn.days_before_visit or 0))

    # -- red flags

    @cached_property
    def signs(self) -> Mapping[Level, tuple[Sign, ...]]:
        """The red flags by level, the highest first."""
        return {
            level: tuple(self._sign(flag) for flag in self.library.flags if flag.level == level)
            for level in reversed(LEVELS)
            if any(flag.level == level for flag in self.library.flags)
        }

    def frame(self, level: Level) -> tuple[Markup, Markup]:
        """What stands before and after the words of a red flag of this level."""
        if level == "emergency":
            return self._say("flags.emergency.call"), self._say("flags.emergency.clinic")
        if level == "today":
            return self._say("flags.today.call"), self._say("flags.today.now")
        return self._say("flags.soon.call"), emergency_lines(self.library, self.situation)

    @property
    def doubts(self) -> tuple[tuple[Doubt, Markup], ...]:
        """What is asked where a red flag is only possible, with its question."""
        return tuple(
            (doubt, self._say(f"doubts.{doubt.key}.question"))
            for doubt in self.library.doubts.values()
        )

    def _sign(self, flag: Flag) -> Sign:
        keys = (f"flags.{flag.says}.{part}" for part in ("first", "what", "do"))
        words = tuple(self._say(key) for key in keys if self.library.texts.has(key, self.language))
        return Sign(flag=flag, words=words)

    # -- the story, and other words

    @property
    def story(self) -> tuple[Told, ...]:
        """The pages about the treatment, as they stand at the end of the session."""
        voice = Voice(self.library, self.situation)
        return tuple(
            Told(
                page=page,
                text=pages.text(voice, page),
                sources=tuple(dict.fromkeys(_cited(page.claims.values()))),
            )
            for page in self.library.story.pages.values()
        )

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Every text that there is for a profile, whether this session is of it or not."""
        texts = self.library.texts.variant(self.language)
        known = self.library.texts.keys(self.library.texts.known(self.language))
        return tuple(
            Variant(
                key=usual,
                profile=profile,
                usual=Markup(texts[usual].words),  # noqa: S704  ours
                words=Markup(texts[f"{usual}_{profile}"].words),  # noqa: S704  ours
            )
            for profile in self.library.profiles
            for usual in sorted(known)
            if f"{usual}_{profile}" in known
        )

    # -- the sources

    @property
    def shipped(self) -> Mapping[str, Rule]:
        """The rules without a clinic's own values."""
        return load().rules

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source of the content by title."""
        return tuple(self.library.sources.values())

    def number_of(self, key: str) -> int:
        """The place of a source in `sources`, from 1."""
        return self._numbers[key]

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return {source.key: number for number, source in enumerate(self.sources, 1)}

    def _titles(self, keys: Iterable[str]) -> tuple[Source, ...]:
        return tuple(self.library.sources[key] for key in dict.fromkeys(keys))

    # -- small things

    def _at(self, at: datetime) -> Situation:
        return Situation(at=at, clinic=self.clinic, patient=self.patient, session=self.session)

    def _say(self, key: str) -> Markup:
        text = self.library.texts_for(self.language, self.session)[key]
        return text.fill(clinic_values(self.library, self.situation))

    def _title(self, key: str) -> str:
        return str(self._say(f"steps.{key}.title"))

    def _value(self, rule: Rule, permissions: Permissions | None = None) -> Value:
        of_session = hours(rule, self.session)
        return Value(
            rule=rule,
            name=self._name(rule),
            hours=of_session,
            because=self._because(rule, of_session),
            block=permissions.blocked(rule) if permissions else None,
        )

    def _because(self, rule: Rule, of_session: float) -> tuple[str, ...]:
        if rule.key in self.session.overrides:
            return ("staff",)
        if of_session == rule.from_hours:
            return ()
        held = self.library.profiles_of(self.session)
        return tuple(key for key in held if rule.profiles.get(key) == of_session)

    def _name(self, rule: Rule) -> str:
        """The rule in the reader's words: what it forbids, else the topic it belongs to."""
        key = f"rules.{rule.key}.no"
        has_words = self.library.texts.has(key, self.language)
        said = self._say(key if has_words else f"topics.{rule.topic}.name")
        return ", ".join(str(said.unescape()).split("; "))


def _cited(named: Iterable[Rule | Flag | Topic | Claim]) -> Iterator[str]:
    return (source for one in named for source in one.sources)
