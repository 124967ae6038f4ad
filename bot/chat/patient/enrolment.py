"""How somebody becomes a patient here: a code opened, what is asked, `I agree` or `No, thanks`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from bot.care.people import Known, current_session, numbers_of, situation_of, who_is
from bot.care.sessions import settle
from bot.care.values import Button, Desk, Edit, Incoming, Outgoing, Reaction, Rows, numbers
from content import messages, wording
from storage import alerts, audit, invitations, people, reminders, treatments
from storage.database import Transaction
from storage.models import Clinic, Invitation, Patient, Treatment


def open_invitation(
    desk: Desk,
    tx: Transaction,
    incoming: Incoming,
    invitation: Invitation,
    now: datetime,
    *,
    staff_too: bool = False,
) -> Sequence[Reaction]:
    """Somebody opened a patient's code: show what is asked, or what they have already.

    `staff_too`: a member of staff said `I am this patient`; else staff see a preview only.
    """
    known = who_is(tx, incoming.account)
    treatment = _open_to(tx, invitation, incoming.account, now)
    if treatment is None:
        return bad_code(desk, known, incoming)
    if known.staff and not staff_too and invitation.used_by is None:
        return _preview(desk, tx, incoming, invitation, treatment)
    if invitations.opening(tx, invitation.id, incoming.account) is None:
        _meet(desk, tx, incoming, treatment)
    invitations.opened(tx, invitation.id, incoming.account, now)
    patient = people.patient_of_clinic(tx, invitation.clinic_id, incoming.account)
    if patient and patient.agreed_at:
        head = "enrolment.welcome.already" if invitation.used_at else "enrolment.welcome.added"
        _join(tx, desk, invitation, treatment, patient, now)
        return welcome(desk, tx, patient, now, head)
    language = people.patient(tx, treatment.patient_id).language
    return [
        Outgoing(
            account=incoming.account,
            text=_consent(desk, tx, treatment, language),
            buttons=_asked(desk, invitation, language),
        )
    ]


def language_of(desk: Desk, incoming: Incoming, clinic: Clinic) -> str:
    """The language of somebody's Telegram if there are texts in it, else the clinic's."""
    on_phone = incoming.language.partition("-")[0].lower()
    return on_phone if on_phone in desk.library.texts.languages else clinic.language


def agree(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """`I agree`: from now on there is a plan, and this answer covers what is due already."""
    invitation = _answered(tx, incoming)
    known = who_is(tx, incoming.account)
    treatment = _open_to(tx, invitation, incoming.account, now) if invitation else None
    if invitation is None or treatment is None:
        return bad_code(desk, known, incoming)
    patient = people.patient_of_clinic(tx, invitation.clinic_id, incoming.account)
    patient = patient or people.patient(tx, treatment.patient_id)
    asked = Edit(text=_consent(desk, tx, treatment, patient.language))
    head = "enrolment.welcome.already" if invitation.used_at else "enrolment.welcome.agreed"
    patient.account = incoming.account
    patient.agreed_at = patient.agreed_at or now
    tx.flush()
    _join(tx, desk, invitation, treatment, patient, now)
    return [asked, *welcome(desk, tx, patient, now, head)]


def decline(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """`No, thanks`: nothing comes; the code stays open for this account."""
    invitation = _answered(tx, incoming)
    known = who_is(tx, incoming.account)
    if invitation is None or invitation.used_by not in (None, incoming.account):
        return bad_code(desk, known, incoming)
    if invitation.used_by is not None:
        # Agreed under another copy of the question: they want out, so say how.
        text = desk.say(known.language, "enrolment.agreed_before", clinic=known.clinic.name)
        return [Outgoing(account=incoming.account, text=text)]
    invitations.opened(tx, invitation.id, incoming.account, now).declined_at = now
    clinic = people.clinic(tx, invitation.clinic_id)
    treatment = tx.get_one(Treatment, invitation.treatment_id)
    language = people.patient(tx, treatment.patient_id).language
    return [
        Edit(text=_consent(desk, tx, treatment, language)),
        Outgoing(
            account=incoming.account,
            text=desk.say(
                language,
                "enrolment.declined",
                **numbers_of(clinic),
            ),
        ),
    ]


def i_am_this_patient(
    desk: Desk, tx: Transaction, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """A member of staff is the patient as well."""
    invitation = invitations.get(tx, numbers(incoming.text)[0])
    known = who_is(tx, incoming.account)
    ours = known.staff is not None and invitation and invitation.clinic_id == known.staff.clinic_id
    if invitation is None or not ours or invitation.role != "patient":
        return bad_code(desk, known, incoming)
    return open_invitation(desk, tx, incoming, invitation, now, staff_too=True)


def bad_code(desk: Desk, known: Known, incoming: Incoming) -> Sequence[Reaction]:
    """The same kind answer whatever is wrong with a code, and what to do."""
    clinic = known.clinic
    return [
        Outgoing(
            account=incoming.account,
            text=desk.say(
                known.language,
                "enrolment.bad_code",
                **numbers_of(clinic),
            ),
        )
    ]


def welcome(
    desk: Desk, tx: Transaction, patient: Patient, now: datetime, head: str
) -> Sequence[Reaction]:
    """What to do at this hour, whom to call, and when the next message comes."""
    clinic = people.clinic(tx, patient.clinic_id)
    session = current_session(treatments.of_patient(tx, patient.id))
    situation = situation_of(clinic, patient, session, now)
    library = desk.library
    parts = [
        desk.say(patient.language, head, clinic=clinic.name),
        messages.now_text(library, situation),
        messages.recommendation(library, situation),
        messages.emergency_lines(library, situation),
        _next_message(desk, tx, patient, now),
    ]
    text = Markup("\n\n").join(part for part in parts if part)
    return [Outgoing(account=patient.account or 0, text=text)]


def _next_message(desk: Desk, tx: Transaction, patient: Patient, now: datetime) -> str:
    # One that is due already and waits (for the night's end, or to be tried again) names no hour.
    ahead = [row for row in reminders.ahead(tx, patient.id) if row.due_at > now]
    if not ahead:
        return desk.say(patient.language, "enrolment.next.none")
    due = wording.moment(ahead[0].due_at, ZoneInfo(patient.timezone), patient.language)
    return desk.say(patient.language, "enrolment.next.due", moment=due)


def _open_to(
    tx: Transaction, invitation: Invitation, account: int, now: datetime
) -> Treatment | None:
    """The session behind the invitation, if this account may still have it."""
    treatment = tx.get_one(Treatment, invitation.treatment_id)
    if treatment.cancelled_at is not None or invitation.revoked_at is not None:
        return None
    if invitation.used_at is not None:
        return treatment if invitation.used_by == account else None
    holder = people.patient(tx, treatment.patient_id).account
    if invitation.link_expires_at <= now or holder not in (None, account):
        return None
    return treatment


def _meet(desk: Desk, tx: Transaction, incoming: Incoming, treatment: Treatment) -> None:
    """A new patient is spoken to in the language of their Telegram, until they choose another."""
    patient = people.patient(tx, treatment.patient_id)
    if patient.agreed_at is None:
        clinic = people.clinic(tx, patient.clinic_id)
        patient.language = language_of(desk, incoming, clinic)


def _answered(tx: Transaction, incoming: Incoming) -> Invitation | None:
    """The invitation a consent button belongs to: only of an account that was shown it."""
    number = numbers(incoming.text)[0]
    shown = invitations.opening(tx, number, incoming.account)
    return invitations.get(tx, number) if shown else None


def _join(
    tx: Transaction,
    desk: Desk,
    invitation: Invitation,
    treatment: Treatment,
    patient: Patient,
    now: datetime,
) -> None:
    """The session is this patient's: the code is used, the plan made, everything switched on."""
    recorded_for = treatment.patient_id
    treatment.patient_id = patient.id
    if invitation.used_at is None:
        invitation.used_at, invitation.used_by = now, patient.account
        audit.note(
            tx,
            clinic_id=patient.clinic_id,
            at=now,
            actor=f"patient:{patient.id}",
            action="agreed",
            patient_id=patient.id,
            treatment_id=treatment.id,
        )
    patient.stopped, patient.stopped_at = "nothing", None
    tx.flush()
    if recorded_for != patient.id:
        alerts.move(tx, patient.account or 0, recorded_for, patient.id)
        people.drop_if_empty(tx, recorded_for)
    settle(tx, desk.library, patient, now, covered=True)


def _preview(
    desk: Desk, tx: Transaction, incoming: Incoming, invitation: Invitation, treatment: Treatment
) -> Sequence[Reaction]:
    clinic = people.clinic(tx, treatment.clinic_id)
    asked = _consent(desk, tx, treatment, clinic.language)
    mine = Button(
        label=desk.say(clinic.language, "enrolment.button.mine"), action=f"mine:{invitation.id}"
    )
    return [
        Outgoing(
            account=incoming.account,
            text=desk.say(clinic.language, "enrolment.preview", asked=asked),
            buttons=((mine,),),
        )
    ]


def _consent(desk: Desk, tx: Transaction, treatment: Treatment, language: str) -> Markup:
    clinic = people.clinic(tx, treatment.clinic_id)
    return desk.say(
        language,
        "enrolment.consent",
        **numbers_of(clinic),
        day=wording.day(treatment.ended_at, ZoneInfo(clinic.timezone), language),
    )


def _asked(desk: Desk, invitation: Invitation, language: str) -> Rows:
    return (
        (
            Button(
                label=desk.say(language, "enrolment.button.agree"),
                action=f"agree:{invitation.id}",
                style="success",
            ),
        ),
        (
            Button(
                label=desk.say(language, "enrolment.button.decline"),
                action=f"decline:{invitation.id}",
            ),
        ),
    )
