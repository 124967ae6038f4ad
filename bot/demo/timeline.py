"""A patient's plan as a line: every message, what became of it and why, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from bot.care.people import clinic_facts, current_session
from bot.demo.told import milliseconds
from bot.simulator.chats import Chat
from bot.simulator.html import parse_html
from content import facts, schedule, wording
from content.library import Library
from content.preview import plain
from content.proof.sheet import Message, Sheet
from content.proof.words import Words
from storage import people, reminders, treatments
from storage.database import Transaction
from storage.models import Reminder

BEFORE, AFTER = timedelta(hours=2), timedelta(days=1)
"""How much is shown before the session and after the last message."""
LOOKED_AHEAD = timedelta(days=400)
"""How far a clock change is looked for."""
IN_WORDS: Mapping[str, str] = {
    "expired": "It could not go out while it was still right, so it was left out.",
    "stopped": "The patient has switched everything off.",
    "tips_off": "The patient has switched the tips off.",
    "not_agreed": "The patient has not agreed.",
    "unreachable": "The patient cannot be written to: the bot is blocked.",
    "enough_today": "The patient had enough messages that day.",
    "switched_off": "The clinic does not send this one.",
    "superseded": "A later session has a plan of its own.",
    "moved": "The visit was moved.",
    "cancelled": "The session was cancelled.",
    "too_late": "The patient agreed after it would have been right.",
    "covered": "It was said in an answer already.",
    "repeats": "Nobody can know whether it arrived. It goes out once more after a minute.",
    "not_repeated": "Nobody can know whether it arrived. It is not repeated.",
    "unusable": "It could not be put together.",
}


@dataclass(frozen=True)
class Plan:
    """All rows of a patient, and the sheet of the current session: what each text rests on."""

    library: Library
    rows: Sequence[Reminder]
    session: facts.Session | None
    treatment_id: int | None
    """The current session's."""
    patient: facts.Patient
    clinic: facts.Clinic

    @cached_property
    def sheet(self) -> Sheet | None:
        """None where there is no session."""
        if self.session is None:
            return None
        return Sheet(self.library, self.session, self.clinic, self.patient)

    def told(self) -> dict[str, Any]:
        """The line. Times are milliseconds since 1970, UTC."""
        zone, session = ZoneInfo(self.patient.timezone), self.session
        visit = session.next_at if session else None
        moments = [row.due_at for row in self.rows]
        moments += [moment for moment in (session and session.ended_at, visit) if moment]
        if not moments:
            return empty(self.patient.timezone)
        first, last = min(moments) - BEFORE, max(moments) + AFTER
        return {
            **empty(self.patient.timezone),
            "from": milliseconds(first),
            "to": milliseconds(last),
            "session": {"ended": milliseconds(session.ended_at), "text": _in_words(self.sheet)}
            if session and self.sheet
            else None,
            "visit": milliseconds(visit) if visit else None,
            "clock_changes": [
                {"at": milliseconds(at), "hours": by / timedelta(hours=1)}
                for at, by in clock_changes(zone, first, last)
            ],
            "messages": [self._dot(row) for row in self.rows],
        }

    def _dot(self, row: Reminder) -> dict[str, Any]:
        return {
            "id": row.id,
            "title": self._title(row),
            "topic": self.library.step(row.step).topic if self.library.has_step(row.step) else "",
            "due": milliseconds(row.due_at),
            "expires": milliseconds(row.expires_at),
            "state": row.state,
            "reason": IN_WORDS.get(row.reason, row.reason) if row.reason else None,
            "sent": milliseconds(row.sent_at) if row.sent_at else None,
        }

    def _title(self, row: Reminder) -> str:
        key, language = f"steps.{row.step}.title", self.patient.language
        has_one = self.library.texts.has(key, language)
        title = plain(self.library.texts.say(language, key)) if has_one else row.step
        return title[:1].upper() + title[1:]

    def detail(self, row: Reminder, chat: Chat) -> dict[str, Any]:
        """One message: its text as it was or will be read, and what it rests on."""
        sent = chat.find(row.message_id) if row.message_id else None
        planned = self._planned(row)
        shown = sent or (parse_html(str(planned.text)) if planned else None)
        return {
            **self._dot(row),
            "text": shown.text if shown else "",
            "entities": shown.entities if shown else [],
            "rules": list(_rules(Words(self.sheet), planned)) if self.sheet and planned else [],
            "sources": [
                {"key": it.key, "title": it.title} for it in (planned.sources if planned else ())
            ],
            "language": row.language or self.patient.language,
            "version": row.content_version or self.library.version,
        }

    def _planned(self, row: Reminder) -> Message | None:
        """What the sheet has of it; of an older session only what is still to come is there."""
        is_current = row.treatment_id == self.treatment_id or row.try_at is not None
        messages = self.sheet.messages if self.sheet and is_current else ()
        return next((it for it in messages if it.step.key == row.step), None)


def empty(timezone: str) -> dict[str, Any]:
    """The line of somebody for whom nothing is planned."""
    return {
        "timezone": timezone,
        "from": None,
        "to": None,
        "session": None,
        "visit": None,
        "clock_changes": [],
        "nights": {"from": schedule.NIGHT_BEGINS.hour, "to": schedule.NIGHT_ENDS.hour},
        "messages": [],
    }


def _in_words(sheet: Sheet) -> str:
    """'Face, needling, 1.0 mm, session 1 of 4'."""
    words, session = Words(sheet), sheet.session
    said = [
        plain(words.label(f"profile.areas.{session.area}")).capitalize(),
        plain(words.label(f"profile.devices.{session.device}")),
    ]
    if session.depth_mm is not None:
        said.append(wording.millimetres(session.depth_mm, sheet.language))
    count = words.label("head.count", number=session.number, of=session.of)
    return ", ".join([*said, plain(count)])


def _rules(words: Words, message: Message) -> Iterator[dict[str, Any]]:
    for value in (*message.says, *message.lists):
        yield {
            "key": value.rule.key,
            "says": f"{plain(words.hours(value))}: {plain(words.status(value))}",
            "sure": plain(words.found(value)),
            "sources": list(value.rule.sources),
        }


def plan_of(tx: Transaction, library: Library, account: int) -> Plan | None:
    """The plan of the patient behind `account`; None: nobody's."""
    patient = people.patient_by_account(tx, account)
    if patient is None:
        return None
    standing = treatments.of_patient(tx, patient.id)
    clinic = people.clinic(tx, patient.clinic_id)
    return Plan(
        library=library,
        rows=reminders.of_patient(tx, patient.id),
        session=current_session(standing),
        treatment_id=standing[-1].id if standing else None,
        patient=facts.Patient(
            name=patient.name, timezone=patient.timezone, language=patient.language
        ),
        clinic=clinic_facts(clinic),
    )


def clock_changes(
    zone: ZoneInfo, first: datetime, last: datetime
) -> Iterator[tuple[datetime, timedelta]]:
    """The moments (aware, UTC) from `first` to `last` at which clocks there change, and how.

    To the hour: no zone has changed its clocks at another minute since 1972 but by an act of law.
    """
    start = first.replace(minute=0, second=0, microsecond=0)
    hours = int((last - start) / timedelta(hours=1)) + 1
    moments = (start + timedelta(hours=n) for n in range(hours + 1))
    for before, after in pairwise(moments):
        by = _offset(after, zone) - _offset(before, zone)
        if by:
            yield after, by


def next_clock_change(zone: ZoneInfo, now: datetime) -> datetime | None:
    """The first moment after `now` at which clocks there change; None: they do not."""
    return next((at for at, _ in clock_changes(zone, now, now + LOOKED_AHEAD) if at > now), None)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
