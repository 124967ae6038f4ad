"""The settings: read once from the environment or `.env`; all that is wrong is said at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from content.facts import Clinic

TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")


class SettingsError(Exception):
    """The settings cannot be worked with. `problems` has one line for each thing to mend."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Settings(BaseSettings):
    """Every setting by its name in the environment, in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True
    )

    telegram_token: str | None = Field(default=None, repr=False)
    telegram_api_url: str = "https://api.telegram.org"
    database_url: str = "sqlite:///aftercare.db"
    clinic_phone: str | None = None
    clinic_emergency_number: str | None = None
    clinic_timezone: str | None = None
    clinic_name: str = "Your clinic"
    clinic_language: Literal["en", "es"] = "en"
    clinic_urgent_line: str | None = None
    messages_per_second: float = Field(default=25, gt=0, le=1000)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @field_validator("telegram_token")
    @classmethod
    def _token_looks_right(cls, value: str | None) -> str | None:
        if value is not None and not TOKEN.fullmatch(value):
            raise ValueError("does not look like a token from @BotFather (digits:letters)")
        return value

    @field_validator("clinic_timezone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(f"{value!r} is not a time zone; it looks like Europe/London")
        return value

    @field_validator("clinic_phone", "clinic_emergency_number", "clinic_urgent_line")
    @classmethod
    def _can_be_called(cls, value: str | None) -> str | None:
        if value is not None and not any(letter.isdecimal() for letter in value):
            raise ValueError(f"{value!r} is not a number that can be called")
        return value

    @field_validator("telegram_api_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError(f"{value!r} is not an address; it begins with https://")
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _is_sqlite(cls, value: str) -> str:
        if value.startswith(("postgres://", "postgresql://")):
            raise ValueError("PostgreSQL is not supported yet; use sqlite:///aftercare.db")
        if not re.fullmatch(r"sqlite:///.+", value):
            raise ValueError("must look like sqlite:///aftercare.db")
        folder = Path(value.removeprefix("sqlite:///")).parent
        if not folder.is_dir():
            raise ValueError(f"there is no folder {folder}")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_small_letters(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    def clinic(self) -> Clinic:
        """The first clinic, as the settings have it. `read_settings` made sure it is whole."""
        return Clinic(
            name=self.clinic_name,
            phone=self.clinic_phone or "",
            emergency_number=self.clinic_emergency_number or "",
            urgent_line=self.clinic_urgent_line,
            timezone=self.clinic_timezone or "UTC",
        )


NOT_YET = (
    "ENCRYPTION_KEY",
    "CONTENT_DIR",
    "HEALTH_PORT",
    "METRICS_TOKEN",
    "WEBHOOK_URL",
    "WEBHOOK_SECRET",
)
"""Settings of later versions: whoever sets one is told that nothing comes of it."""
CLINIC = ("clinic_phone", "clinic_emergency_number", "clinic_timezone")


def read_settings(*needed: str) -> Settings:
    """Read the settings; the `needed` ones must be there.

    Raises SettingsError naming every one that is missing or malformed, without its value's secrets.
    """
    problems: list[str] = []
    settings = None
    try:
        settings = Settings()
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            message = fault["msg"].removeprefix("Value error, ")
            problems.append(f"{str(fault['loc'][0]).upper()}: {message}")
    wrong = {problem.split(":")[0] for problem in problems}
    present = settings or _as_far_as_right(wrong)
    problems += [
        f"{name.upper()}: is needed and not set"
        for name in needed
        if name.upper() not in wrong and getattr(present, name) is None
    ]
    if problems or settings is None:
        raise SettingsError(problems)
    return settings


def _as_far_as_right(wrong: set[str]) -> Settings:
    """The settings with the malformed ones put back to their defaults."""
    return Settings(**{name.lower(): Settings.model_fields[name.lower()].default for name in wrong})
