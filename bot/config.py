"""The settings: read once from the environment or `.env`; all that is wrong is said at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from content.facts import Clinic

TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
BEARER = re.compile(r"[!-~]+")
UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+/?")
HEALTH_PATHS = ("/healthz", "/readyz", "/metrics")
"""Where a process tells how it is; no webhook can be there."""
NOT_UNICODE = "is not text in UTF-8; write it anew in an editor or terminal that is set to UTF-8"
LIKE_POSTGRES = (
    "must look like postgresql://user:password@host:5432/database; "
    "in the password write / as %2F, @ as %40, # as %23, ? as %3F, % as %25"
)
WHY_POSTGRES = (
    "needs PostgreSQL (postgresql://...), because several processes share the database and many "
    "hosts empty the disk at a restart; with SQLite, for one clinic on one machine, use: run"
)


class SettingsError(Exception):
    """The settings cannot be worked with. `problems` has one line for each thing to mend."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Settings(BaseSettings):
    """Every setting by its name in the environment, in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    telegram_token: str | None = Field(default=None, repr=False)
    telegram_api_url: str = "https://api.telegram.org"
    database_url: str = Field(default="sqlite:///aftercare.db", repr=False)
    clinic_phone: str | None = None
    clinic_emergency_number: str | None = None
    clinic_timezone: str | None = None
    clinic_name: str = "Your clinic"
    clinic_language: str = Field(default="en", pattern="^[a-z]{2,3}$")
    clinic_urgent_line: str | None = None
    content_dir: Path | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = Field(default=None, repr=False)
    port: int = Field(default=8080, ge=1, le=65535)
    health_port: int | None = Field(default=None, ge=1, le=65535)
    metrics_token: str | None = Field(default=None, repr=False)
    messages_per_second: float = Field(default=25, gt=0, le=1000, allow_inf_nan=False)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @field_validator("*", mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        # The environment hands on bytes that are no letters, as halves of letters; `.env` may even
        # hold a NUL. A database takes neither.
        if isinstance(value, str) and UNWRITABLE.search(value):
            raise ValueError(NOT_UNICODE)
        return value

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
        if _reachable(value) is None:
            raise ValueError("must look like https://api.telegram.org")
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, value: str) -> str:
        if value.startswith(("postgres://", "postgresql://")):
            return _postgres_url(value)
        if not re.fullmatch(r"sqlite:///.+", value):
            raise ValueError("must look like sqlite:///aftercare.db or postgresql://...")
        folder = Path(value.removeprefix("sqlite:///")).parent
        if not folder.is_dir():
            raise ValueError(f"there is no folder {folder}")
        return value

    @field_validator("content_dir")
    @classmethod
    def _is_a_folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"there is no folder {value}")
        return value

    @field_validator("webhook_url")
    @classmethod
    def _can_be_posted_to(cls, value: str | None) -> str | None:
        return None if value is None else _webhook_url(value)

    @field_validator("webhook_secret")
    @classmethod
    def _fits_the_header(cls, value: str | None) -> str | None:
        if value is not None and not SECRET.fullmatch(value):
            raise ValueError("must be 1 to 256 of the letters A-Z a-z 0-9 _ -")
        return value

    @field_validator("metrics_token")
    @classmethod
    def _fits_a_header(cls, value: str | None) -> str | None:
        if value is not None and not BEARER.fullmatch(value):
            raise ValueError("must be plain letters, digits and signs, without spaces")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_small_letters(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @property
    def on_postgres(self) -> bool:
        """Whether the database is PostgreSQL; else it is SQLite."""
        return self.database_url.startswith("postgresql://")

    @property
    def webhook_path(self) -> str:
        """Where `web` awaits updates; empty without WEBHOOK_URL."""
        return urlsplit(self.webhook_url or "").path

    def clinic(self) -> Clinic:
        """The first clinic, as the settings have it. `read_settings` made sure it is whole."""
        return Clinic(
            name=self.clinic_name,
            phone=self.clinic_phone or "",
            emergency_number=self.clinic_emergency_number or "",
            urgent_line=self.clinic_urgent_line,
            timezone=self.clinic_timezone or "UTC",
        )


def _postgres_url(value: str) -> str:
    """The address with the scheme that is everybody's. Raises ValueError, without the password."""
    address = value.replace("postgres://", "postgresql://", 1)
    try:
        parts = urlsplit(address)
        whole = bool(parts.path.strip("/")) and not parts.fragment and parts.port != 0
        whole = whole and "@" not in (parts.password or "")  # else a part of it becomes the host
    except ValueError:
        whole = False
    if not whole or any(letter.isspace() for letter in address):
        raise ValueError(LIKE_POSTGRES)
    return address


def _reachable(value: str) -> SplitResult | None:
    """The parts of an address on the web; None if it is none."""
    try:
        parts = urlsplit(value)
        has_host = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half an IPv6 address
        return None
    spaced = any(letter.isspace() for letter in value)
    return parts if has_host and not parts.fragment and not spaced else None


def _webhook_url(value: str) -> str:
    """The address Telegram posts to. Raises ValueError."""
    parts = _reachable(value)
    if parts is None or parts.username is not None:
        raise ValueError("must look like https://bot.example.com/telegram")
    if not PATH.fullmatch(parts.path):
        raise ValueError("needs a path of letters, digits and - _ . ~ as /telegram")
    if parts.path.rstrip("/") in HEALTH_PATHS:
        raise ValueError(f"the path {parts.path} is taken; /telegram would do")
    return value


NOT_YET = ("ENCRYPTION_KEY",)
"""Settings of later versions: whoever sets one is told that nothing comes of it."""
CLINIC = ("clinic_phone", "clinic_emergency_number", "clinic_timezone")
WEB = ("telegram_token", "webhook_url", "webhook_secret", *CLINIC)
"""What `web` needs."""


def read_settings(*needed: str, on_postgres_for: str | None = None) -> Settings:
    """Read the settings; the `needed` ones must be there.

    `on_postgres_for`: the command that needs PostgreSQL, if one does. Raises SettingsError naming
    every one that is missing or malformed, without its value's secrets.
    """
    settings, problems = examine_settings(*needed)
    is_wrong = any(problem.startswith("DATABASE_URL:") for problem in problems)
    if on_postgres_for and not is_wrong and not settings.on_postgres:
        problems.append(f"DATABASE_URL: `{on_postgres_for}` {WHY_POSTGRES}")
    if problems:
        raise SettingsError(problems)
    return settings


def examine_settings(*needed: str) -> tuple[Settings, list[str]]:
    """The settings, malformed ones put back to their defaults, and a line for each problem.

    Raises SettingsError if `.env` cannot be read at all.
    """
    problems: list[str] = []
    settings = None
    try:
        settings = Settings()
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            message = fault["msg"].removeprefix("Value error, ")
            problems.append(f"{str(fault['loc'][0]).upper()}: {message}")
    except UnicodeDecodeError:
        raise SettingsError([f".env: {NOT_UNICODE}"]) from None
    wrong = {problem.split(":")[0] for problem in problems}
    present = settings or _as_far_as_right(wrong)
    problems += [
        f"{name.upper()}: is needed and not set"
        for name in needed
        if name.upper() not in wrong and getattr(present, name) is None
    ]
    return present, problems


def _as_far_as_right(wrong: set[str]) -> Settings:
    """The settings with the malformed ones put back to their defaults."""
    return Settings(**{name.lower(): Settings.model_fields[name.lower()].default for name in wrong})
