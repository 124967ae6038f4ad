"""How fast a session becomes a plan, and a row its text."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from content import library, messages, schedule
from content.facts import Clinic, Patient, Session, Situation

ENDED = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
CLINIC = Clinic(name="Clinic", phone="1", emergency_number="112", timezone="Europe/London")
PATIENT = Patient(name="Ana", timezone="Europe/London")
SESSION = Session(ended_at=ENDED, depth_mm=1.0, next_at=ENDED + timedelta(days=28))


def measure(rounds: int) -> float:
    """Plans a second."""
    shipped = library.load()
    begun = time.perf_counter()
    for _ in range(rounds):
        schedule.plan(shipped, SESSION, CLINIC, PATIENT)
    return rounds / (time.perf_counter() - begun)


def measure_texts(rounds: int) -> float:
    """Messages rendered a second, each step in turn."""
    shipped = library.load()
    planned = schedule.plan(shipped, SESSION, CLINIC, PATIENT)
    begun = time.perf_counter()
    for n in range(rounds):
        row = planned[n % len(planned)]
        at = Situation(at=row.due_at, clinic=CLINIC, patient=PATIENT, session=SESSION)
        messages.step_text(shipped, row.key, at)
    return rounds / (time.perf_counter() - begun)
