"""Codes that make somebody a patient or staff: made here, kept only as hashes."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func
from sqlmodel import col, select

from storage.database import Transaction
from storage.models import CodeTry, Invitation, Opening

LINK_LIFE = timedelta(days=7)
TYPED_LIFE = timedelta(hours=24)
TYPED_LENGTH = 8
LETTERS = "BCDFGHJKMPQRTVWXZ"
"""Of typed codes: no look-alikes (I l 1, O 0, S 5, N M), and no vowels, so none is a word."""
TRIES_AN_HOUR = 5


@dataclass(frozen=True)
class Codes:
    """The codes themselves: shown once, never stored."""

    link: str
    typed: str | None


def invite(
    tx: Transaction,
    *,
    clinic_id: int,
    role: str,
    now: datetime,
    created_by: int | None,
    treatment_id: int | None = None,
) -> tuple[Invitation, Codes]:
    """A new invitation; a patient's has a typed code as well. Link: 128 bits."""
    link = secrets.token_urlsafe(16)
    typed = (
        "".join(secrets.choice(LETTERS) for _ in range(TYPED_LENGTH)) if role == "patient" else None
    )
    invitation = Invitation(
        clinic_id=clinic_id,
        role=role,
        treatment_id=treatment_id,
        link_hash=_hash(link),
        typed_hash=_hash(typed) if typed else None,
        link_expires_at=now + LINK_LIFE,
        typed_expires_at=now + TYPED_LIFE if typed else None,
        created_by=created_by,
        created_at=now,
    )
    tx.add(invitation)
    tx.flush()
    return invitation, Codes(link, typed)


def by_link(tx: Transaction, code: str, now: datetime) -> Invitation | None:
    """The invitation behind a link's code; None if invented, expired or revoked."""
    return _valid(
        tx.exec(
            select(Invitation).where(
                Invitation.link_hash == _hash(code), col(Invitation.link_expires_at) > now
            )
        ).first()
    )


def by_typed(tx: Transaction, code: str, now: datetime) -> Invitation | None:
    """The invitation behind a typed code; None if invented, expired or revoked."""
    return _valid(
        tx.exec(
            select(Invitation).where(
                Invitation.typed_hash == _hash(code.upper()),
                col(Invitation.typed_expires_at) > now,
            )
        ).first()
    )


def used_by_link(tx: Transaction, code: str, account: int) -> bool:
    """Whether this account used this link before, however long ago."""
    found = tx.exec(select(Invitation).where(Invitation.link_hash == _hash(code))).first()
    return found is not None and found.used_by == account and found.revoked_at is None


def get(tx: Transaction, invitation_id: int) -> Invitation | None:
    return tx.get(Invitation, invitation_id)


def of_treatment(tx: Transaction, treatment_id: int) -> list[Invitation]:
    """The session's invitations, oldest first."""
    return list(
        tx.exec(
            select(Invitation)
            .where(Invitation.treatment_id == treatment_id)
            .order_by(col(Invitation.id))
        ).all()
    )


def revoke_all(tx: Transaction, treatment_id: int, now: datetime) -> None:
    """No code of this session opens anything any more."""
    for invitation in of_treatment(tx, treatment_id):
        if invitation.used_at is None and invitation.revoked_at is None:
            invitation.revoked_at = now


def opened(tx: Transaction, invitation_id: int, account: int, now: datetime) -> Opening:
    """Note that `account` was shown the invitation; opening again is the same opening."""
    found = opening(tx, invitation_id, account)
    if found is None:
        found = Opening(invitation_id=invitation_id, account=account, opened_at=now)
        tx.add(found)
    tx.flush()
    return found


def opening(tx: Transaction, invitation_id: int, account: int) -> Opening | None:
    return tx.exec(
        select(Opening).where(Opening.invitation_id == invitation_id, Opening.account == account)
    ).first()


def openings(tx: Transaction, invitation_id: int) -> list[Opening]:
    return list(tx.exec(select(Opening).where(Opening.invitation_id == invitation_id)).all())


def latest_opened_by(tx: Transaction, account: int) -> Invitation | None:
    """The patient's invitation this account opened last: who they may be, before they agree."""
    return tx.exec(
        select(Invitation)
        .join(Opening, col(Opening.invitation_id) == col(Invitation.id))
        .where(Opening.account == account, Invitation.role == "patient")
        .order_by(col(Opening.id).desc())
        .limit(1)
    ).first()


def wrong_try(tx: Transaction, account: int, now: datetime) -> None:
    tx.add(CodeTry(account=account, tried_at=now))


def tries_left(tx: Transaction, account: int, now: datetime) -> bool:
    """Whether a typed code of this account is looked at: at most five wrong ones an hour."""
    tried = tx.exec(
        select(func.count())
        .select_from(CodeTry)
        .where(CodeTry.account == account, col(CodeTry.tried_at) > now - timedelta(hours=1))
    ).one()
    return tried < TRIES_AN_HOUR


def forget_tries(tx: Transaction, now: datetime) -> int:
    """Delete the wrong tries that no longer count; how many."""
    result = tx.execute(delete(CodeTry).where(col(CodeTry.tried_at) < now - timedelta(hours=1)))
    return int(result.rowcount)  # type: ignore[attr-defined]


def _valid(invitation: Invitation | None) -> Invitation | None:
    return invitation if invitation and invitation.revoked_at is None else None


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
