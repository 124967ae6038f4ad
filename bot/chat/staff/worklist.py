"""`/worklist`: whom to call, about what and why; and noting that somebody was seen to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from markupsafe import Markup
from telegram.constants import MessageLimit

from bot.care.values import (
    Button,
    Desk,
    Edit,
    Incoming,
    Outgoing,
    Reaction,
    Rows,
    Toast,
    numbers,
)
from bot.chat.patient import questions
from content import wording
from storage import audit, people, worklist
from storage.database import Transaction
from storage.models import Clinic, Patient, Staff
from storage.worklist import Item, Missed, Unanswered, Untaken

PAGE = 5
"""At the most: one button sees to a whole page, and holds five ids."""
SHOWN = re.compile(r":([amu])([0-9]{1,18})(?![0-9])")
"""In a button's action: what its page showed, alerts, messages and updates."""

# What Telegram says, in lower case, and the key of the same in plain words.
WHY_UNREACHABLE = {
    "blocked": "blocked",
    "deactivated": "deleted",
    "can't initiate": "never_started",
    "chat not found": "not_found",
}
WHY_FAILED = {
    "unusable": "unusable",
    "too long": "too_long",
    "parse entities": "unreadable",
}
WRITES_AGAIN = frozenset({"blocked", "never_started"})
"""Who gets messages again by opening the chat."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One item in words; `seen` is what a button says of it, if it can be seen to."""

    n: int
    group: str
    text: Markup
    seen: str | None


def show(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """`/worklist`, or the button for its next page."""
    offset = numbers(incoming.text)[0] if incoming.text.startswith("worklist:") else 0
    return [_page(desk, tx, staff, offset, now)]


def press(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """Seen to: what the button's page showed leaves the list, and nothing that has come since."""
    language = people.clinic(tx, staff.clinic_id).language
    shown: dict[str, list[int]] = {kind: [] for kind in "amu"}
    for kind, number in SHOWN.findall(incoming.text):
        shown[kind].append(int(number))
    done = worklist.see_to(
        tx,
        staff.clinic_id,
        messages=shown["m"],
        updates=shown["u"],
        troubles=shown["a"],
        now=now,
    )
    if not done:
        return [Toast(text=desk.say(language, "worklist.noted_already"))]
    for it in done:
        audit.note(
            tx,
            clinic_id=staff.clinic_id,
            at=now,
            actor=f"staff:{staff.id}",
            action=f"saw to {it.what}",
            patient_id=it.patient_id,
            treatment_id=it.treatment_id,
        )
    # A new message: were the list to change in place, a second tap would hit somebody else.
    noted = Edit(text=desk.say(language, "worklist.noted"))
    return [noted, _page(desk, tx, staff, 0, now)]


def _page(desk: Desk, tx: Transaction, staff: Staff, offset: int, now: datetime) -> Outgoing:
    clinic = people.clinic(tx, staff.clinic_id)
    page = worklist.page(tx, clinic.id, offset=offset, limit=PAGE)
    if not page.items:
        key = "worklist.no_more" if offset else "worklist.none"
        return Outgoing(account=staff.account, text=desk.say(clinic.language, key))
    lines = [
        Line(n=n, group=group, text=_words(desk, tx, clinic, item, now), seen=_seen(item))
        for n, (group, item) in enumerate(page.items, start=offset + 1)
    ]
    while len(lines) > 1 and not _fits(_text(desk, clinic, page.counts, lines)):
        lines.pop()
    rest = sum(page.counts.values()) - lines[-1].n
    return Outgoing(
        account=staff.account,
        text=_text(desk, clinic, page.counts, lines),
        buttons=_buttons(desk, clinic.language, lines, more=rest > 0),
        protect=True,
    )


def _fits(text: str) -> bool:
    """Whether it is one message, as Telegram counts letters; tags are counted too, so it is."""
    return len(text.encode("utf-16-le")) // 2 <= MessageLimit.MAX_TEXT_LENGTH


def _text(desk: Desk, clinic: Clinic, counts: Mapping[str, int], lines: Sequence[Line]) -> Markup:
    def say(key: str, **values: object) -> Markup:
        return desk.say(clinic.language, f"worklist.{key}", **values)

    parts = [say("head", total=sum(counts.values()))]
    for group, of_one in groupby(lines, key=lambda line: line.group):
        parts.append(say(f"group.{group}", count=counts[group]))
        parts += [say("numbered", n=line.n, item=line.text) for line in of_one]
    if any(line.seen for line in lines):
        parts.append(say("foot"))
    return Markup("\n\n").join(parts)


def _buttons(desk: Desk, language: str, lines: Sequence[Line], *, more: bool) -> Rows:
    def button(key: str, action: str, **values: object) -> Button:
        return Button(label=desk.say(language, key, **values).unescape(), action=action)

    seen = {line.n: line.seen for line in lines if line.seen}
    rows = [tuple(button("worklist.button.one", f"seen:{it}", n=n) for n, it in seen.items())]
    if len(seen) > 1:
        rows.append((button("worklist.button.all", f"seen:{':'.join(seen.values())}"),))
    if more:
        rows.append((button("staff.button.more", f"worklist:{lines[-1].n}"),))
    return tuple(row for row in rows if row)


def _seen(item: Item) -> str | None:
    """What a button says of the item; None for what nobody can see to."""
    match item:
        case Untaken():
            return f"a{item.alert.id}"
        case Unanswered():
            return f"u{item.arrival}"
        case Missed():
            return f"m{item.reminder.id}"
        case Patient():
            return None


def _words(desk: Desk, tx: Transaction, clinic: Clinic, item: Item, now: datetime) -> Markup:
    match item:
        case Untaken():
            return _untaken(desk, clinic, item)
        case Unanswered():
            return _unanswered(desk, clinic, item)
        case Missed():
            return _missed(desk, clinic, item, now)
        case Patient():
            return _unreachable(desk, tx, clinic, item)


def _untaken(desk: Desk, clinic: Clinic, item: Untaken) -> Markup:
    level = item.alert.level
    return desk.say(
        clinic.language,
        "worklist.alert.item",
        name=item.patient.name,
        when=_moment(clinic, item.alert.written_at),
        level=desk.say(clinic.language, f"alerts.level.{level}"),
        do=desk.say(clinic.language, f"worklist.alert.do.{level}"),
    )


def _unanswered(desk: Desk, clinic: Clinic, item: Unanswered) -> Markup:
    who = "patient" if item.patient else "member" if item.member else "nobody"
    somebody = item.patient or item.member
    nobody = desk.say(clinic.language, "worklist.unanswered.nobody")
    return desk.say(
        clinic.language,
        "worklist.unanswered.item",
        name=somebody.name if somebody else nobody,
        when=_moment(clinic, item.received_at),
        do=desk.say(clinic.language, f"worklist.unanswered.do.{who}"),
    )


def _missed(desk: Desk, clinic: Clinic, item: Missed, now: datetime) -> Markup:
    row = item.reminder
    has_why = row.state == "failed"
    why = _plain(WHY_FAILED, row.reason)
    return desk.say(
        clinic.language,
        "worklist.missed.item_why" if has_why else "worklist.missed.item",
        name=item.patient.name,
        about=_about(desk, clinic.language, row.step),
        due=_moment(clinic, row.due_at),
        why=desk.say(clinic.language, f"worklist.missed.why.{why}"),
        do=desk.say(clinic.language, f"worklist.missed.do.{_what_to_do(desk, item, now)}"),
    )


def _what_to_do(desk: Desk, item: Missed, now: datetime) -> str:
    """The key of it. A message about safety is worth a call even when its time is over."""
    step = item.reminder.step
    kind = desk.library.step(step).kind if desk.library.has_step(step) else "care"
    if item.cancelled_at is not None:
        return "cancelled"
    return "past" if item.reminder.expires_at <= now and kind != "safety" else kind


def _unreachable(desk: Desk, tx: Transaction, clinic: Clinic, patient: Patient) -> Markup:
    why = _plain(WHY_UNREACHABLE, patient.unreachable_why)
    return desk.say(
        clinic.language,
        "worklist.unreachable.item",
        name=patient.name,
        since=_moment(clinic, patient.unreachable_at or patient.created_at),
        why=desk.say(clinic.language, f"worklist.unreachable.why.{why}"),
        do=_what_is_missed(desk, tx, clinic, patient, why),
    )


def _what_is_missed(
    desk: Desk, tx: Transaction, clinic: Clinic, patient: Patient, why: str
) -> Markup:
    """The next message that will not reach the patient, and what to do."""
    ahead = questions.to_come(desk, tx, patient)
    if not ahead:
        return desk.say(clinic.language, "worklist.unreachable.do.nothing_comes")
    return desk.say(
        clinic.language,
        f"worklist.unreachable.do.{'call' if why in WRITES_AGAIN else 'call_only'}",
        about=_about(desk, clinic.language, ahead[0].key),
        due=_moment(clinic, ahead[0].due_at),
    )


def _about(desk: Desk, language: str, step: str) -> Markup:
    """What a message is about; its step may be of another version of the content."""
    title = f"steps.{step}.title"
    known = desk.library.texts.has(title, language)
    return desk.say(language, title if known else "worklist.missed.about_unknown")


def _plain(known: Mapping[str, str], said: str | None) -> str:
    """The key of what was `said`, in plain words."""
    return next((key for part, key in known.items() if part in (said or "").lower()), "other")


def _moment(clinic: Clinic, at: datetime) -> str:
    return wording.moment(at, ZoneInfo(clinic.timezone), clinic.language)
