"""The team: one-time links that make somebody staff, told to the owner, who can take it back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.care.people import who_is
from bot.care.values import (
    Button,
    Desk,
    Edit,
    Incoming,
    NewMenu,
    Outgoing,
    Reaction,
    Toast,
    numbers,
)
from bot.chat.patient.enrolment import bad_code
from bot.chat.staff.showing import shortened
from storage import audit, invitations, people
from storage.database import Transaction
from storage.models import Invitation, Staff

OWNER = "owner"
ROLES = {
    "clinician": "clinician",
    "front desk": "front_desk",
    "frontdesk": "front_desk",
    "reception": "front_desk",
    "receptionist": "front_desk",
    "owner": OWNER,
}


def invite(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """`/invite clinician`: a link for one person, good for seven days. Owners only."""
    clinic = people.clinic(tx, staff.clinic_id)
    say = clinic.language
    if staff.role != OWNER:
        return [Outgoing(account=incoming.account, text=desk.say(say, "staff.invite.owners_only"))]
    wanted = " ".join(incoming.text.lower().replace("_", " ").replace("-", " ").split())
    role = ROLES.get(wanted)
    if role is None:
        key = "staff.invite.how" if not wanted else "staff.invite.not_a_role"
        return [
            Outgoing(
                account=incoming.account, text=desk.say(say, key, role=shortened(incoming.text))
            )
        ]
    _, codes = invitations.invite(tx, clinic_id=clinic.id, role=role, now=now, created_by=staff.id)
    text = desk.say(
        say,
        "staff.invite.link",
        role=desk.say(say, f"staff.role.{role}"),
        link=desk.link(codes.link),
        clinic=clinic.name,
    )
    return [Outgoing(account=incoming.account, text=text)]


def join(
    desk: Desk, tx: Transaction, incoming: Incoming, invitation: Invitation, now: datetime
) -> Sequence[Reaction]:
    """Somebody opened a team link: on the team at once, and the owners are told."""
    known = who_is(tx, incoming.account)
    clinic = people.clinic(tx, invitation.clinic_id)
    say = clinic.language
    if invitation.used_at and not (known.staff and invitation.used_by == incoming.account):
        return bad_code(desk, known, incoming)
    if known.staff and not _changes(known.staff, invitation):
        return [_already(desk, incoming, say, known.staff.role)]
    if known.staff:
        known.staff.left_at = now  # the same person, in the new role
        tx.flush()
    member = Staff(
        clinic_id=clinic.id,
        account=incoming.account,
        name=incoming.sender,
        role=invitation.role,
        joined_at=now,
    )
    tx.add(member)
    invitation.used_at, invitation.used_by = now, incoming.account
    tx.flush()
    audit.note(
        tx, clinic_id=clinic.id, at=now, actor=f"staff:{member.id}", action=f"joined {member.role}"
    )
    role = desk.say(say, f"staff.role.{member.role}")
    welcome = desk.say(
        say, "staff.team.joined", role=role, clinic=clinic.name, name=incoming.sender
    )
    return [
        Outgoing(account=incoming.account, text=welcome),
        NewMenu(account=incoming.account),
        *_tell_owners(desk, tx, member, say),
    ]


def take_back(
    desk: Desk, tx: Transaction, staff: Staff, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """An owner takes somebody off the team."""
    say = people.clinic(tx, staff.clinic_id).language
    member = people.staff_of(tx, staff.clinic_id, numbers(incoming.text)[0])
    if staff.role != OWNER or member is None or member.id == staff.id:
        return [Toast(text=desk.say(say, "staff.invite.owners_only"))]
    if member.left_at is not None:  # perhaps on the team again since, by another link
        return [Toast(text=desk.say(say, "staff.draft.closed"))]
    member.left_at = now
    audit.note(
        tx,
        clinic_id=staff.clinic_id,
        at=now,
        actor=f"staff:{staff.id}",
        action=f"took staff:{member.id} off the team",
    )
    text = desk.say(say, "staff.team.taken_back", name=member.name)
    return [
        Edit(text=text),
        Outgoing(account=incoming.account, text=text),
        NewMenu(account=member.account),
    ]


def _changes(member: Staff, invitation: Invitation) -> bool:
    """Whether the link gives this member a new role; an owner stays one."""
    if invitation.used_at or member.clinic_id != invitation.clinic_id:
        return False
    return member.role not in (invitation.role, OWNER)


def _already(desk: Desk, incoming: Incoming, language: str, role: str) -> Outgoing:
    text = desk.say(language, "staff.team.already", role=desk.say(language, f"staff.role.{role}"))
    return Outgoing(account=incoming.account, text=text)


def _tell_owners(desk: Desk, tx: Transaction, member: Staff, language: str) -> Sequence[Reaction]:
    text = desk.say(
        language,
        "staff.team.owner_told",
        name=member.name,
        role=desk.say(language, f"staff.role.{member.role}"),
    )
    back = Button(
        label=desk.say(language, "staff.button.take_back"),
        action=f"member:{member.id}",
        style="danger",
    )
    return [
        Outgoing(account=owner.account, text=text, buttons=((back,),), protect=True)
        for owner in people.team(tx, member.clinic_id)
        if owner.role == OWNER and owner.id != member.id
    ]
