"""Somebody at the door: `/start`, a code, their own words, or a command there is not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.care.people import Known, numbers_of, who_is
from bot.care.values import Button, Desk, Edit, Incoming, NewMenu, Outgoing, Reaction
from bot.chat.patient import enrolment, questions, stopping
from bot.chat.staff import team
from content import wording
from storage import invitations
from storage.database import Transaction
from storage.models import Invitation

PATIENT_MENU = (
    "today",
    "plan",
    "next",
    "sideeffects",
    "about_treatment",
    "contact",
    "help",
    "stop",
    "language",
    "timezone",
)
STAFF_MENU = ("newsession", "sessions", "reschedule", "cancel", "worklist")
OWNER_MENU = ("invite",)


EIGHT_CAPITALS = re.compile(r"[A-Z]{8}")
"""A code with a letter misread, where it is not a word that is shouted."""


def start(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """`/start`, from a link with its code, with a typed code, or alone."""
    code = incoming.text.strip()
    if not code:
        return _start_alone(desk, tx, incoming, now)
    if looks_typed(code):
        return _typed(desk, tx, incoming, code, now)
    if invitations.used_by_link(tx, code, incoming.account) and (
        back := stopping.come_back(desk, tx, incoming, now)
    ):
        return back
    invitation = invitations.by_link(tx, code, now)
    if invitation is None and (alarm := questions.if_alarming(desk, tx, incoming, code, now)):
        return alarm
    return _opened(desk, tx, incoming, invitation, now)


def text(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """Somebody's own words, or the eight letters of a code sent alone."""
    if looks_typed(incoming.text) or (
        EIGHT_CAPITALS.fullmatch(incoming.text.strip())
        and not questions.is_understood(desk, tx, incoming, now)
    ):
        return _typed(desk, tx, incoming, incoming.text, now)
    return questions.free_text(desk, tx, incoming, now)


def looks_typed(text: str) -> bool:
    """Whether this is a typed code: its letters make no word of any language we answer."""
    letters = _letters(text)
    return len(letters) == invitations.TYPED_LENGTH and set(letters) <= set(invitations.LETTERS)


@questions.heeding
def help_page(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """`/help`, for whatever the reader is: staff, patient, or both."""
    known = who_is(tx, incoming.account)
    pages = []
    if known.staff:
        pages.append(_staff_help(desk, known))
    if known.patient or not known.staff:
        pages.append(_patient_help(desk, known))
    return [Outgoing(account=incoming.account, text=page) for page in pages]


@questions.heeding
def language(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """`/language`: a patient chooses with a button; anybody else is told what there is."""
    known = who_is(tx, incoming.account)
    spoken = desk.library.texts.languages
    if known.patient is None:
        names = wording.listing([wording.language_name(it) for it in spoken], known.language)
        return [_said(desk, tx, incoming.account, "buttons.language.of_patients", languages=names)]
    buttons = tuple(
        (Button(label=wording.language_name(it), action=f"language:{it}"),) for it in spoken
    )
    text = desk.say(known.language, "buttons.language.choose")
    return [Outgoing(account=incoming.account, text=text, buttons=buttons)]


def choose_language(
    desk: Desk, tx: Transaction, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """A language was pressed: from now on everything is said in it, the menu too."""
    known = who_is(tx, incoming.account)
    chosen = incoming.text.removeprefix("language:")
    if known.patient is None or chosen not in desk.library.texts.languages:
        return language(desk, tx, replace(incoming, text=""), now)
    known.patient.language = chosen
    # Telegram shows the menu in the language of the phone: only another one has to be set.
    on_phone = enrolment.language_of(desk, incoming, known.clinic)
    return [
        Edit(),
        Outgoing(account=incoming.account, text=desk.say(chosen, "buttons.language.done")),
        NewMenu(account=incoming.account, language=None if chosen == on_phone else chosen),
    ]


@questions.heeding
def unknown_command(
    desk: Desk, tx: Transaction, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """A command there is not, or not for this person. It is read all the same: it may matter."""
    return [_said(desk, tx, incoming.account, "chat.unknown_command")]


def could_not_answer(desk: Desk, tx: Transaction, account: int) -> Outgoing:
    """Said to somebody whose message could not be handled."""
    return _said(desk, tx, account, "chat.failed")


def answered_too_late(desk: Desk, tx: Transaction, account: int) -> Outgoing:
    """Said to somebody whose answer could not be sent for so long that it was given up."""
    return _said(desk, tx, account, "chat.too_late")


def private_please(
    desk: Desk, tx: Transaction, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    """All that is said in a group."""
    return [_said(desk, tx, incoming.account, "chat.private_please")]


def written_earlier(desk: Desk, tx: Transaction, incoming: Incoming) -> str:
    """The line a late answer begins with."""
    known = who_is(tx, incoming.account)
    zone = known.zone
    moment = wording.moment(incoming.written_at, zone, known.language)
    return desk.say(known.language, "chat.written_earlier", moment=moment)


def _start_alone(
    desk: Desk, tx: Transaction, incoming: Incoming, now: datetime
) -> Sequence[Reaction]:
    back = stopping.come_back(desk, tx, incoming, now)
    if back is not None:
        return back
    known = who_is(tx, incoming.account)
    if known.staff:
        return help_page(desk, tx, incoming, now)
    waiting = invitations.latest_opened_by(tx, incoming.account) if known.invited else None
    if waiting:
        return enrolment.open_invitation(desk, tx, incoming, waiting, now)
    return [_said(desk, tx, incoming.account, "chat.stranger")]


def _typed(
    desk: Desk, tx: Transaction, incoming: Incoming, code: str, now: datetime
) -> Sequence[Reaction]:
    if not invitations.tries_left(tx, incoming.account, now):
        return enrolment.bad_code(desk, who_is(tx, incoming.account), incoming)
    invitation = invitations.by_typed(tx, _letters(code), now)
    if invitation is None:
        invitations.wrong_try(tx, incoming.account, now)
    return _opened(desk, tx, incoming, invitation, now)


def _opened(
    desk: Desk,
    tx: Transaction,
    incoming: Incoming,
    invitation: Invitation | None,
    now: datetime,
) -> Sequence[Reaction]:
    if invitation is None:
        return enrolment.bad_code(desk, who_is(tx, incoming.account), incoming)
    if invitation.role == "patient":
        return enrolment.open_invitation(desk, tx, incoming, invitation, now)
    return team.join(desk, tx, incoming, invitation, now)


def _letters(code: str) -> str:
    """A code as it was made: people add spaces, hyphens, full stops and small letters."""
    return re.sub(r"[\W_]", "", code).upper()


def _staff_help(desk: Desk, known: Known) -> str:
    language = known.clinic.language
    owner = known.staff is not None and known.staff.role == team.OWNER
    commands = (*STAFF_MENU, *(OWNER_MENU if owner else ()))
    return desk.say(
        language,
        "chat.help.staff",
        commands="\n".join(
            f"/{name} {desk.say(language, f'chat.menu.{name}')}" for name in commands
        ),
        example=desk.say(language, "staff.newsession.example"),
    )


def _patient_help(desk: Desk, known: Known) -> str:
    return desk.say(
        known.language,
        "chat.help.patient",
        topics=" ".join(f"/{topic}" for topic in desk.library.topics),
        **numbers_of(known.clinic),
    )


def _said(desk: Desk, tx: Transaction, account: int, key: str, **values: str) -> Outgoing:
    known = who_is(tx, account)
    text = desk.say(known.language, key, **values, **numbers_of(known.clinic))
    return Outgoing(account=account, text=text)
