"""`ask` and `plan`: what the bot would say, without a bot, a database or a clinic's settings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar, get_args
from zoneinfo import ZoneInfo

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bot.config import Settings, SettingsError
from content import answers, library
from content.facts import Area, Clinic, Device, Patient, Session, Situation
from content.preview import plan_lines

Model = TypeVar("Model", bound=BaseModel)

PLACEHOLDER_PHONE = "+00 000 000000"
PLACEHOLDER_EMERGENCY = "112"


class Question(BaseModel):
    """One line of `ask --json`."""

    model_config = ConfigDict(extra="ignore")

    text: str
    lang: str = "en"
    hours: float | None = Field(default=None, ge=-24, le=100_000, allow_inf_nan=False)
    """Since the session ended; none: no session."""


class Asked(BaseModel):
    """One line of `plan --json`."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    at: datetime
    """When the session ended: wall time in `timezone`, or with an offset of its own."""
    timezone: str = "UTC"
    lang: str = "en"
    area: Area = "face"
    device: Device = "needling"
    depth: float | None = Field(default=None, gt=0, le=10, allow_inf_nan=False)
    number: int = Field(default=1, ge=1)
    of: int = Field(default=1, ge=1)
    next: datetime | None = None

    @field_validator("at", "next")
    @classmethod
    def _is_of_this_century(cls, value: datetime | None) -> datetime | None:
        if value is not None and not 2000 <= value.year < 2100:
            raise ValueError("the year is between 2000 and 2099")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Asked:
        if self.number > self.of:
            raise ValueError(f"session {self.number} of {self.of}")
        if self.next is not None and self._utc(self.next) <= self._utc(self.at):
            raise ValueError("the follow-up is after the session")
        return self

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, LookupError):
            raise ValueError(f"{value!r} is not a time zone like Europe/London") from None
        return value

    def session(self) -> Session:
        return Session(
            ended_at=self._utc(self.at),
            area=self.area,
            device=self.device,
            depth_mm=self.depth,
            number=self.number,
            of=self.of,
            next_at=self._utc(self.next) if self.next else None,
        )

    def _utc(self, at: datetime) -> datetime:
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(self.timezone))).astimezone(UTC)


def answer(settings: Settings, question: Question, now: datetime) -> answers.Answer:
    """What the bot would say to `question`."""
    clinic = _clinic(settings)
    session = None
    if question.hours is not None:
        session = Session(ended_at=now - timedelta(hours=question.hours))
    situation = Situation(
        at=now,
        clinic=clinic,
        patient=Patient(name="", timezone=clinic.timezone, language=question.lang),
        session=session,
    )
    return answers.answer(library.load(), question.text, situation, language=question.lang)


def answer_lines(settings: Settings, lines: Iterator[str], now: datetime) -> Iterator[str]:
    """JSON lines in, JSON lines out. Raises SettingsError at one that is not a question."""
    for number, line in enumerate(lines):
        given = answer(settings, _read(Question, line, number), now)
        told = {"topic": given.topic, "level": given.level, "reply": plain(given.reply)}
        yield json.dumps(told, ensure_ascii=False)


def answer_in_words(settings: Settings, question: Question, now: datetime) -> str:
    given = answer(settings, question, now)
    return f"{plain(given.reply)}\n\n[{given.topic}, {given.level}]"


def plan_json(settings: Settings, asked: Asked, *, line: int | None = None) -> Iterator[str]:
    """The plan of one session, a JSON line a message."""
    number = {} if line is None else {"line": line}
    for row in _rows(settings, asked):
        yield json.dumps({**number, **row, "text": plain(Markup(row["text"]))}, ensure_ascii=False)  # noqa: S704  ours


def plan_lines_json(settings: Settings, lines: Iterator[str]) -> Iterator[str]:
    """Sessions as JSON lines in, their messages out, with the number of the line."""
    for number, line in enumerate(lines):
        yield from plan_json(settings, _read(Asked, line, number), line=number)


def plan_in_words(settings: Settings, asked: Asked) -> Iterator[str]:
    for row in _rows(settings, asked):
        due, until = (datetime.fromisoformat(row[key]) for key in ("due_at", "expires_at"))
        yield f"{due:%a %d %b %Y %H:%M}  {row['key']}  (good until {until:%a %d %b %H:%M})"
        yield from (f"    {line}" for line in plain(Markup(row["text"])).splitlines())  # noqa: S704
        yield ""


def asked_on_command_line(options: argparse.Namespace) -> Asked:
    """Raises SettingsError naming every option that is not right."""
    given = {name: getattr(options, name) for name in Asked.model_fields}
    return _read(Asked, json.dumps({name: it for name, it in given.items() if it is not None}))


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--at", help="when the session ended: 2026-11-22T14:30")
    parser.add_argument("--timezone", help="the patient's zone: Europe/London (UTC)")
    parser.add_argument("--lang", help="en")
    parser.add_argument("--area", help=", ".join(get_args(Area)))
    parser.add_argument("--device", help=", ".join(get_args(Device)))
    parser.add_argument("--depth", help="of the needles, in millimetres: 1.0")
    parser.add_argument("--number", help="which session of the series")
    parser.add_argument("--of", help="how many sessions in the series")
    parser.add_argument("--next", help="the follow-up visit: 2026-12-20T10:00")


def plain(text: Markup) -> str:
    """Telegram's HTML as it is read."""
    return "\n".join(Markup(line).striptags() for line in text.split("\n"))  # noqa: S704  ours


def _rows(settings: Settings, asked: Asked) -> list[dict[str, str]]:
    patient = Patient(name="", timezone=asked.timezone, language=asked.lang)
    return plan_lines(library.load(), asked.session(), _clinic(settings), patient)


def _clinic(settings: Settings) -> Clinic:
    return Clinic(
        name=settings.clinic_name,
        phone=settings.clinic_phone or PLACEHOLDER_PHONE,
        emergency_number=settings.clinic_emergency_number or PLACEHOLDER_EMERGENCY,
        urgent_line=settings.clinic_urgent_line,
        timezone=settings.clinic_timezone or "UTC",
    )


def question(text: str, *, hours: float | None, language: str) -> Question:
    """Raises SettingsError for hours that cannot be."""
    return _read(Question, json.dumps({"text": text, "lang": language, "hours": hours}))


def _read(model: type[Model], line: str, number: int | None = None) -> Model:
    """`number`: of the line, from 0. Raises SettingsError naming the line and what is wrong."""
    where = "" if number is None else f"line {number}: "
    try:
        return model.model_validate_json(line.lstrip("\ufeff"))
    except ValidationError as error:
        raise SettingsError(
            f"{where}{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        ) from None
