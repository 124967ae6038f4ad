"""Who did what, when: ids and verbs, never a name or a word."""

from __future__ import annotations

from datetime import datetime

from storage.database import Transaction
from storage.models import Audit


def note(
    tx: Transaction,
    *,
    clinic_id: int,
    at: datetime,
    actor: str,
    action: str,
    patient_id: int | None = None,
    treatment_id: int | None = None,
) -> None:
    tx.add(
        Audit(
            clinic_id=clinic_id,
            at=at,
            actor=actor,
            action=action,
            patient_id=patient_id,
            treatment_id=treatment_id,
        )
    )
