"""The conversation from a written line to a saved session: asked, shown back, saved, taken back.

What is not saved yet is a draft row: the line as it was written and the buttons pressed since. The
line is read again each time, so the draft holds nothing that could disagree with it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.care import sessions
from bot.care.session_line import Line, Understood, read_line
from bot.care.values import Button, Desk, Edit, Incoming, Outgoing, Reaction, Rows, Toast, numbers
from bot.chat.staff import forms, showing
from content import recommendations
from content.library import Library
from storage import drafts, people, treatments
from storage.database import Transaction
from storage.models import Draft, Patient, Staff, Treatment

KIND = "newsession"
SAME_SHOWN = 5
LATER_HOURS = (0.0, 24.0, 72.0, 168.0, 336.0)
"""From when a recommendation may hold, beside the rule's own hour."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a draft holds."""

    text: str
    written_at: str
    answers: dict[str, str] = field(default_factory=dict)
    from_hours: float | None = None
    patient_id: int | None = None

    def dumps(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def loads(cls, data: str) -> Written:
        return cls(**json.loads(data))

    def read(self, library: Library, zone: ZoneInfo, language: str) -> Line:
        return read_line(
            self.text,
            written_at=datetime.fromisoformat(self.written_at),
            zone=zone,
            language=language,
            answers=self.answers,
            library=library,
        )


@dataclass(frozen=True)
class View:
    """A draft as it stands now: a question, or the whole session to be saved."""

    text: str
    buttons: Rows = ()
    understood: Understood | None = None
    """Set when nothing is left to ask."""

    def to(self, account: int) -> Outgoing:
        return Outgoing(account=account, text=self.text, buttons=self.buttons)


def begin(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """`/newsession …`: what was not understood is named; else it is shown back, nothing saved."""
    clinic = people.clinic(tx, staff.clinic_id)
    language, zone = clinic.language, ZoneInfo(clinic.timezone)
    example = desk.say(language, "staff.newsession.example")
    if not incoming.text.strip():
        text = desk.say(language, "staff.newsession.how", example=example)
        return [Outgoing(account=incoming.account, text=text)]
    written = Written(text=incoming.text, written_at=incoming.written_at.isoformat())
    line = written.read(desk.library, zone, language)
    if line.problems:
        text = showing.not_understood(desk, language, line.problems, example)
        return [Outgoing(account=incoming.account, text=text)]
    draft = drafts.new(
        tx,
        clinic_id=clinic.id,
        staff_id=staff.id,
        kind=KIND,
        data=written.dumps(),
        now=now,
    )
    return [_view(desk, tx, draft, now).to(incoming.account)]


def press(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """A button under a draft: an answer, `Same person as …`, `Save session`, `Do not save`."""
    presses: dict[str, forms.Press] = {
        "pick": _pick,
        "from": _from,
        "same": _same,
        "save": _save,
        "drop": forms.drop,
    }
    return forms.press(desk, tx, staff, incoming, now, {KIND: presses})


def _pick(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, which: str, now: datetime
) -> Sequence[Reaction]:
    """One of the readings of what was unclear."""
    picked = forms.picked(_line(desk, tx, draft).choices, which)
    if picked is None:
        return []
    choice, value = picked
    written = Written.loads(draft.data)
    written = replace(written, answers={**written.answers, choice.field: value})
    answer = showing.option(desk, people.clinic(tx, draft.clinic_id).language, value)
    return _go_on(desk, tx, staff, draft, written=written, answer=answer, now=now)


def _from(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, which: str, now: datetime
) -> Sequence[Reaction]:
    """From when the recommendation holds: one of the hours that were offered."""
    written, understood = Written.loads(draft.data), _line(desk, tx, draft).understood
    if understood is None or written.from_hours is not None:
        return []
    until, n = _forbidden_until(desk, understood), numbers(which)[0]
    offered = _offered(until)
    if n >= len(offered):
        return []
    hours = offered[n]
    language = people.clinic(tx, draft.clinic_id).language
    answer = showing.from_when(desk, language, hours, is_rule=hours == until)
    written = replace(written, from_hours=hours)
    return _go_on(desk, tx, staff, draft, written=written, answer=answer, now=now)


def _same(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, which: str, now: datetime
) -> Sequence[Reaction]:
    """The session is of somebody the clinic knows (0: of somebody else after all)."""
    written = replace(Written.loads(draft.data), patient_id=numbers(which)[0] or None)
    key = "it_is_same" if written.patient_id else "someone_else"
    answer = desk.say(people.clinic(tx, draft.clinic_id).language, f"staff.button.{key}")
    return _go_on(desk, tx, staff, draft, written=written, answer=answer, now=now)


def _save(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, _which: str, now: datetime
) -> Sequence[Reaction]:
    view = _view(desk, tx, draft, now)
    if view.understood is None:
        return [view.to(staff.account)]
    written = Written.loads(draft.data)
    draft.closed_at = now
    recorded = sessions.record_session(
        tx,
        desk.library,
        staff=staff,
        understood=view.understood,
        recommended_from_hours=written.from_hours or 0,
        patient=_chosen(tx, staff.clinic_id, written),
        now=now,
    )
    clinic = people.clinic(tx, staff.clinic_id)
    shown = showing.recorded(desk, clinic, view.understood, written.from_hours, now)
    return [Edit(text=shown), *showing.saved(desk, clinic, staff, recorded)]


def undo(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """`Undo` under a saved session: taken back, as long as its patient has not agreed."""
    language = people.clinic(tx, staff.clinic_id).language
    treatment = treatments.of_clinic(tx, staff.clinic_id, numbers(incoming.text)[0])
    if treatment is None or treatment.cancelled_at is not None:
        return [Toast(text=desk.say(language, "staff.undo.gone"))]
    name = people.patient(tx, treatment.patient_id).name
    if not sessions.can_undo(tx, treatment):
        text = desk.say(language, "staff.undo.too_late", name=name)
        return [Outgoing(account=incoming.account, text=text, protect=True)]
    sessions.cancel_session(tx, desk.library, treatment, staff, now)
    text = desk.say(language, "staff.undo.done", name=name)
    return [Edit(text=text), Outgoing(account=incoming.account, text=text, protect=True)]


def _go_on(
    desk: Desk,
    tx: Transaction,
    staff: Staff,
    draft: Draft,
    *,
    written: Written,
    answer: str,
    now: datetime,
) -> Sequence[Reaction]:
    """The answer is kept, and the next question or the whole session shown."""
    language = people.clinic(tx, draft.clinic_id).language
    asked = _view(desk, tx, draft, now).text
    draft.data = written.dumps()
    return [
        forms.answered(desk, language, asked, answer),
        _view(desk, tx, draft, now).to(staff.account),
    ]


def _line(desk: Desk, tx: Transaction, draft: Draft) -> Line:
    clinic = people.clinic(tx, draft.clinic_id)
    zone = ZoneInfo(clinic.timezone)
    return Written.loads(draft.data).read(desk.library, zone, clinic.language)


def _view(desk: Desk, tx: Transaction, draft: Draft, now: datetime) -> View:
    """The next question, or what was understood with the button that saves it."""
    clinic = people.clinic(tx, draft.clinic_id)
    language = clinic.language
    written, line = Written.loads(draft.data), _line(desk, tx, draft)
    if line.problems:
        example = desk.say(language, "staff.newsession.example")
        return View(showing.not_understood(desk, language, line.problems, example))
    if line.understood is None:
        choice = line.choices[0]
        buttons = forms.options(desk, language, f"draft:{draft.id}", choice)
        return View(showing.question(desk, clinic, choice), buttons)
    understood = line.understood
    until = _forbidden_until(desk, understood)
    if until and written.from_hours is None:
        text = desk.say(language, "staff.ask.from_when", use=understood.use)
        return View(text, _hours(desk, language, draft, until))
    chosen = _chosen(tx, clinic.id, written)
    namesakes = sessions.standing(tx, clinic.id, understood.name)
    text = showing.preview(
        desk,
        clinic,
        understood,
        chosen=chosen,
        has_namesakes=bool(namesakes),
        from_hours=written.from_hours,
        now=now,
    )
    known = [] if chosen else namesakes[:SAME_SHOWN]
    return View(text, _buttons(desk, language, draft, known, is_chosen=bool(chosen)), understood)


def _chosen(tx: Transaction, clinic_id: int, written: Written) -> Patient | None:
    """The patient picked with `same`, looked up afresh and only within the clinic."""
    if written.patient_id is None:
        return None
    found = tx.get(Patient, written.patient_id)
    return found if found and found.clinic_id == clinic_id else None


def _forbidden_until(desk: Desk, understood: Understood) -> float:
    if not understood.use:
        return 0
    return recommendations.forbidden_until(desk.library, understood.use, understood.session)


def _offered(until: float) -> list[float]:
    """The hours to choose from, the rule's own first."""
    return [until, *(hours for hours in LATER_HOURS if hours != until)] if until else []


def _hours(desk: Desk, language: str, draft: Draft, until: float) -> Rows:
    return tuple(
        (
            Button(
                label=showing.from_when(desk, language, hours, is_rule=hours == until),
                action=f"draft:{draft.id}:from:{n}",
            ),
        )
        for n, hours in enumerate(_offered(until))
    )


def _buttons(
    desk: Desk,
    language: str,
    draft: Draft,
    known: Sequence[tuple[Treatment, Patient]],
    *,
    is_chosen: bool,
) -> Rows:
    """Save, who it is of those of this name, and leave it."""

    def button(label: str, action: str, style: str | None = None) -> tuple[Button, ...]:
        return (Button(label=label, action=f"draft:{draft.id}:{action}", style=style),)

    same = [
        button(showing.same_person(desk, language, treatment), f"same:{patient.id}")
        for treatment, patient in known
    ]
    other = [button(desk.say(language, "staff.button.someone_else"), "same:0")] if is_chosen else []
    return (
        button(desk.say(language, "staff.button.save"), "save", "success"),
        *same,
        *other,
        button(desk.say(language, "staff.button.drop"), "drop"),
    )
