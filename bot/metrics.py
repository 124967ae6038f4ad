"""What an operator's Prometheus reads: what happened since the start, and what waits now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from storage.counts import Counts

Kind = Literal["reminder", "answer"]
KINDS: tuple[Kind, ...] = ("reminder", "answer")
OUTCOMES = ("sent", "retry", "unknown", "unreachable", "refused")
LATENESS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
"""Seconds. A second is the promise; the rest tells a busy minute from an outage."""


class Metrics:
    """Counted in this process since it started. Safe from any thread."""

    def __init__(self) -> None:
        self.last_poll: datetime | None = None
        """When Telegram last answered getUpdates; None before the first time."""
        self._registry = registry = CollectorRegistry()
        self._leading = Gauge(
            "aftercare_leading",
            "Whether this process is the one that speaks to people: of all, one.",
            registry=registry,
        )
        ProcessCollector(registry=registry)
        self._outcomes = Counter(
            "aftercare_messages",
            "What became of attempts to send a message.",
            ("kind", "outcome"),
            registry=registry,
        )
        for kind in KINDS:  # a series that begins with its first event hides that event
            for outcome in OUTCOMES:
                self._outcomes.labels(kind, outcome)
        self._lateness = Histogram(
            "aftercare_reminder_lateness_seconds",
            "From the moment a reminder was due until it was sent.",
            buckets=LATENESS,
            registry=registry,
        )
        self._repeated = Counter(
            "aftercare_reminders_repeated",
            "Reminders sent once more because the first may not have arrived.",
            registry=registry,
        )
        self._skipped = Counter(
            "aftercare_reminders_skipped",
            "Reminders given up before they were sent.",
            ("reason",),
            registry=registry,
        )
        self._skipped.labels("expired")
        self._too_many = Counter(
            "aftercare_telegram_too_many_requests",
            "Calls that Telegram refused with 429.",
            registry=registry,
        )
        self._received = Counter(
            "aftercare_updates_received", "Updates stored, each once.", registry=registry
        )
        self._set_aside = Counter(
            "aftercare_updates_set_aside",
            "Updates that no handler could work on.",
            registry=registry,
        )
        self._store_failed = Counter(
            "aftercare_updates_store_failures",
            "Batches of updates that could not be stored; Telegram sends them again.",
            registry=registry,
        )

    def outcome(self, kind: Kind, outcome: str, count: int = 1) -> None:
        """So many attempts ended as one of OUTCOMES."""
        self._outcomes.labels(kind, outcome).inc(count)

    def lateness(self, seconds: float) -> None:
        """A reminder was sent so long after it was due."""
        self._lateness.observe(max(0.0, seconds))

    def repeated(self) -> None:
        """A reminder that may have arrived goes out once more."""
        self._repeated.inc()

    def skipped(self, reason: str) -> None:
        """A reminder was given up; `reason` is the row's key for it, such as `expired`."""
        self._skipped.labels(reason).inc()

    def too_many_requests(self) -> None:
        """Telegram said 429."""
        self._too_many.inc()

    def polled(self, moment: datetime) -> None:
        """Telegram answered getUpdates at `moment` (aware, UTC)."""
        self.last_poll = moment

    def leads(self, now: bool) -> None:
        """Note whether this process is the one that speaks to people."""
        self._leading.set(now)

    def received(self, count: int) -> None:
        """So many new updates were stored."""
        self._received.inc(count)

    def set_aside(self) -> None:
        """An update was set aside after its last try."""
        self._set_aside.inc()

    def store_failed(self) -> None:
        """Updates could not be stored."""
        self._store_failed.inc()

    def show(self, counts: Counts | None, *, writable: bool = True) -> bytes:
        """Everything as Prometheus' text.

        `counts`: None while the database cannot be asked; `writable`: False while it can only be
        asked.
        """
        waiting = CollectorRegistry()
        is_up = counts is not None and writable
        waiting.register(_Now(counts, self.last_poll, is_up=is_up))
        return generate_latest(self._registry) + generate_latest(waiting)


class _Now(Collector):
    """What holds at the moment of asking."""

    def __init__(self, counts: Counts | None, last_poll: datetime | None, *, is_up: bool) -> None:
        self._counts = counts
        self._is_up = is_up
        self._last_poll = last_poll

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _gauge("database_up", "Whether the database can be read and written.", self._is_up)
        if self._last_poll:
            yield _gauge(
                "last_poll_timestamp_seconds",
                "When Telegram last answered getUpdates.",
                self._last_poll.timestamp(),
            )
        if self._counts:
            yield from _waiting(self._counts)


def _waiting(counts: Counts) -> Iterator[GaugeMetricFamily]:
    yield _gauge("reminders_due", "Reminders whose hour has come.", counts.due)
    yield _gauge(
        "reminders_due_oldest_seconds", "How long the first of them has waited.", counts.due_age
    )
    yield _gauge("updates_waiting", "Updates stored and not handled.", counts.updates)
    yield _gauge(
        "updates_waiting_oldest_seconds",
        "How long the first of them has waited.",
        counts.updates_age,
    )
    yield _gauge("answers_waiting", "Answers not sent yet.", counts.answers)
    yield _gauge(
        "answers_waiting_oldest_seconds",
        "How long the first of them has waited.",
        counts.answers_age,
    )
    unknown = GaugeMetricFamily(
        "aftercare_reminders_unknown",
        "Reminders that may or may not have arrived: to be repeated, or left for staff to see.",
        labels=("repeats",),
    )
    unknown.add_metric(("yes",), counts.repeating)
    unknown.add_metric(("no",), counts.in_doubt)
    yield unknown
    yield _gauge(
        "reminders_failed", "Reminders not sent, which staff have not seen.", counts.failed
    )
    yield _gauge("updates_aside", "Updates set aside, which staff have not seen.", counts.set_aside)
    yield _gauge("patients_unreachable", "Patients who cannot be reached.", counts.unreachable)


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"aftercare_{name}", about, value=float(value))
