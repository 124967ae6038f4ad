"""Clinics, their staff and their patients."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, text
from sqlmodel import col, select

from storage.database import Transaction
from storage.models import Alert, Clinic, Patient, Reminder, Staff, Treatment

CLINICS = 0x4146434C
"""An advisory lock of PostgreSQL's."""

# --- clinics


def one_at_a_time(tx: Transaction) -> None:
    """Let no other process make a clinic until this transaction ends. SQLite has one writer."""
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CLINICS})


def first_clinic(tx: Transaction) -> Clinic | None:
    return tx.exec(select(Clinic).order_by(col(Clinic.id)).limit(1)).first()


def clinic(tx: Transaction, clinic_id: int) -> Clinic:
    return tx.get_one(Clinic, clinic_id)


# --- staff


def staff_by_account(tx: Transaction, account: int) -> Staff | None:
    """The member of staff behind `account`, if on a team now."""
    return tx.exec(
        select(Staff).where(Staff.account == account, col(Staff.left_at).is_(None))
    ).first()


def team(tx: Transaction, clinic_id: int) -> Sequence[Staff]:
    """Everybody on the clinic's team now."""
    return tx.exec(
        select(Staff)
        .where(Staff.clinic_id == clinic_id, col(Staff.left_at).is_(None))
        .order_by(col(Staff.id))
    ).all()


def everyone_on_a_team(tx: Transaction) -> Sequence[int]:
    """The accounts of all staff of all clinics."""
    return tx.exec(select(Staff.account).where(col(Staff.left_at).is_(None))).all()


def staff_of(tx: Transaction, clinic_id: int, staff_id: int) -> Staff | None:
    """A member of this clinic's team, past or present."""
    return tx.exec(select(Staff).where(Staff.clinic_id == clinic_id, Staff.id == staff_id)).first()


# --- patients


def patient(tx: Transaction, patient_id: int) -> Patient:
    return tx.get_one(Patient, patient_id)


def patient_by_account(tx: Transaction, account: int) -> Patient | None:
    """The patient behind `account`; with several clinics, of the latest one."""
    return tx.exec(
        select(Patient).where(Patient.account == account).order_by(col(Patient.id).desc()).limit(1)
    ).first()


def patient_of_clinic(tx: Transaction, clinic_id: int, account: int) -> Patient | None:
    return tx.exec(
        select(Patient).where(Patient.clinic_id == clinic_id, Patient.account == account)
    ).first()


def patients_named(tx: Transaction, clinic_id: int, name: str) -> Sequence[Patient]:
    """The clinic's patients of this name, whatever its capitals, accents and spaces."""
    return tx.exec(
        select(Patient).where(Patient.clinic_id == clinic_id, Patient.plain_name == plain(name))
    ).all()


def plain(name: str) -> str:
    """A name as it is looked for; kept beside it, since a database folds ASCII letters only."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(it for it in apart if not unicodedata.combining(it)).split())


def unreachable(tx: Transaction, account: int, now: datetime, why: str) -> None:
    """Note that `account` cannot be written to (it blocked the bot, or is gone)."""
    if (member := staff_by_account(tx, account)) and member.unreachable_at is None:
        member.unreachable_at = now
    for found in tx.exec(select(Patient).where(Patient.account == account)):
        if found.unreachable_at is None:
            found.unreachable_at, found.unreachable_why = now, why
    tx.flush()  # due rows are read past the ORM


def reachable(tx: Transaction, account: int) -> None:
    """Note that `account` can be written to again."""
    if member := staff_by_account(tx, account):
        member.unreachable_at = None
    for found in tx.exec(select(Patient).where(Patient.account == account)):
        found.unreachable_at = found.unreachable_why = None


def drop_if_empty(tx: Transaction, patient_id: int) -> None:
    """Remove a patient nothing belongs to.

    That is the name a session was recorded under, once its patient turned out to be known already.
    An alert belongs to it that somebody else wrote who had the link.
    """
    for table in (Treatment, Reminder, Alert):
        if tx.exec(
            select(func.count()).select_from(table).where(col(table.patient_id) == patient_id)
        ).one():
            return
    tx.exec(delete(Patient).where(col(Patient.id) == patient_id))
