"""`/sessions`, `/reschedule` and `/cancel`: what stands, and changing it with one button."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from bot.care import sessions, showing
from bot.care.session_line import NO_VISIT, Visit, read_visit
from bot.care.sessions import Recorded
from bot.care.values import Button, Desk, Edit, Incoming, Outgoing, Reaction, Rows, Toast, numbers
from content import wording
from storage import drafts, people, treatments
from storage.database import Transaction
from storage.models import Clinic, Draft, Patient, Staff, Treatment

PAGE = 5
SHOWN_FOR = timedelta(days=30)
CHOICES = 8


def list_sessions(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """`/sessions`, or the button for its next page."""
    language = people.clinic(tx, staff.clinic_id).language
    offset = numbers(incoming.text)[0]
    found = treatments.recent(
        tx, staff.clinic_id, since=now - SHOWN_FOR, offset=offset, limit=PAGE + 1
    )
    if not found:
        return [Outgoing(account=incoming.account, text=desk.say(language, "staff.sessions.none"))]
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
    """A button under a change: `change:<draft>:who:<treatment>`, `:when:<n>`, `:do`, `:drop`."""
    language = people.clinic(tx, staff.clinic_id).language
    draft = drafts.open_draft(tx, numbers(incoming.text)[0], staff_id=staff.id, now=now)
    if draft is None or draft.kind not in ("reschedule", "cancel"):
        return [Toast(text=desk.say(language, "staff.draft.closed"))]
    what, _, which = incoming.text.split(":", 2)[-1].partition(":")
    presses: dict[str, Press] = {"who": _who, "when": _when, "do": _do, "drop": _drop}
    return presses[what](desk, tx, staff, draft, which, now) if what in presses else []


Press = Callable[[Desk, Transaction, Staff, Draft, str, datetime], Sequence[Reaction]]


def _change(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime, *, kind: str
) -> Sequence[Reaction]:
    clinic = people.clinic(tx, staff.clinic_id)
    name, _, when = (part.strip() for part in incoming.text.partition(","))
    example = desk.say(clinic.language, f"staff.{kind}.example")
    if not name or (kind == "reschedule") != bool(when):
        text = desk.say(clinic.language, f"staff.{kind}.how", example=example)
        return [Outgoing(account=incoming.account, text=text)]
    found = sessions.standing(tx, clinic.id, name)
    if not found:
        text = desk.say(clinic.language, "staff.change.nobody", name=name, example=example)
        return [Outgoing(account=incoming.account, text=text)]
    data = {"when": when, "written_at": incoming.written_at.isoformat(), "name": name}
    if len(found) == 1:
        data["treatment"] = str(found[0][0].id)
    draft = drafts.new(
        tx, clinic_id=clinic.id, staff_id=staff.id, kind=kind, data=json.dumps(data), now=now
    )
    return _show(desk, tx, clinic, staff, draft, now)


def _show(
    desk: Desk, tx: Transaction, clinic: Clinic, staff: Staff, draft: Draft, now: datetime
) -> Sequence[Reaction]:
    """The next question about a change, or what will be done with the button that does it."""
    data: dict[str, str] = json.loads(draft.data)
    target = _target(tx, clinic, data)
    if target is None:
        return _ask_who(desk, tx, clinic, staff, draft, data["name"])
    treatment, patient = target
    line = showing.session_line(desk, tx, treatment, patient, now)
    language = clinic.language
    do = Button(
        label=desk.say(language, f"staff.button.{draft.kind}"),
        action=f"change:{draft.id}:do",
        style="success" if draft.kind == "reschedule" else "danger",
    )
    drop = Button(label=desk.say(language, "staff.button.drop"), action=f"change:{draft.id}:drop")
    if draft.kind == "cancel":
        text = desk.say(language, "staff.cancel.preview", line=line)
        return [Outgoing(account=staff.account, text=text, buttons=((do,), (drop,)), protect=True)]
    visit = _visit(clinic, treatment, data)
    if visit.problems:
        draft.closed_at = now
        example = desk.say(language, "staff.reschedule.example")
        text = showing.not_understood(desk, language, visit.problems, example)
        return [Outgoing(account=staff.account, text=text)]
    if visit.choices:
        choice = visit.choices[0]
        options: Rows = tuple(
            (
                Button(
                    label=showing.option(desk, language, value),
                    action=f"change:{draft.id}:when:{n}",
                ),
            )
            for n, value in enumerate(choice.options)
        )
        text = showing.question(desk, clinic, choice)
        return [Outgoing(account=staff.account, text=text, buttons=options)]
    key = "staff.reschedule.preview" if visit.next else "staff.reschedule.preview_removed"
    text = desk.say(language, key, line=line, next=_spoken(clinic, visit.next))
    return [Outgoing(account=staff.account, text=text, buttons=((do,), (drop,)), protect=True)]


def _who(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, which: str, now: datetime
) -> Sequence[Reaction]:
    return _answered(desk, tx, staff, draft, {"treatment": which}, now)


def _when(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, which: str, now: datetime
) -> Sequence[Reaction]:
    clinic = people.clinic(tx, staff.clinic_id)
    data: dict[str, str] = json.loads(draft.data)
    target = _target(tx, clinic, data)
    choices = _visit(clinic, target[0], data).choices if target else ()
    if not choices or not which.isdecimal() or int(which) >= len(choices[0].options):
        return []
    return _answered(desk, tx, staff, draft, {"when": choices[0].options[int(which)]}, now)


def _answered(
    desk: Desk,
    tx: Transaction,
    staff: Staff,
    draft: Draft,
    answer: dict[str, str],
    now: datetime,
) -> Sequence[Reaction]:
    draft.data = json.dumps({**json.loads(draft.data), **answer})
    return _show(desk, tx, people.clinic(tx, staff.clinic_id), staff, draft, now)


def _do(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, _which: str, now: datetime
) -> Sequence[Reaction]:
    clinic = people.clinic(tx, staff.clinic_id)
    data: dict[str, str] = json.loads(draft.data)
    target = _target(tx, clinic, data)
    if target is None:
        return [Toast(text=desk.say(clinic.language, "staff.undo.gone"))]
    treatment, patient = target
    draft.closed_at = now
    if draft.kind == "cancel":
        sessions.cancel_session(tx, desk.library, treatment, staff, now)
        text = desk.say(clinic.language, "staff.cancel.done", name=patient.name)
    else:
        visit = _visit(clinic, treatment, data)
        sessions.move_visit(tx, desk.library, treatment, staff, visit.next, now)
        key = "staff.reschedule.done" if visit.next else "staff.reschedule.done_removed"
        text = desk.say(clinic.language, key, name=patient.name, next=_spoken(clinic, visit.next))
    return [Edit(text=text), Outgoing(account=staff.account, text=text, protect=True)]


def _drop(
    desk: Desk, tx: Transaction, staff: Staff, draft: Draft, _which: str, now: datetime
) -> Sequence[Reaction]:
    draft.closed_at = now
    return [Edit(text=desk.say(people.clinic(tx, staff.clinic_id).language, "staff.draft.dropped"))]


def _ask_who(
    desk: Desk, tx: Transaction, clinic: Clinic, staff: Staff, draft: Draft, name: str
) -> Sequence[Reaction]:
    """Several patients of one name: which one, told apart by their sessions."""
    buttons = tuple(
        (
            Button(
                label=showing.same_person(desk, clinic.language, treatment),
                action=f"change:{draft.id}:who:{treatment.id}",
            ),
        )
        for treatment, _ in sessions.standing(tx, clinic.id, name)[:CHOICES]
    )
    text = desk.say(clinic.language, "staff.change.which", name=name)
    return [Outgoing(account=staff.account, text=text, buttons=buttons, protect=True)]


def _target(
    tx: Transaction, clinic: Clinic, data: dict[str, str]
) -> tuple[Treatment, Patient] | None:
    """The session to be changed, looked up afresh and only within the clinic."""
    chosen = data.get("treatment", "")
    treatment = treatments.of_clinic(tx, clinic.id, int(chosen)) if chosen.isdecimal() else None
    if treatment is None or treatment.cancelled_at is not None:
        return None
    return treatment, people.patient(tx, treatment.patient_id)


def _visit(clinic: Clinic, treatment: Treatment, data: dict[str, str]) -> Visit:
    return read_visit(
        data["when"] or NO_VISIT,
        written_at=datetime.fromisoformat(data["written_at"]),
        zone=ZoneInfo(clinic.timezone),
        language=clinic.language,
        after=treatment.ended_at,
    )


def _spoken(clinic: Clinic, at: datetime | None) -> str:
    return wording.moment(at, ZoneInfo(clinic.timezone), clinic.language) if at else ""
