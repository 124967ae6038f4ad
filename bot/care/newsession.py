"""The conversation from a written line to a saved session: asked, shown back, saved, taken back.

What is not saved yet is a draft row: the line as it was written and the buttons pressed since. The
line is read again each time, so the draft holds nothing that could disagree with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.care import sessions, showing
from bot.care.session_line import Choice, Line, Understood, read_line
from bot.care.values import Button, Desk, Edit, Incoming, Outgoing, Reaction, Rows, Toast, numbers
from content import facts, recommendations
from storage import drafts, people, treatments
from storage.database import Transaction
from storage.models import Draft, Patient, Staff

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

    def read(self, zone: ZoneInfo, language: str) -> Line:
        return read_line(
            self.text,
            written_at=datetime.fromisoformat(self.written_at),
            zone=zone,
            language=language,
            answers=self.answers,
        )


@dataclass(frozen=True)
class View:
    """A draft as it stands now: a question, or the whole session to be saved."""

    text: str
    buttons: Rows
    understood: Understood | None
    """Set when nothing is left to ask."""


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
    line = written.read(zone, language)
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
    view = _view(desk, tx, draft, now)
    return [Outgoing(account=incoming.account, text=view.text, buttons=view.buttons)]


def press(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """A button under a draft: `draft:<id>:<what>[:<which>]`."""
    language = people.clinic(tx, staff.clinic_id).language
    draft = drafts.open_draft(tx, numbers(incoming.text)[0], staff_id=staff.id, now=now)
    if draft is None or draft.kind != KIND:
        return [Toast(text=desk.say(language, "staff.draft.closed"))]
    what, _, which = incoming.text.split(":", 2)[-1].partition(":")
    presses: dict[str, Press] = {
        "pick": _pick,
        "from": _from,
        "same": _same,
        "save": _save,
        "drop": _drop,
    }
    if what not in presses:
        return []
    return presses[what](desk, tx, staff, draft, which, now)


Press = Callable[[Desk, Transaction, Staff, Draft, str, datetime], Sequence[Reaction]]


def _pick(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, which: str, now: datetime
) -> Sequence[Reaction]:
    """One of the readings of what was unclear."""
    choice = next(iter(_line(tx, draft).choices), None)
    if choice is None or not which.isdecimal() or int(which) >= len(choice.options):
        return []  # a button of a question that is answered already
    written = Written.loads(draft.data)
    picked = replace(written, answers={**written.answers, choice.field: choice.options[int(which)]})
    return _go_on(desk, tx, staff, draft, picked, now)


def _from(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, which: str, now: datetime
) -> Sequence[Reaction]:
    """From when the recommendation holds, in whole hours."""
    if not which.isdecimal():
        return []
    written = replace(Written.loads(draft.data), from_hours=float(which))
    return _go_on(desk, tx, staff, draft, written, now)


def _same(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, which: str, now: datetime
) -> Sequence[Reaction]:
    """The session is of somebody the clinic knows (0: of somebody else after all)."""
    if not which.isdecimal():
        return []
    written = replace(Written.loads(draft.data), patient_id=int(which) or None)
    return _go_on(desk, tx, staff, draft, written, now)


def _save(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, _which: str, now: datetime
) -> Sequence[Reaction]:
    view = _view(desk, tx, draft, now)
    if view.understood is None:
        return [Outgoing(account=staff.account, text=view.text, buttons=view.buttons)]
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
    return [Edit(text=view.text), *showing.saved(desk, tx, staff, recorded)]


def _drop(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, _which: str, now: datetime
) -> Sequence[Reaction]:
    draft.closed_at = now
    language = people.clinic(tx, staff.clinic_id).language
    return [Edit(text=desk.say(language, "staff.draft.dropped"))]


def undo(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """`Undo` under a saved session: taken back, as long as its patient has not agreed."""
    language = people.clinic(tx, staff.clinic_id).language
    treatment = treatments.of_clinic(tx, staff.clinic_id, numbers(incoming.text)[0])
    if treatment is None or treatment.cancelled_at is not None:
        return [Toast(text=desk.say(language, "staff.undo.gone"))]
    if not sessions.can_undo(tx, treatment):
        text = desk.say(language, "staff.undo.too_late")
        return [Outgoing(account=incoming.account, text=text)]
    sessions.cancel_session(tx, desk.library, treatment, staff, now)
    return [Outgoing(account=incoming.account, text=desk.say(language, "staff.undo.done"))]


def _go_on(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, written: Written, now: datetime
) -> Sequence[Reaction]:
    asked = _view(desk, tx, draft, now)
    draft.data = written.dumps()
    view = _view(desk, tx, draft, now)
    return [
        Edit(text=asked.text),
        Outgoing(account=staff.account, text=view.text, buttons=view.buttons),
    ]


def _line(tx: Transaction, draft: Draft) -> Line:
    clinic = people.clinic(tx, draft.clinic_id)
    return Written.loads(draft.data).read(ZoneInfo(clinic.timezone), clinic.language)


def _view(desk: Desk, tx: Transaction, draft: Draft, now: datetime) -> View:
    """The next question, or what was understood with the button that saves it."""
    clinic = people.clinic(tx, draft.clinic_id)
    written, line = Written.loads(draft.data), _line(tx, draft)
    if line.problems:
        example = desk.say(clinic.language, "staff.newsession.example")
        text = showing.not_understood(desk, clinic.language, line.problems, example)
        return View(text, (), None)
    if line.understood is None:
        choice = line.choices[0]
        text = showing.question(desk, clinic, choice)
        return View(text, _options(desk, clinic.language, draft, choice), None)
    understood = line.understood
    until = _forbidden_until(desk, understood)
    if until and written.from_hours is None:
        text = desk.say(clinic.language, "staff.ask.from_when", use=understood.use)
        return View(text, _hours(desk, clinic.language, draft, until), None)
    chosen = _chosen(tx, clinic.id, written)
    text = showing.preview(
        desk,
        tx,
        clinic,
        understood,
        chosen=chosen,
        from_hours=written.from_hours,
        now=now,
    )
    return View(text, _buttons(desk, tx, draft, understood, chosen), understood)


def _chosen(tx: Transaction, clinic_id: int, written: Written) -> Patient | None:
    """The patient picked with `same`, looked up afresh and only within the clinic."""
    if written.patient_id is None:
        return None
    found = tx.get(Patient, written.patient_id)
    return found if found and found.clinic_id == clinic_id else None


def _forbidden_until(desk: Desk, understood: Understood) -> float:
    if not understood.use:
        return 0
    session = facts.Session(
        ended_at=understood.ended,
        area=understood.area,
        device=understood.device,
        depth_mm=understood.depth_mm,
    )
    return recommendations.forbidden_until(desk.library, understood.use, session)


def _options(desk: Desk, language: str, draft: Draft, choice: Choice) -> Rows:
    return tuple(
        (
            Button(
                label=showing.option(desk, language, option),
                action=f"draft:{draft.id}:pick:{n}",
            ),
        )
        for n, option in enumerate(choice.options)
    )


def _hours(desk: Desk, language: str, draft: Draft, until: float) -> Rows:
    offered = [until, *(hours for hours in LATER_HOURS if hours != until)]
    return tuple(
        (
            Button(
                label=showing.from_when(desk, language, hours, is_rule=hours == until),
                action=f"draft:{draft.id}:from:{hours:.0f}",
            ),
        )
        for hours in offered
    )


def _buttons(
    desk: Desk, tx: Transaction, draft: Draft, understood: Understood, chosen: Patient | None
) -> Rows:
    language = people.clinic(tx, draft.clinic_id).language
    save = Button(
        label=desk.say(language, "staff.button.save"),
        action=f"draft:{draft.id}:save",
        style="success",
    )
    drop = Button(label=desk.say(language, "staff.button.drop"), action=f"draft:{draft.id}:drop")
    if chosen:
        other = desk.say(language, "staff.button.someone_else")
        same = [(Button(label=other, action=f"draft:{draft.id}:same:0"),)]
    else:
        same = [
            (
                Button(
                    label=showing.same_person(desk, language, treatment),
                    action=f"draft:{draft.id}:same:{patient.id}",
                ),
            )
            for treatment, patient in sessions.standing(tx, draft.clinic_id, understood.name)[
                :SAME_SHOWN
            ]
        ]
    return ((save,), *same, (drop,))
