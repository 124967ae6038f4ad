"""`ask` and `plan`: what the bot would say, without a bot, a database or a clinic's settings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar, get_args
from zoneinfo import ZoneInfo

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bot.config import Settings, SettingsError
from content import answers, library
from content.facts import Area, Clinic, Device, Patient, Session, Situation
from content.preview import plain, plan_lines
from content.proof import lines as proof_lines
from content.proof import page as proof_page
from content.proof.sheet import Sheet

Model = TypeVar("Model", bound=BaseModel)

PLACEHOLDER_PHONE = "+00 000 000000"
PLACEHOLDER_EMERGENCY = "112"

USUAL_DEPTH_MM = 1.0
USUAL_SESSIONS = 4
USUAL_WEEKS_APART = 4
"""Of the session that a page to sign shows where none is given (clinical.md, parts E and F)."""


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
    marks_easily: bool = False
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
            marks_easily=self.marks_easily,
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
    return answers.answer(
        library.load(settings.content_dir), question.text, situation, language=question.lang
    )


def answer_lines(
    settings: Settings, lines: Iterator[str], now: datetime, *, explain: bool = False
) -> Iterator[str]:
    """JSON lines in, JSON lines out; `explain`: with "because", what decided.

    Raises SettingsError at one that is not a question.
    """
    for number, line in enumerate(lines):
        given = answer(settings, _read(Question, line, number), now)
        told = {"topic": given.topic, "level": given.level, "reply": plain(given.reply)}
        because = {"because": [it.as_values() for it in given.because]} if explain else {}
        yield json.dumps({**told, **because}, ensure_ascii=False)


def answer_in_words(
    settings: Settings, question: Question, now: datetime, *, explain: bool = False
) -> str:
    """The reply, its topic and level; `explain`: and a line for each thing that decided."""
    given = answer(settings, question, now)
    because = "".join(f"\n- {it}" for it in given.because) if explain else ""
    return f"{plain(given.reply)}\n\n[{given.topic}, {given.level}]{because}"


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
    """The plan of one session as a clinician proof-reads it, line by line.

    Raises SettingsError for a language that there is not.
    """
    return proof_lines.lines(_sheet(settings, asked))


def write_page(settings: Settings, asked: Asked, file: Path) -> None:
    """The same, and every rule, answer and red flag, as a page to print and sign.

    Raises SettingsError for a language that there is not, and for a file that cannot be written.
    """
    page = proof_page.page(_sheet(settings, asked))
    try:
        file.write_text(page, "utf-8")
    except OSError as error:
        raise SettingsError([f"--html {file}: {error.strerror or error}"]) from None


def _sheet(settings: Settings, asked: Asked) -> Sheet:
    content = library.load(settings.content_dir)
    languages = content.texts.languages
    if asked.lang not in languages:
        raise SettingsError([f"lang: there is no {asked.lang!r}; there are {', '.join(languages)}"])
    patient = Patient(name="", timezone=asked.timezone, language=asked.lang)
    return Sheet(content, asked.session(), _clinic(settings), patient)


def asked_on_command_line(options: argparse.Namespace, now: datetime) -> Asked:
    """The session on the command line; without --at, a usual one that ended at `now`.

    Raises SettingsError naming every option that is not right.
    """
    given = {name: getattr(options, name) for name in Asked.model_fields}
    given = {name: it for name, it in given.items() if it is not None}
    if options.at is None:
        given = {**_usual(now), **given}
    return _read(Asked, json.dumps(given))


def _usual(now: datetime) -> dict[str, object]:
    ended = now.replace(second=0, microsecond=0)
    return {
        "at": ended.isoformat(),
        "depth": USUAL_DEPTH_MM,
        "of": USUAL_SESSIONS,
        "next": (ended + timedelta(weeks=USUAL_WEEKS_APART)).isoformat(),
    }


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--at", help="when the session ended: 2026-11-22T14:30")
    parser.add_argument("--timezone", help="the patient's zone: Europe/London (UTC)")
    parser.add_argument("--lang", help="en")
    parser.add_argument("--area", help=", ".join(get_args(Area)))
    parser.add_argument("--device", help=", ".join(get_args(Device)))
    parser.add_argument("--depth", help="of the needles, in millimetres: 1.0")
    parser.add_argument(
        "--marks-easily", action="store_true", default=None, help="skin that marks easily"
    )
    parser.add_argument("--number", help="which session of the series")
    parser.add_argument("--of", help="how many sessions in the series")
    parser.add_argument("--next", help="the follow-up visit: 2026-12-20T10:00")
    parser.add_argument(
        "--html",
        metavar="FILE",
        type=Path,
        help="write a page to print and sign (without --at: of a usual session that ends now)",
    )


def _rows(settings: Settings, asked: Asked) -> list[dict[str, str]]:
    patient = Patient(name="", timezone=asked.timezone, language=asked.lang)
    return plan_lines(
        library.load(settings.content_dir), asked.session(), _clinic(settings), patient
    )


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
