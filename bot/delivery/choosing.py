"""Which of a patient's due rows go now: pure. Stop, block and night are facts of the patient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from content import schedule
from content.library import Library
from content.steps import Step
from storage.reminders import Due, LaterOrNever

TOGETHER = timedelta(minutes=30)
"""Messages due so close to each other go as one."""
LONGEST_TOGETHER = 900
"""Letters of one message made of several."""
A_DAY_AT_MOST = 4
"""Unasked messages on one local day; beyond it care waits, never safety and never a visit."""
TRIED_LATELY = timedelta(hours=26)
"""Rows tried since then tell how many messages today has had: the longest day has 25 hours."""


@dataclass(frozen=True)
class Wait:
    """Not now; look again at `until`."""

    until: datetime


@dataclass(frozen=True)
class GiveUp:
    """Never; `reason` is a key that is shown in words."""

    reason: str


@dataclass(frozen=True)
class Choice:
    """What becomes of a patient's due rows: `go` in order, as far as they fit into one message."""

    go: Sequence[Due]
    rest: Sequence[LaterOrNever]


def choose(library: Library, rows: Sequence[Due], now: datetime) -> Choice:
    """Judge all rows of one patient that are due or were tried lately, the first due first."""
    due = [row for row in rows if row.try_at is not None and row.try_at <= now]
    had = messages_today(rows, now)
    go: list[Due] = []
    rest: list[LaterOrNever] = []
    for row in due:
        if row.step in library.switched_off:
            rest.append(never(row, "skipped", "switched_off"))
            continue
        if not library.has_step(row.step):  # of another version of the content
            rest.append(never(row, "failed", "unusable"))
            continue
        match may_go(row, library.step(row.step), now, had=had):
            case GiveUp(reason):
                rest.append(never(row, "skipped", reason))
            case Wait(until):
                rest.append(
                    LaterOrNever(id=row.id, state=row.state, reason=row.reason, try_at=until)
                )
            case None:
                go.append(row)
    return Choice(go=list(_together(library, go)), rest=rest)


def may_go(row: Due, step: Step, now: datetime, *, had: int) -> GiveUp | Wait | None:
    """Whether a due row is sent at `now`, its day having `had` so many messages; None: yes."""
    reasons = {
        "expired": row.expires_at <= now,
        "not_agreed": row.agreed_at is None or row.account is None,
        "stopped": row.stopped == "everything",
        "tips_off": row.stopped == "tips" and step.kind != "appointment",
        "unreachable": row.unreachable_at is not None,
    }
    if reason := next((key for key, holds in reasons.items() if holds), None):
        return GiveUp(reason)
    zone = ZoneInfo(row.timezone)
    morning = schedule.night_ends(now, zone)
    if morning and step.at_night != "send":
        return Wait(morning)
    if had >= A_DAY_AT_MOST and step.kind == "care" and not row.doubted:
        tomorrow = schedule.next_morning(now, zone)
        return Wait(tomorrow) if tomorrow < row.expires_at else GiveUp("enough_today")
    return None


def never(row: Due, state: str, reason: str) -> LaterOrNever:
    """Give the row up. One that may have arrived stays in doubt, where staff see it."""
    if row.doubted and state == "skipped":
        state, reason = "unknown", "not_repeated"
    return LaterOrNever(id=row.id, state=state, reason=reason, try_at=None)


def fits(texts: Sequence[str], another: str) -> bool:
    """Whether `another` still goes with `texts` as one message, as it is read (without tags)."""
    together = sum(len(Markup(text).striptags()) for text in (*texts, another))  # noqa: S704  ours
    return together + 2 * len(texts) < LONGEST_TOGETHER


def messages_today(rows: Sequence[Due], now: datetime) -> int:
    """How many messages the patient has had on this local day; rows of one message count once."""
    return len(
        {
            row.tried_at
            for row in rows
            if row.tried_at is not None
            and row.state in ("sending", "sent", "unknown")
            and _day(row.tried_at, row) == _day(now, row)
        }
    )


def _day(moment: datetime, row: Due) -> object:
    return moment.astimezone(ZoneInfo(row.timezone)).date()


def _together(library: Library, rows: Sequence[Due]) -> Iterator[Due]:
    """The first row, and those near it that share its fate if nobody knows whether it arrived."""
    for row in rows:
        first = rows[0]
        if row is first or (
            abs(row.due_at - first.due_at) <= TOGETHER
            and row.doubted == first.doubted
            and library.step(row.step).if_unknown == library.step(first.step).if_unknown
        ):
            yield row
