"""Who is in the demo, and which clinic they go to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale

from bot.config import Settings
from content import cities
from content.facts import Clinic

BOT, CLINIC = "rosewood_demo_bot", "Rosewood Skin Clinic"
FIRST_NEW = 3001
"""The accounts of patients that are added by hand come after it."""
LONGEST_NAME = 60
FRIDAY = 4


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Someone to be on the page: a person of the simulated Telegram."""

    id: int
    name: str
    role: str
    language: str
    timezone: str
    """IANA; what the clock of their phone shows."""

    @property
    def spoken(self) -> str:
        """'Spanish'."""
        return Locale.parse(self.language).get_display_name("en") or self.language


OWNER = Actor(id=1001, name="Rosa Marin", role="owner", language="en", timezone="Europe/London")
FRONT_DESK = Actor(
    id=1002, name="Tom Field", role="front desk", language="en", timezone="Europe/London"
)
CAST = (
    OWNER,
    FRONT_DESK,
    Actor(id=2001, name="Ana Lopez", role="patient", language="en", timezone="Europe/London"),
    Actor(id=2002, name="Ben Okafor", role="patient", language="en", timezone="America/New_York"),
    Actor(id=2003, name="Lucía Serrano", role="patient", language="es", timezone="Europe/Madrid"),
    Actor(id=2004, name="Mei Tan", role="patient", language="en", timezone="Australia/Sydney"),
)
INVITED: Mapping[Actor, str] = {OWNER: "owner", FRONT_DESK: "front_desk"}
"""Who is on the team when the demo begins, and as what."""


def opening_hour(now: datetime) -> datetime:
    """When a demo begins (aware): on a weekday's afternoon, whenever it is started."""
    local = now.astimezone(ZoneInfo(OWNER.timezone))
    days = max(0, local.weekday() - FRIDAY)
    return (local - timedelta(days=days)).replace(hour=14, minute=30, second=0, microsecond=0)


def new_patient(number: int, name: str, language: str, timezone: str) -> Actor:
    """A patient added by hand. Raises ValueError with what is wrong."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise ValueError(f"A name has 1 to {LONGEST_NAME} letters.")
    if language not in ("en", "es"):
        raise ValueError("The demo speaks English (en) and Spanish (es).")
    zones = cities.zones_of(timezone, ("en", "es"))
    if len(zones) != 1:
        raise ValueError(f"I do not know {timezone!r}: a big city in the same time zone will do.")
    return Actor(
        id=FIRST_NEW + number, name=name, role="patient", language=language, timezone=zones[0]
    )


def clinic(folder: Path, content_dir: Path | None, token: str) -> Settings:
    """The demo's settings, with its database in `folder`. Nothing is read from the environment."""
    return Settings.model_construct(
        telegram_token=token,
        database_url=f"sqlite:///{folder / 'demo.db'}",
        clinic_name=CLINIC,
        clinic_phone="+44 20 7946 0000",
        clinic_emergency_number="999",
        clinic_urgent_line="111",
        clinic_timezone=OWNER.timezone,
        content_dir=content_dir,
    )


def facts() -> Clinic:
    """The demo's clinic, as texts speak of it."""
    return clinic(Path(), None, "").clinic()
