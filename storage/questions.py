"""Yes/no questions about a red flag in doubt: which were asked, and which answer counts."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import col, select

from storage.database import Transaction, delete_some
from storage.models import Question

KEEP = timedelta(days=14)


def ask(tx: Transaction, account: int, doubt: str, now: datetime) -> Question:
    """A question is put to the account: a written "yes" is meant for it until `pass_by`."""
    pass_by(tx, account, now)
    question = Question(account=account, doubt=doubt, asked_at=now)
    tx.add(question)
    tx.flush()
    return question


def get(tx: Transaction, account: int, question_id: int) -> Question | None:
    """The account's question of this id."""
    return tx.exec(
        select(Question).where(Question.id == question_id, Question.account == account)
    ).first()


def just_asked(tx: Transaction, account: int, since: datetime) -> Question | None:
    """The question that a written "yes" would be meant for: not older than `since`."""
    return tx.exec(
        select(Question)
        .where(
            Question.account == account,
            col(Question.passed_at).is_(None),
            col(Question.answered_at).is_(None),
            col(Question.asked_at) >= since,
        )
        .order_by(col(Question.id).desc())
        .limit(1)
    ).first()


def pass_by(tx: Transaction, account: int, now: datetime) -> None:
    """Something else was written since: only the buttons answer these questions from now on."""
    tx.execute(
        update(Question)
        .where(col(Question.account) == account, col(Question.passed_at).is_(None))
        .values(passed_at=now)
    )


def forget_old(tx: Transaction, now: datetime) -> int:
    """Delete some of those asked long ago; how many."""
    old = select(Question.id).where(col(Question.asked_at) < now - KEEP)
    return delete_some(tx, Question, old)
