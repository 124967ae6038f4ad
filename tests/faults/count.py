"""The count after a fault: the simulator's journal against the database, message by message.

What Telegram took is the truth. A message it took whose number no row has is a copy: it must be of
a row that was on its way when a process died or a wire was cut, and that row must say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import col, select

import content.library
from bot.simulator.journal import Call
from bot.simulator.methods import SENDING
from storage.database import Transaction
from storage.models import Audit, Inbox, OutgoingRow, Patient, Reminder, Treatment
from tests.faults.ward import WRITING, Ward

HOLD = {step.key for step in content.library.load().steps if step.if_unknown == "hold"}


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One end of a process, and what was open at that moment."""

    began: float
    """Monotonic seconds, as the journal counts them."""
    ended: float
    in_flight: int
    """Sends that Telegram had and that no row knew of yet."""
    reminders: frozenset[int]
    """Rows that said they were on their way."""
    answers: frozenset[int]
    updates: int
    """Updates that were stored and not done."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The tables, as they are at the end."""

    reminders: list[tuple[Reminder, int]]
    """Each with its account."""
    answers: list[OutgoingRow]
    inbox: list[Inbox]
    agreed: Counter[int]
    """By account: how often it is written down that they agreed."""
    sessions: Counter[str]
    """By name."""


def read_rows(tx: Transaction) -> Rows:
    reminders = tx.exec(
        select(Reminder, Patient.account).join(Patient, col(Patient.id) == col(Reminder.patient_id))
    ).all()
    agreed = tx.exec(
        select(Patient.account)
        .join(Audit, col(Audit.patient_id) == col(Patient.id))
        .where(Audit.action == "agreed")
    ).all()
    sessions = tx.exec(
        select(Patient.name).join(Treatment, col(Treatment.patient_id) == col(Patient.id))
    ).all()
    return Rows(
        reminders=[(row, account or 0) for row, account in reminders],
        answers=list(tx.exec(select(OutgoingRow)).all()),
        inbox=list(tx.exec(select(Inbox).order_by(col(Inbox.update_id))).all()),
        agreed=Counter(account for account in agreed if account),
        sessions=Counter(sessions),
    )


@dataclass
class Count:
    """What became of everything; `wrong` lists what must not be."""

    kills: Sequence[Kill]
    sent: int = 0
    duplicates: int = 0
    answers_twice: int = 0
    unknown: int = 0
    doubted: int = 0
    answers_doubted: int = 0
    states: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    updates: int = 0
    wrong: list[str] = field(default_factory=list)

    def table(self, title: str) -> str:
        """For people."""
        cut = len(self.kills)

        def share(counted: int) -> str:
            return f"{counted} ({100 * counted // cut} %)" if cut else "-"

        lines = {
            "kills": str(cut),
            "with a send in flight": share(sum(kill.in_flight > 0 for kill in self.kills)),
            "with an update between fetch and done": share(
                sum(kill.updates > 0 for kill in self.kills)
            ),
            "rows in flight at the kills": str(sum(len(kill.reminders) for kill in self.kills)),
            "reminders sent": str(self.sent),
            "read twice": str(self.duplicates),
            "in doubt, repeated or held": str(self.doubted),
            "of these never settled (unknown)": str(self.unknown),
            "skipped": ", ".join(f"{n} {why}" for why, n in self.skipped.items()) or "0",
            "lost": str(self.lost),
            "updates handled": str(self.updates),
            "answers read twice": str(self.answers_twice),
        }
        width = max(map(len, lines))
        rows = "\n".join(f"  {name:<{width}}  {value}" for name, value in lines.items())
        return f"\n{title}\n{rows}"


def count(ward: Ward, rows: Rows, kills: Sequence[Kill] = ()) -> Count:
    """Hold the journal against the rows."""
    result = Count(kills=kills)
    accepted = {
        call.message_id: call
        for call in ward.simulator.journal
        if call.method in SENDING and call.accepted and call.message_id
    }
    _count_reminders(result, rows, accepted, ward.clock.now())
    _count_copies(result, rows, accepted)
    _count_updates(result, rows, ward)
    return result


def _count_reminders(result: Count, rows: Rows, accepted: dict[int, Call], now: datetime) -> None:
    for row, account in rows.reminders:
        result.doubted += row.doubted
        result.states[row.state] += 1
        what = f"reminder {row.id} ({row.step}, {row.state}, {row.reason})"
        if row.state == "sent":
            result.sent += 1
            call = accepted.get(row.message_id or 0)
            if call is None or call.chat_id != account:
                result.lost += 1
                result.wrong.append(f"{what} was never received")
            elif not row.due_at <= call.at < row.expires_at:
                result.wrong.append(f"{what} came at {call.at}, due {row.due_at}")
        elif row.state == "unknown" and row.doubted:
            result.unknown += 1
        elif row.state in ("skipped", "unreachable", "failed") and row.reason:
            if row.reason not in ("too_late", "covered"):  # judged when it was planned
                result.skipped[row.reason] += 1
        elif row.state != "scheduled" or row.try_at is None or row.try_at <= now:
            result.lost += 1
            result.wrong.append(f"{what} was left behind, due {row.due_at}")


def _count_copies(result: Count, rows: Rows, accepted: dict[int, Call]) -> None:
    """Each message that no row has the number of is a copy of one that was in doubt."""
    reminders = {row.id: (row, account) for row, account in rows.reminders}
    answers = {row.id: row for row in rows.answers}
    known = {row.message_id for row, _ in rows.reminders} | {it.message_id for it in rows.answers}
    copies: Counter[tuple[str, int]] = Counter()
    for number, call in accepted.items():
        if number in known:
            continue
        found = _of_kill(call, result.kills, reminders, answers, copies) or _of_doubt(
            call, rows, copies
        )
        if found is None:
            result.wrong.append(f"nobody knows of message {number} to {call.chat_id} at {call.at}")
        else:
            copies[found] += 1
    for (kind, number), arrived in copies.items():
        state = reminders[number][0].state if kind == "reminder" else answers[number].state
        twice = arrived + (state == "sent") > 1
        result.duplicates += twice and kind == "reminder"
        result.answers_twice += twice and kind == "answer"
        if arrived + (state == "sent") > 2:
            result.wrong.append(f"{kind} {number} came {arrived + (state == 'sent')} times")
        if kind == "reminder" and twice and reminders[number][0].step in HOLD:
            result.wrong.append(f"reminder {number} is to be held and came twice")


def _of_kill(
    call: Call,
    kills: Sequence[Kill],
    reminders: dict[int, tuple[Reminder, int]],
    answers: dict[int, OutgoingRow],
    copies: Counter[tuple[str, int]],
) -> tuple[str, int] | None:
    """The row of this chat that was on its way at the kill after the call."""
    for kill in kills:
        if not kill.began <= call.monotonic <= kill.ended:
            continue
        for number in kill.reminders:
            if reminders[number][1] == call.chat_id and not copies["reminder", number]:
                return "reminder", number
        for number in kill.answers:
            row = answers[number]
            if row.account == call.chat_id and _left(row, copies) > 0:
                return "answer", number
    return None


def _of_doubt(call: Call, rows: Rows, copies: Counter[tuple[str, int]]) -> tuple[str, int] | None:
    """A row of this chat that says that a copy of it may have arrived, and that was due then."""
    for row, account in rows.reminders:
        of_it = account == call.chat_id and row.due_at <= call.at < row.expires_at
        left = row.attempts - (row.state == "sent") - copies["reminder", row.id]
        if of_it and row.doubted and left > 0:
            return "reminder", row.id
    for answer in rows.answers:
        of_it = answer.account == call.chat_id and answer.created_at <= call.at
        if of_it and answer.doubted and _left(answer, copies) > 0:
            return "answer", answer.id
    return None


def _left(answer: OutgoingRow, copies: Counter[tuple[str, int]]) -> int:
    """How many more copies of it there may be: an answer comes twice at most."""
    return 2 - (answer.state == "sent") - copies["answer", answer.id]


def _count_updates(result: Count, rows: Rows, ward: Ward) -> None:
    result.updates = len(rows.inbox)
    result.answers_doubted = sum(row.doubted for row in rows.answers)
    numbers = [row.update_id for row in rows.inbox]
    if len(numbers) != ward.updates or numbers != list(
        range(numbers[0], numbers[0] + ward.updates) if numbers else []
    ):
        result.wrong.append(f"{ward.updates} updates, of which {len(numbers)} came in")
    result.wrong += [
        f"update {row.update_id} is {row.state}: {row.problem}"
        for row in rows.inbox
        if row.state != "done"
    ]
    answered = Counter(row.update_id for row in rows.answers)
    result.wrong += [
        f"update {row.update_id} was answered by {answered[row.update_id]} messages"
        for row in rows.inbox
        if WRITING <= (row.account or 0) < WRITING + ward.size.writing
        and answered[row.update_id] != 1
    ]
    result.wrong += [
        f"answer {row.id} is {row.state}"
        for row in rows.answers
        if row.state != "sent" and not (row.state == "unknown" and row.doubted)
    ]
    result.wrong += [
        f"{account} agreed {rows.agreed[account]} times"
        for account in {*ward.agreed, *rows.agreed}
        if rows.agreed[account] != 1
    ]
    result.wrong += [
        f"{name} is recorded {times} times" for name, times in rows.sessions.items() if times != 1
    ]
    result.wrong += [f"{name} is not recorded" for name in ward.recorded if not rows.sessions[name]]
