"""The sheet that a clinician proof-reads, in words: labels, hours, and what a rule comes to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from babel import Locale
from markupsafe import Markup

from content import wording
from content.flags import Flag
from content.messages import clinic_values
from content.preview import plain
from content.proof.sheet import Message, Reply, Sheet, Value
from content.topics import Topic


@dataclass(frozen=True)
class Words:
    """Says what the sheet holds, in the language of its reader."""

    sheet: Sheet

    def label(self, key: str, /, **values: object) -> Markup:
        """A label of the sheet."""
        return self.sheet.library.texts.say(self.sheet.language, f"proof.{key}", **values)

    def span(self, length: float) -> str:
        """'72 hours', '7 days': of `length` hours."""
        return wording.duration(length, self.sheet.language)

    def short(self, length: float) -> str:
        """'72h', '7d': of `length` hours, in a table."""
        return wording.narrow_span(length, self.sheet.language)

    def moment(self, at: datetime) -> str:
        """'25 Nov, 14:30' where the patient is."""
        return wording.short_date_time(at, self.sheet.situation.zone, self.sheet.language)

    def status(self, value: Value) -> Markup:
        """What the rule comes to at the hour of the message."""
        kept_up, block = value.rule.until_then == "do", value.block
        if block is None:
            return self.label(f"rules.{'over' if kept_up else 'allowed'}")
        if block.because == "visit":
            return self.label("rules.visit", moment=self.moment(block.until))
        status = "kept_up" if kept_up else "ask" if value.rule.until_then == "ask" else "not_yet"
        return self.label(f"rules.{status}", moment=self.moment(block.until))

    def change(self, value: Value) -> Markup:
        """'72 hours → 7 days, because of: cautious'."""
        names = [self.label("profile.staff") if it == "staff" else it for it in value.because]
        return Markup("{}, {}").format(
            self.label(
                "profile.change",
                default=self.span(value.rule.from_hours),
                value=self.span(value.hours),
            ),
            self.label("profile.because", because=", ".join(names)),
        )

    def heading(self, message: Message) -> list[Markup | str]:
        """When a message comes, what it is, and how long it is."""
        after = self.span(message.hours)
        return [
            message.due,
            self.label("messages.after", span=after),
            message.title,
            self.label("messages.key", key=message.step.key),
            self.label("messages.good_until", moment=message.good_until),
            self.label("messages.length", count=len(plain(message.text))),
        ]

    def hours(self, value: Value) -> Markup:
        """'make-up: from 72 hours (default 72 hours, most cautious 72 hours)'."""
        return self.label(
            "rules.line",
            name=value.name,
            value=self.span(value.hours),
            default=self.span(value.rule.from_hours),
            cautious=self.span(value.rule.cautious_from_hours),
        )

    def found(self, value: Value) -> Markup:
        """The range that was found, and how sure the value is."""
        sure = self.label(f"sure.{value.rule.sure}")
        return self.label("rules.found", range=value.rule.range, sure=sure)

    def warnings(self, message: Message) -> Markup:
        """'C1, C2 (emergency number now); redness (expected for up to 72 hours)'."""
        named: dict[Markup, list[str]] = {}
        for warning in message.warns:
            if isinstance(warning, Flag):
                means = self.label(f"level.{warning.level}")
            else:
                means = self.label("messages.expected", span=self.span(warning.expected_until))
            named.setdefault(means, []).append(warning.key)
        return Markup("; ").join(
            Markup("{} ({})").format(", ".join(keys), means) for means, keys in named.items()
        )

    def condition(self, flag: Flag) -> Markup:
        """When a red flag counts: only with other signs, only from an hour; empty: whenever."""
        parts = []
        if flag.all_of:
            either = str(self.label("flags.or"))
            together = " + ".join(either.join(names) for names in flag.all_of)
            parts.append(self.label("flags.together", signals=together))
        if flag.from_hours:
            parts.append(self.label("flags.from", span=self.span(flag.from_hours)))
        return Markup("; ").join(parts)

    @property
    def direction(self) -> str:
        """'ltr' or 'rtl': which way the language is written."""
        return Locale.parse(self.sheet.language).text_direction

    def protocol_lines(self) -> Markup:
        """What the clinic writes into protocol.toml once this content is signed."""
        protocol = self.sheet.library.protocol
        return self.label(
            "sign.lines",
            version=json.dumps(protocol.version, ensure_ascii=False),
            date=protocol.date.isoformat(),
            fingerprint=self.sheet.library.fingerprint,
        )

    def begins(self, reply: Reply) -> Markup:
        """From when it is answered so."""
        if reply.turn is None:
            return self.label("answers.no_session")
        if reply.turn.days_before_visit is not None:
            return self.before_visit(reply.turn.days_before_visit, part="answers")
        if not reply.turn.hours:
            return self.label("answers.from_start")
        return self.label("answers.from", span=self.span(reply.turn.hours))

    def before_visit(self, days: int, *, part: Literal["answers", "rules"] = "rules") -> Markup:
        """From when it is left out before a visit."""
        if not days:
            return self.label(f"{part}.on_the_day")
        span = wording.span(days * 24, self.sheet.language, days_from=1)
        return self.label(f"{part}.days_before", span=span)

    def raised_by(self, topic: Topic) -> Markup:
        """What makes a side effect more urgent; empty: nothing does."""
        signals = [
            self.label(
                f"answers.{'raised_from' if each.from_hours else 'raised_one'}",
                signal=each.signal,
                level=self.label(f"level.{each.level}"),
                span=self.span(each.from_hours),
            )
            for each in topic.raised
        ]
        return (
            self.label("answers.raised", signals=Markup("; ").join(signals))
            if signals
            else Markup()
        )

    def facts(self) -> Iterator[tuple[Markup, list[Markup]]]:
        """The head of the sheet: what it is about, as titles with their lines."""
        yield self.label("head.protocol"), self._protocol_lines()
        yield (
            self.label("head.clinic"),
            [self.label("head.numbers", **clinic_values(self.sheet.library, self.sheet.situation))],
        )
        yield self.label("head.session"), self._session_lines()
        yield self.label("profile.title"), self._profile_lines()
        yield (
            self.label("off.title"),
            [
                self.label("off.some", titles="; ".join(self.sheet.switched_off))
                if self.sheet.switched_off
                else self.label("off.none")
            ],
        )

    def approved(self) -> Markup:
        """Whether a clinician has signed off exactly this content."""
        protocol, day = self.sheet.library.protocol, ""
        key: str = self.sheet.approval
        if protocol.approved_on is not None:
            day = wording.full_date(protocol.approved_on, self.sheet.language)
        elif key == "approved":
            key = "approved_undated"
        return self.label(
            f"approval.{key}",
            who=protocol.approved_by,
            day=day,
            fingerprint=protocol.fingerprint,
        )

    def _protocol_lines(self) -> list[Markup]:
        protocol, texts = self.sheet.library.protocol, self.sheet.library.texts
        date = wording.full_date(protocol.date, self.sheet.language)
        here = wording.language_name(self.sheet.language)
        languages = ", ".join(map(wording.language_name, texts.languages))
        return [
            self.label("head.version", version=protocol.version, date=date),
            self.label("head.fingerprint", fingerprint=self.sheet.library.fingerprint),
            self.label("head.language", language=here, languages=languages),
        ]

    def _session_lines(self) -> list[Markup]:
        session, zone = self.sheet.session, self.sheet.situation.zone
        local = session.ended_at.astimezone(zone).replace(tzinfo=None)
        ended = wording.wall_moment(local, self.sheet.language)
        lines = [
            self.label(
                "head.ended", moment=ended, zone=wording.zone_name(zone, self.sheet.language)
            ),
            self.label("head.count", number=session.number, of=session.of),
        ]
        if session.next_at is None:
            return [*lines, self.label("head.no_visit")]
        visit = wording.wall_moment(
            session.next_at.astimezone(zone).replace(tzinfo=None), self.sheet.language
        )
        return [*lines, self.label("head.visit", moment=visit)]

    def _profile_lines(self) -> list[Markup]:
        session = self.sheet.session
        area = self.label(f"profile.areas.{session.area}")
        device = self.label(f"profile.devices.{session.device}")
        lines = [self.label("profile.area", area=area), self.label("profile.device", device=device)]
        if session.depth_mm is None:
            lines.append(self.label("profile.depth_unknown"))
        else:
            depth = wording.millimetres(session.depth_mm, self.sheet.language)
            lines.append(self.label("profile.depth", depth=depth))
        if session.marks_easily:
            lines.append(self.label("profile.marks_easily"))
        held = ", ".join(self.sheet.library.profiles_of(session))
        lines.append(self.label("profile.holds", profiles=held))
        return lines if self.sheet.changed else [*lines, self.label("profile.no_changes")]
