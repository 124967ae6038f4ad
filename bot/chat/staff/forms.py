"""What every half-filled form has in common: its buttons, found again when one is pressed.

An action is `<form>:<draft>:<what>[:<which>]`. A form is a draft row of one member of staff, open
for a day; whatever is pressed of any other is answered with a toast and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bot.care.session_line import Choice
from bot.care.values import Button, Desk, Edit, Incoming, Reaction, Rows, Toast, numbers
from bot.chat.staff import showing
from storage import drafts, people
from storage.database import Transaction
from storage.models import Draft, Staff

Press = Callable[[Desk, Transaction, Staff, Draft, str, datetime], Sequence[Reaction]]
"""A button of an open form; the text is its `which`."""


def press(
    desk: Desk,
    tx: Transaction,
    staff: Staff,
    incoming: Incoming,
    now: datetime,
    presses: Mapping[str, Mapping[str, Press]],
) -> Sequence[Reaction]:
    """Do what was pressed; `presses` is what each kind of form has."""
    draft = drafts.open_draft(tx, numbers(incoming.text)[0], staff_id=staff.id, now=now)
    if draft is None or draft.kind not in presses:
        return closed(desk, tx, staff)
    what, _, which = incoming.text.split(":", 2)[-1].partition(":")
    do = presses[draft.kind].get(what)
    return do(desk, tx, staff, draft, which, now) if do else []


def closed(desk: Desk, tx: Transaction, staff: Staff) -> Sequence[Reaction]:
    """Said of a form that cannot be pressed any more."""
    language = people.clinic(tx, staff.clinic_id).language
    return [Toast(text=desk.say(language, "staff.draft.closed"))]


def drop(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, _which: str, now: datetime
) -> Sequence[Reaction]:
    """The form is given up."""
    draft.closed_at = now
    language = people.clinic(tx, staff.clinic_id).language
    return [Edit(text=desk.say(language, f"staff.{draft.kind}.dropped"))]


def answered(desk: Desk, language: str, asked: str, answer: str) -> Edit:
    """A question whose answer is in: its buttons are gone, the answer stands below it."""
    return Edit(text=desk.say(language, "staff.ask.answered", asked=asked, answer=answer))


def options(desk: Desk, language: str, form: str, choice: Choice) -> Rows:
    """One button a reading. It names the field, so that it answers no other question."""
    return tuple(
        (
            Button(
                label=showing.option(desk, language, option),
                action=f"{form}:pick:{choice.field}:{n}",
            ),
        )
        for n, option in enumerate(choice.options)
    )


def picked(choices: Sequence[Choice], which: str) -> tuple[Choice, str] | None:
    """The open question and the reading picked; None for a button of one answered before."""
    field, _, n = which.partition(":")
    choice = next(iter(choices), None)
    if choice is None or choice.field != field or not n.isdecimal():
        return None
    number = numbers(n)[0]
    return (choice, choice.options[number]) if number < len(choice.options) else None
