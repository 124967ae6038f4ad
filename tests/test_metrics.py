"""What Prometheus reads: every figure by its name, read back by Prometheus' own parser."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import Metrics
from storage.counts import Counts

COUNTS = Counts(
    due=1,
    due_age=2.5,
    updates=3,
    updates_age=4.5,
    answers=5,
    answers_age=0.0,
    repeating=6,
    in_doubt=7,
    failed=8,
    set_aside=9,
    unreachable=10,
)


def samples(shown: bytes) -> dict[str, float]:
    """Every sample by its name and labels, as they are written. No name comes twice."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(shown.decode()):
        for sample in family.samples:
            labels = ",".join(f'{key}="{value}"' for key, value in sorted(sample.labels.items()))
            name = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert name not in found, name
            found[name] = sample.value
    return found


def test_what_happened_is_counted_by_kind_and_outcome() -> None:
    metrics = Metrics()
    metrics.outcome("reminder", "sent")
    metrics.outcome("reminder", "sent")
    metrics.outcome("answer", "unknown")
    metrics.repeated()
    metrics.skipped("expired")
    metrics.skipped("tips_off")
    metrics.too_many_requests()
    metrics.received(3)
    metrics.set_aside()
    metrics.store_failed()
    shown = samples(metrics.show(None))
    assert {
        'aftercare_messages_total{kind="reminder",outcome="sent"}': 2,
        'aftercare_messages_total{kind="answer",outcome="unknown"}': 1,
        'aftercare_messages_total{kind="answer",outcome="sent"}': 0,
        "aftercare_reminders_repeated_total": 1,
        'aftercare_reminders_skipped_total{reason="expired"}': 1,
        'aftercare_reminders_skipped_total{reason="tips_off"}': 1,
        "aftercare_telegram_too_many_requests_total": 1,
        "aftercare_updates_received_total": 3,
        "aftercare_updates_set_aside_total": 1,
        "aftercare_updates_store_failures_total": 1,
    }.items() <= shown.items()


def test_lateness_falls_into_buckets_from_a_tenth_of_a_second_to_an_hour() -> None:
    metrics = Metrics()
    for seconds in (-0.2, 0.05, 0.3, 59.0, 7200.0):
        metrics.lateness(seconds)
    shown = samples(metrics.show(None))
    name = "aftercare_reminder_lateness_seconds"
    inside = {edge: shown[f'{name}_bucket{{le="{edge}"}}'] for edge in ("0.1", "1.0", "60.0")}
    assert inside == {"0.1": 2, "1.0": 3, "60.0": 4}
    assert shown[f'{name}_bucket{{le="3600.0"}}'] == 4
    assert shown[f"{name}_count"] == 5
    assert shown[f"{name}_sum"] == 7259.35  # nothing is early: a clock was set back


def test_what_waits_is_read_from_the_database() -> None:
    shown = samples(Metrics().show(COUNTS))
    assert {
        "aftercare_database_up": 1,
        "aftercare_reminders_due": 1,
        "aftercare_reminders_due_oldest_seconds": 2.5,
        "aftercare_updates_waiting": 3,
        "aftercare_updates_waiting_oldest_seconds": 4.5,
        "aftercare_answers_waiting": 5,
        'aftercare_reminders_unknown{repeats="yes"}': 6,
        'aftercare_reminders_unknown{repeats="no"}': 7,
        "aftercare_reminders_failed": 8,
        "aftercare_updates_aside": 9,
        "aftercare_patients_unreachable": 10,
    }.items() <= shown.items()


def test_a_database_that_can_only_be_read_is_not_up_and_still_counted() -> None:
    shown = samples(Metrics().show(COUNTS, writable=False))
    assert shown["aftercare_database_up"] == 0
    assert shown["aftercare_reminders_due"] == 1


def test_what_is_not_known_is_not_shown_as_nothing() -> None:
    """A backlog of 0 while nobody can count would be a lie; so would a poll in 1970."""
    shown = samples(Metrics().show(None))
    assert shown["aftercare_database_up"] == 0
    assert not [name for name in shown if "due" in name or "waiting" in name or "poll" in name]


def test_the_last_poll_is_a_moment() -> None:
    metrics = Metrics()
    assert metrics.last_poll is None
    moment = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
    metrics.polled(moment)
    assert metrics.last_poll == moment
    shown = samples(metrics.show(COUNTS))
    assert shown["aftercare_last_poll_timestamp_seconds"] == moment.timestamp()


def test_two_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.received(2)
    assert samples(one.show(None))["aftercare_updates_received_total"] == 2
    assert samples(other.show(None))["aftercare_updates_received_total"] == 0


def test_the_process_tells_of_itself() -> None:
    assert samples(Metrics().show(None))["process_resident_memory_bytes"] > 1_000_000
