"""The messages one session would lead to, as lines to read: `plan --json`."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from content.facts import Clinic, Patient, Session, Situation
from content.library import Library
from content.messages import step_text
from content.schedule import plan


def plan_lines(
    library: Library, session: Session, clinic: Clinic, patient: Patient
) -> list[dict[str, str]]:
    """One line a message, sorted by `due_at`: times ISO 8601 with the patient's offset, the text as
    it would be sent at that moment (Telegram HTML).
    """  # noqa: D205
    zone = ZoneInfo(patient.timezone)
    return [
        {
            "key": row.key,
            "topic": row.topic,
            "due_at": _local(row.due_at, zone),
            "expires_at": _local(row.expires_at, zone),
            "text": step_text(
                library,
                row.key,
                Situation(at=row.due_at, clinic=clinic, patient=patient, session=session),
            ),
        }
        for row in plan(library, session, clinic, patient)
    ]


def plain(text: Markup) -> str:
    """Telegram's HTML as it is read."""
    return "\n".join(Markup(line).striptags() for line in text.split("\n"))  # noqa: S704  ours


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat()
