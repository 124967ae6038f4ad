"""A clinic with many patients amid their plans, made quickly: whole tables at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice

from sqlalchemy import insert, join, select
from sqlmodel import SQLModel

from content import library, messages, schedule
from content.facts import Area, Session, Situation
from content.facts import Clinic as ClinicFacts
from content.facts import Patient as PatientFacts
from content.schedule import Planned
from storage.database import Transaction
from storage.models import Clinic, Patient, Reminder, Staff, Treatment

FIRST_ACCOUNT = 100_000
ZONE = "UTC"
CLINIC = ClinicFacts(name="Rosewood", phone="1", emergency_number="112", timezone=ZONE)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""A moment at which the patients are awake."""
LIFE = timedelta(hours=6)
"""What a message has before it expires, so that none does while it is measured."""
FOUR_WEEKS = timedelta(days=28)
ROWS_EACH = 20
SORTS = 500


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One message of one sort of session."""

    session: Session
    planned: Planned
    patient: PatientFacts


def kinds() -> list[Kind]:
    """Each message of each of several sorts of session: a fair mix of what is sent."""
    shipped = library.load()
    found = []
    sorts: tuple[tuple[str, Area, float | None, int | None], ...] = (
        ("en", "face", 1.0, 28), ("es", "neck", None, None),
        ("en", "scalp", 0.5, 14), ("es", "face", 2.0, 42),
    )  # fmt: skip
    for language, area, depth, next_days in sorts:
        session = Session(
            ended_at=NOON,
            area=area,
            depth_mm=depth,
            next_at=NOON + timedelta(days=next_days) if next_days else None,
        )
        patient = PatientFacts(name="Ana", timezone=ZONE, language=language)
        for planned in schedule.plan(shipped, session, CLINIC, patient):
            found.append(Kind(session=session, planned=planned, patient=patient))
    return found


def texts() -> list[str]:
    """What each of the kinds says: what is sent where nothing is rendered."""
    shipped = library.load()
    return [
        messages.step_text(
            shipped,
            it.planned.key,
            Situation(at=it.planned.due_at, clinic=CLINIC, patient=it.patient, session=it.session),
        )
        for it in kinds()
    ]


def fill(tx: Transaction, due: Sequence[datetime], *, zone: str = ZONE) -> None:
    """A clinic, and one patient with one message for each moment of `due`, whatever its step."""
    _clinic(tx, zone)
    _people(tx, due, first=1, zone=zone)


def fill_pending(
    tx: Transaction, rows: int, *, since: datetime, first: int, zone: str = ZONE
) -> None:
    """At least so many messages due in the four weeks from `since` on, ROWS_EACH to a patient.

    `first`: the number of the first patient. The first SORTS patients' rows are made one by one,
    all others copied from them within the database, which takes seconds for a million.
    """
    patients = -(-rows // ROWS_EACH)
    if not patients:
        return
    sorts = min(SORTS, patients)
    due = [since + n * (FOUR_WEEKS / sorts) for n in range(sorts)]
    mix = _people(tx, (due * -(-patients // sorts))[:patients], first=first, zone=zone, plan=False)
    for n in range(sorts):
        moments = (due[n] + k * timedelta(minutes=1) for k in range(ROWS_EACH))
        _put(
            tx,
            Reminder,
            (_reminder(first + n, mix[n], at, zone, str(k)) for k, at in enumerate(moments)),
        )
    _copy_rows(tx, first=first, sorts=sorts)


def _copy_rows(tx: Transaction, *, first: int, sorts: int) -> None:
    """Give every treatment from `first + sorts` on the rows of the one whose sort it is."""
    tables = SQLModel.metadata.tables
    rows, treatments = tables["reminder"], tables["treatment"]
    own = {"treatment_id": treatments.c.id, "patient_id": treatments.c.patient_id}
    names = [column.name for column in rows.columns if column.name != "id"]
    same_sort = rows.c.treatment_id == first + (treatments.c.id - first) % sorts
    chosen = (
        select(*(own.get(name, rows.c[name]) for name in names))
        .select_from(join(rows, treatments, same_sort))
        .where(treatments.c.id >= first + sorts)
    )
    tx.execute(insert(rows).from_select(names, chosen))


def _people(
    tx: Transaction, due: Sequence[datetime], *, first: int, zone: str, plan: bool = True
) -> list[Kind]:
    """A patient with a session for each moment, and (`plan`) the message due then."""
    mix = list(islice(cycle(kinds()), len(due)))
    each = list(zip(range(first, first + len(due)), mix, due, strict=True))
    _put(tx, Patient, (_patient(n, it, zone) for n, it, _ in each))
    _put(tx, Treatment, (_treatment(n, it, at, zone) for n, it, at in each))
    if plan:
        _put(tx, Reminder, (_reminder(n, it, at, zone) for n, it, at in each))
    return mix


def _clinic(tx: Transaction, zone: str) -> None:
    clinic = Clinic(
        name="Rosewood", phone="1", emergency_number="112", timezone=zone, created_at=NOON
    )
    tx.add(clinic)
    tx.flush()
    tx.add(Staff(clinic_id=clinic.id, account=1, name="Rosa", role="owner", joined_at=NOON))
    tx.flush()


def _put(tx: Transaction, table: type[SQLModel], rows: Iterator[dict[str, object]]) -> None:
    while some := list(islice(rows, 5_000)):
        tx.execute(insert(table), some)


def _patient(n: int, kind: Kind, zone: str) -> dict[str, object]:
    return {
        "id": n,
        "clinic_id": 1,
        "account": FIRST_ACCOUNT + n,
        "name": f"Ana {n}",
        "plain_name": f"ana {n}",
        "language": kind.patient.language,
        "timezone": zone,
        "agreed_at": NOON - timedelta(days=60),
        "created_at": NOON - timedelta(days=60),
    }


def _ended(kind: Kind, due: datetime) -> datetime:
    """When the session must have ended for its message to be due then."""
    return due - (kind.planned.due_at - kind.session.ended_at)


def _next(kind: Kind, due: datetime) -> datetime | None:
    session = kind.session
    return _ended(kind, due) + (session.next_at - session.ended_at) if session.next_at else None


def _treatment(n: int, kind: Kind, due: datetime, zone: str) -> dict[str, object]:
    session, ended, next_at = kind.session, _ended(kind, due), _next(kind, due)
    return {
        "id": n,
        "clinic_id": 1,
        "patient_id": n,
        "ended_at": ended,
        "ended_local": ended.replace(tzinfo=None),
        "timezone": zone,
        "area": session.area,
        "device": session.device,
        "depth_mm": session.depth_mm,
        "number": 1,
        "of": 4,
        "next_at": next_at,
        "next_local": next_at.replace(tzinfo=None) if next_at else None,
        "recorded_by": 1,
        "recorded_at": ended,
    }


def _reminder(
    n: int, kind: Kind, due: datetime, zone: str, occasion: str = "0"
) -> dict[str, object]:
    next_at = _next(kind, due)
    if next_at and kind.planned.occasion != "0":
        occasion = f"{occasion}:{next_at.isoformat()}"
    return {
        "clinic_id": 1,
        "patient_id": n,
        "treatment_id": n,
        "step": kind.planned.key,
        "occasion": occasion,
        "due_at": due,
        "due_local": due.replace(tzinfo=None),
        "timezone": zone,
        "expires_at": due + LIFE,
        "try_at": due,
    }
