"""The clinic's counter without Telegram's pace: commands and presses into the bot's own table.

Every message is read as strictly as Telegram reads it, and kept as it is shown.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlmodel import col, select

import content.library
from bot.care.values import Button, Desk, Edit, Incoming, NewMenu, Outgoing, Reaction, Toast
from bot.chat import arrival, reading
from bot.chat.application import COMMANDS, PRESSES
from bot.simulator.html import parse_html
from bot.simulator.spec import utf16_length
from storage import invitations
from storage.database import Database, Transaction
from storage.migrate import migrate
from storage.models import Clinic, Patient, Reminder, Staff, Treatment

T = TypeVar("T")

MONDAY = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
"""14:00 in London, where the clinic is."""
OWNER, CLINICIAN, PATIENT, OTHER, STRANGER, RIVAL = 1001, 1002, 2001, 2002, 2003, 9001
LINE = "Ana López, today 13:30, face, 1.0 mm, 2/4, next 2026-12-21 10:00, use: plain cream"
LINK = re.compile(r"https://t\.me/rosewood_bot\?start=([\w-]+)")
TYPED = re.compile(r"^[BCDFGHJKMPQRTVWXZ]{8}$", re.MULTILINE)


@dataclass
class Counter:
    """Two clinics' teams, their patients, and a clock that is moved by hand."""

    database: Database
    desk: Desk = field(default_factory=lambda: Desk(content.library.load(), "rosewood_bot"))
    now: datetime = MONDAY
    shown: dict[int, list[Outgoing]] = field(default_factory=dict)
    toasts: list[str] = field(default_factory=list)
    edits: list[str] = field(default_factory=list)
    menus: list[int] = field(default_factory=list)

    def say(self, account: int, text: str) -> str:
        """What is answered to a command or to words."""
        if text.startswith("/"):
            handle = COMMANDS.get(text[1:].split(maxsplit=1)[0], arrival.unknown_command)
            known = handle is not arrival.unknown_command
            return self._do(account, handle, reading.argument(text) if known else text)
        return self._do(account, arrival.text, text)

    def press(self, account: int, label: str) -> str:
        """Press the newest button of that label."""
        for message in reversed(self.shown.get(account, [])):
            for button in self.buttons(message):
                if button.label == label and button.action:
                    return self.send(account, button.action)
        raise LookupError(f"no {label!r} in {self.labels(account)}")

    def send(self, account: int, action: str) -> str:
        """Press what may not be on the screen at all."""
        handle = PRESSES[action.split(":", maxsplit=1)[0]]
        return self._do(account, handle, action)

    def action(self, account: int, label: str) -> str:
        """What the newest button of that label does."""
        found = [b for m in self.shown[account] for b in self.buttons(m) if b.label == label]
        assert found, f"no {label!r}"
        assert found[-1].action
        return found[-1].action

    def labels(self, account: int) -> list[str]:
        """Of the newest message with buttons."""
        messages = [m for m in self.shown.get(account, []) if m.buttons]
        return [button.label for button in self.buttons(messages[-1])] if messages else []

    def buttons(self, message: Outgoing) -> list[Button]:
        return [button for row in message.buttons for button in row]

    # --- what is done often

    def record(self, line: str = LINE, account: int = OWNER) -> str:
        """Record a session and save it; the code of the patient's link, or nothing."""
        shown = self.say(account, f"/newsession {line}")
        assert "Save session" in self.labels(account), shown
        found = LINK.search(self.press(account, "Save session"))
        return found[1] if found else ""

    def enrol(self, account: int, line: str = LINE) -> None:
        self.say(account, f"/start {self.record(line)}")
        self.press(account, "I agree")

    def member(self, account: int, role: str) -> str:
        """Invite somebody to the team, who opens the link; the code."""
        link = LINK.search(self.say(OWNER, f"/invite {role}"))
        assert link
        self.say(account, f"/start {link[1]}")
        return link[1]

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)

    # --- what is kept

    def ask(self, function: Callable[..., T], *args: Any) -> T:
        return self.database.run_now(function, *args)

    def rows(self) -> list[Reminder]:
        return list(
            self.ask(lambda tx: tx.exec(select(Reminder).order_by(col(Reminder.due_at))).all())
        )

    def sessions(self) -> list[Treatment]:
        """Those that stand, oldest first."""
        standing = select(Treatment).where(col(Treatment.cancelled_at).is_(None))
        return list(self.ask(lambda tx: tx.exec(standing.order_by(col(Treatment.id))).all()))

    def patients(self) -> list[Patient]:
        return list(self.ask(lambda tx: tx.exec(select(Patient).order_by(col(Patient.id))).all()))

    def team(self) -> dict[int, str]:
        """The roles of those on any team now."""
        on_it = select(Staff).where(col(Staff.left_at).is_(None))
        return {it.account: it.role for it in self.ask(lambda tx: tx.exec(on_it).all())}

    # --- inside

    def _do(self, account: int, handle: Any, text: str) -> str:
        incoming = Incoming(
            account=account, sender=f"Person {account}", language="en", text=text,
            written_at=self.now,
        )  # fmt: skip
        reactions: list[Reaction] = self.ask(
            lambda tx: list(handle(self.desk, tx, incoming, self.now))
        )
        return "\n\n".join(self._take(reaction, account) for reaction in reactions).strip()

    def _take(self, reaction: Reaction, account: int) -> str:
        match reaction:
            case Outgoing():
                text = self._read(reaction.text, 1024 if reaction.qr else 4096)
                for button in self.buttons(reaction):
                    assert len((button.action or "").encode()) <= 64
                    assert "&" not in button.label
                self.shown.setdefault(reaction.account, []).append(reaction)
                return text if reaction.account == account else ""
            case Edit():
                self.edits.append(self._read(reaction.text, 4096) if reaction.text else "")
            case Toast():
                self.toasts.append(reaction.text)
            case NewMenu():
                self.menus.append(reaction.account)
        return ""

    def _read(self, html: str, most: int) -> str:
        text = parse_html(html).text
        assert 0 < utf16_length(text) <= most
        return text


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file of the current schema, made once."""
    file = tmp_path_factory.mktemp("empty") / "clinic.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def counter(tmp_path: Path, empty: Path) -> Iterator[Counter]:
    """A clinic with an owner, another clinic with another, and no patients."""
    database = Database(f"sqlite:///{shutil.copy(empty, tmp_path)}")
    counter = Counter(database)
    counter.ask(_two_clinics, counter.now)
    owner = counter.ask(_owner_code, counter.now)
    counter.say(OWNER, f"/start {owner}")
    yield counter
    database.close()


def _two_clinics(tx: Transaction, now: datetime) -> None:
    for name in ("Rosewood Clinic", "Rival Clinic"):
        tx.add(
            Clinic(
                name=name, phone="+44 20 7946 0000", emergency_number="999",
                timezone="Europe/London", created_at=now,
            )
        )  # fmt: skip
    tx.flush()
    tx.add(Staff(clinic_id=2, account=RIVAL, name="Rival", role="owner", joined_at=now))


def _owner_code(tx: Transaction, now: datetime) -> str:
    _, codes = invitations.invite(tx, clinic_id=1, role="owner", now=now, created_by=None)
    return codes.link
