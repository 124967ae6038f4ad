"""`/sessions`, `/reschedule` and `/cancel`: what stands, and changing it with one button."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from bot.care import sessions
from bot.care.session_line import Problem, Visit, read_visit
from bot.care.sessions import Recorded
from bot.care.values import Button, Desk, Edit, Incoming, Outgoing, Reaction, Toast, numbers
from bot.chat.staff import forms, showing
from storage import drafts, people, treatments
from storage.database import Transaction
from storage.models import Clinic, Draft, Patient, Staff, Treatment

PAGE = 5
SHOWN_FOR = timedelta(days=30)
CHOICES = 8


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a draft holds."""

    name: str
    when: str
    """The visit as it was written, or the reading that was picked."""
    written_at: str
    treatment_id: int | None = None
    """The session, once it is clear which."""

    def dumps(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def loads(cls, data: str) -> Change:
        return cls(**json.loads(data))


def list_sessions(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """`/sessions`, or the button for its next page."""
    language = people.clinic(tx, staff.clinic_id).language
    offset = numbers(incoming.text)[0] if incoming.text.startswith("sessions:") else 0
    found = treatments.recent(
        tx, staff.clinic_id, since=now - SHOWN_FOR, offset=offset, limit=PAGE + 1
    )
    if not found:
        key = "staff.sessions.no_more" if offset else "staff.sessions.none"
        return [Outgoing(account=incoming.account, text=desk.say(language, key))]
    lines, rows = [], []
    for n, (treatment, patient) in enumerate(found[:PAGE], start=offset + 1):
        line = showing.session_line(desk, tx, treatment, patient, now)
        lines.append(desk.say(language, "staff.sessions.numbered", n=n, line=line))
        if patient.agreed_at is None:
            label = desk.say(language, "staff.button.new_link", n=n)
            rows.append((Button(label=label, action=f"link:{treatment.id}"),))
    if len(found) > PAGE:
        label = desk.say(language, "staff.button.more")
        rows.append((Button(label=label, action=f"sessions:{offset + PAGE}"),))
    text = Markup("\n\n").join([desk.say(language, "staff.sessions.head"), *lines])
    return [Outgoing(account=incoming.account, text=text, buttons=tuple(rows), protect=True)]


def new_link(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """A new link and typed code for a session whose patient has not agreed; the old ones end."""
    clinic = people.clinic(tx, staff.clinic_id)
    treatment = treatments.of_clinic(tx, clinic.id, numbers(incoming.text)[0])
    if treatment is None or treatment.cancelled_at is not None:
        return [Toast(text=desk.say(clinic.language, "staff.undo.gone"))]
    patient = people.patient(tx, treatment.patient_id)
    if patient.agreed_at:
        return [Toast(text=desk.say(clinic.language, "staff.saved.agreed_meanwhile"))]
    codes = sessions.invite_patient(tx, treatment, staff, now)
    recorded = Recorded(treatment=treatment, patient=patient, codes=codes)
    return showing.invitation(desk, clinic, staff, recorded, head="staff.saved.new_link")


def reschedule(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """`/reschedule NAME, WHEN`: set, move or remove (`none`) the follow-up."""
    return _change(desk, tx, staff, incoming, now, kind="reschedule")


def cancel(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """`/cancel NAME`: the session of somebody does not stand."""
    return _change(desk, tx, staff, incoming, now, kind="cancel")


def press(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """A button under a change: `who:<treatment>`, `pick:next:<n>`, `do`, `drop`."""
    common: dict[str, forms.Press] = {"who": _who, "drop": forms.drop}
    presses = {
        "reschedule": {**common, "pick": _pick, "do": _move},
        "cancel": {**common, "do": _cancel},
    }
    return forms.press(desk, tx, staff, incoming, now, presses)


def _change(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime, *, kind: str
) -> Sequence[Reaction]:
    clinic = people.clinic(tx, staff.clinic_id)
    name, _, when = (part.strip() for part in incoming.text.partition(","))
    if not name or (kind == "reschedule") != bool(when):
        example = desk.say(clinic.language, f"staff.{kind}.example")
        text = desk.say(clinic.language, f"staff.{kind}.how", example=example)
        return [Outgoing(account=incoming.account, text=text)]
    found = sessions.standing(tx, clinic.id, name)
    if not found:
        return [_nobody(desk, clinic, staff, kind, name)]
    change = Change(
        name=name,
        when=when,
        written_at=incoming.written_at.isoformat(),
        treatment_id=found[0][0].id if len(found) == 1 else None,
    )
    draft = drafts.new(
        tx, clinic_id=clinic.id, staff_id=staff.id, kind=kind, data=change.dumps(), now=now
    )
    return [_show(desk, tx, staff, draft, now)]


def _nobody(desk: Desk, clinic: Clinic, staff: Staff, kind: str, name: str) -> Outgoing:
    text = desk.say(
        clinic.language,
        "staff.change.nobody",
        name=showing.shortened(name),
        example=desk.say(clinic.language, f"staff.{kind}.example"),
    )
    return Outgoing(account=staff.account, text=text)


def _show(desk: Desk, tx: Transaction, staff: Staff, draft: Draft, now: datetime) -> Outgoing:
    """The next question about a change, or what will be done with the button that does it."""
    clinic, change = people.clinic(tx, staff.clinic_id), Change.loads(draft.data)
    target = _target(tx, clinic, change)
    if target is None:
        return _ask_who(desk, tx, clinic, staff, draft)
    line = showing.session_line(desk, tx, *target, now)
    if draft.kind == "cancel":
        text = desk.say(clinic.language, "staff.cancel.preview", line=line)
        return _to_be_done(desk, clinic, staff, draft, text)
    visit = _visit(clinic, target[0], change)
    if visit.problems:
        return _cannot(desk, clinic, staff, draft, visit.problems, now)
    if visit.choices:
        choice = visit.choices[0]
        return Outgoing(
            account=staff.account,
            text=showing.question(desk, clinic, choice),
            buttons=forms.options(desk, clinic.language, f"change:{draft.id}", choice),
        )
    key, moment = _moved(clinic, visit, "preview")
    text = desk.say(clinic.language, key, line=line, next=moment)
    return _to_be_done(desk, clinic, staff, draft, text)


def _who(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, which: str, now: datetime
) -> Sequence[Reaction]:
    """Which of several patients of one name."""
    clinic, change = people.clinic(tx, staff.clinic_id), Change.loads(draft.data)
    meant = replace(change, treatment_id=numbers(which)[0])
    target = _target(tx, clinic, meant)
    if change.treatment_id is not None or target is None:
        return []
    asked = _show(desk, tx, staff, draft, now).text
    draft.data = meant.dumps()
    answer = showing.that_session(desk, clinic.language, target[0])
    return [
        forms.answered(desk, clinic.language, asked, answer),
        _show(desk, tx, staff, draft, now),
    ]


def _pick(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, which: str, now: datetime
) -> Sequence[Reaction]:
    """One of the readings of the visit's date."""
    clinic, change = people.clinic(tx, staff.clinic_id), Change.loads(draft.data)
    target = _target(tx, clinic, change)
    picked = forms.picked(_visit(clinic, target[0], change).choices, which) if target else None
    if picked is None:
        return []
    choice, value = picked
    draft.data = replace(change, when=value).dumps()
    asked, answer = (
        showing.question(desk, clinic, choice),
        showing.option(desk, clinic.language, value),
    )
    return [
        forms.answered(desk, clinic.language, asked, answer),
        _show(desk, tx, staff, draft, now),
    ]


def _move(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, _which: str, now: datetime
) -> Sequence[Reaction]:
    clinic, change = people.clinic(tx, staff.clinic_id), Change.loads(draft.data)
    target = _target(tx, clinic, change)
    if target is None:
        return forms.closed(desk, tx, staff)
    treatment, patient = target
    visit = _visit(clinic, treatment, change)
    if visit.problems or visit.choices:
        return [_show(desk, tx, staff, draft, now)]
    if visit.next and visit.next <= now:  # it was ahead when it was written
        problem = Problem(key="next_in_past", phrase=change.when)
        return [_cannot(desk, clinic, staff, draft, [problem], now)]
    draft.closed_at = now
    sessions.move_visit(tx, desk.library, treatment, staff, visit.next, now)
    key, moment = _moved(clinic, visit, "done")
    text = desk.say(clinic.language, key, name=patient.name, next=moment)
    return _done(staff, text)


def _cancel(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, _which: str, now: datetime
) -> Sequence[Reaction]:
    clinic = people.clinic(tx, staff.clinic_id)
    target = _target(tx, clinic, Change.loads(draft.data))
    if target is None:
        return forms.closed(desk, tx, staff)
    treatment, patient = target
    draft.closed_at = now
    sessions.cancel_session(tx, desk.library, treatment, staff, now)
    return _done(staff, desk.say(clinic.language, "staff.cancel.done", name=patient.name))


def _done(staff: Staff, text: str) -> Sequence[Reaction]:
    return [Edit(text=text), Outgoing(account=staff.account, text=text, protect=True)]


def _to_be_done(desk: Desk, clinic: Clinic, staff: Staff, draft: Draft, text: str) -> Outgoing:
    do = Button(
        label=desk.say(clinic.language, f"staff.button.{draft.kind}"),
        action=f"change:{draft.id}:do",
        style="success" if draft.kind == "reschedule" else "danger",
    )
    keep = desk.say(clinic.language, "staff.button.keep")
    drop = Button(label=keep, action=f"change:{draft.id}:drop")
    return Outgoing(account=staff.account, text=text, buttons=((do,), (drop,)), protect=True)


def _cannot(
    desk: Desk,
    clinic: Clinic,
    staff: Staff,
    draft: Draft,
    problems: Sequence[Problem],
    now: datetime,
) -> Outgoing:
    """The visit was not understood, or cannot be then: the whole line is written again."""
    draft.closed_at = now
    example = desk.say(clinic.language, "staff.reschedule.example")
    text = showing.not_understood(desk, clinic.language, problems, example)
    return Outgoing(account=staff.account, text=text)


def _ask_who(desk: Desk, tx: Transaction, clinic: Clinic, staff: Staff, draft: Draft) -> Outgoing:
    """Several patients of one name: which one, told apart by their sessions."""
    name = Change.loads(draft.data).name
    buttons = tuple(
        (
            Button(
                label=showing.that_session(desk, clinic.language, treatment),
                action=f"change:{draft.id}:who:{treatment.id}",
            ),
        )
        for treatment, _ in sessions.standing(tx, clinic.id, name)[:CHOICES]
    )
    if not buttons:
        return _nobody(desk, clinic, staff, draft.kind, name)
    text = desk.say(clinic.language, "staff.change.which", name=name)
    return Outgoing(account=staff.account, text=text, buttons=buttons, protect=True)


def _target(tx: Transaction, clinic: Clinic, change: Change) -> tuple[Treatment, Patient] | None:
    """The session to be changed, looked up afresh and only within the clinic."""
    if change.treatment_id is None:
        return None
    treatment = treatments.of_clinic(tx, clinic.id, change.treatment_id)
    if treatment is None or treatment.cancelled_at is not None:
        return None
    return treatment, people.patient(tx, treatment.patient_id)


def _visit(clinic: Clinic, treatment: Treatment, change: Change) -> Visit:
    return read_visit(
        change.when,
        written_at=datetime.fromisoformat(change.written_at),
        zone=ZoneInfo(clinic.timezone),
        language=clinic.language,
        after=treatment.ended_at,
    )


def _moved(clinic: Clinic, visit: Visit, what: str) -> tuple[str, str]:
    """The key of the words for a visit that is set or removed, and its moment in words."""
    if visit.next is None:
        return f"staff.reschedule.{what}_removed", ""
    return f"staff.reschedule.{what}", showing.visit(clinic, visit.next)
