"""`/worklist`: who is on it and why, in which order, and how somebody leaves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlmodel import col, select

from bot.chat.patient import questions
from bot.simulator.people import Person
from storage import people, worklist
from storage.database import Database, Transaction
from storage.models import Alert, Audit, Clinic, Inbox, Patient, Reminder, Staff, Treatment
from tests.counter import LINE, OTHER, OWNER, PATIENT, RIVAL, STRANGER, Counter, counter, empty
from tests.story import Story
from tests.test_counts import AHEAD, Rows, add_clinic, analyze, plans_of, reads_all
from tests.test_counts import NOW as MOMENT

__all__ = ["counter", "empty"]

NOTHING = "All is well: there is nothing for you to look at."
ALL = "✓ All of these"
HOSTILE = "<b>&\"' {name}"
REFUSED = "Group migrated to supergroup. New chat id: -1001"
MOST_ID = 2_147_483_647
"""The highest that PostgreSQL gives."""


def change(counter: Counter, step: str, /, **values: Any) -> Reminder:
    """Let the rows of a step be in trouble; the last of them."""

    def changed(tx: Transaction) -> Reminder:
        rows = tx.exec(select(Reminder).where(Reminder.step == step)).all()
        for row in rows:
            for name, value in {"try_at": None, **values}.items():
                setattr(row, name, value)
        return rows[-1]

    return counter.ask(changed)


def failed(counter: Counter, step: str = "day2", reason: str = REFUSED) -> Reminder:
    return change(counter, step, state="failed", reason=reason)


def in_doubt(counter: Counter, step: str = "day14") -> Reminder:
    return change(counter, step, state="unknown", reason="not_repeated", doubted=True)


def set_aside(counter: Counter, account: int | None, update_id: int = 7, **values: Any) -> int:
    """An update of `account` that no handler could work on; its arrival number."""

    def aside(tx: Transaction) -> int:
        row = Inbox(
            update_id=update_id, account=account, payload="{}", received_at=counter.now,
            state="aside", **values,
        )  # fmt: skip
        tx.add(row)
        tx.flush()
        return row.id

    return counter.ask(aside)


def unreachable(counter: Counter, account: int, why: str) -> None:
    counter.ask(people.unreachable, account, counter.now, why)


def audited(counter: Counter) -> list[tuple[str, str, int | None, int | None]]:
    noted = select(Audit).where(col(Audit.action).startswith("saw to")).order_by(col(Audit.id))
    rows = counter.ask(lambda tx: tx.exec(noted).all())
    return [(it.actor, it.action, it.patient_id, it.treatment_id) for it in rows]


# --- what it says


def test_an_empty_list_says_so_kindly(counter: Counter) -> None:
    counter.enrol(PATIENT)
    assert counter.say(OWNER, "/worklist") == NOTHING
    assert counter.send(OWNER, "worklist:5").startswith("There is no more.")


@pytest.mark.parametrize("account", [PATIENT, STRANGER])
def test_for_anybody_but_the_team_there_is_no_such_command(counter: Counter, account: int) -> None:
    counter.enrol(PATIENT)
    row = failed(counter)
    assert "do not know that command" in counter.say(account, "/worklist")
    assert "do not know that command" in counter.send(account, "worklist:0")
    assert "do not know that command" in counter.send(account, f"seen:m{row.id}")
    assert "Ana López" in counter.say(OWNER, "/worklist")


def test_the_front_desk_sees_it_and_cannot_forward_it(counter: Counter) -> None:
    counter.enrol(PATIENT)
    counter.member(OTHER, "front desk")
    failed(counter)
    assert "Ana López" in counter.say(OTHER, "/worklist")
    assert counter.shown[OTHER][-1].protect


def test_a_message_that_failed_is_told_with_what_it_was_about_when_and_why(
    counter: Counter,
) -> None:
    counter.enrol(PATIENT)
    failed(counter)
    shown = counter.say(OWNER, "/worklist")
    assert "For you to look at: 1" in shown
    assert "Not sent (1)" in shown
    assert "1. Ana López\nAbout: sunscreen. Due: Wednesday 25 November, 09:00" in shown
    assert "Telegram did not take it. Please call and tell them about this." in shown


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("unusable", "I could not put this message together."),
        ("Message is too long", "It was too long for Telegram."),
        ("Can't parse entities: unsupported start tag", "could not read how it was written"),
        (REFUSED, "Telegram did not take it."),
        ("Button_data_invalid", "Telegram did not take it."),
    ],
)
def test_why_a_message_failed_is_told_in_plain_words(
    counter: Counter, reason: str, told: str
) -> None:
    counter.enrol(PATIENT)
    failed(counter, reason=reason)
    shown = counter.say(OWNER, "/worklist")
    assert told in shown
    assert reason not in shown


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("blocked", "They have blocked this bot."),
        ("Forbidden: bot was blocked by the user", "They have blocked this bot."),
        ("Forbidden: user is deactivated", "Their Telegram account was deleted."),
        (
            "Forbidden: bot can't initiate conversation with a user",
            "They have not opened the chat with this bot.",
        ),
        ("Chat not found", "Telegram does not find their account."),
        ("Forbidden: something new", "Telegram does not let me write to them."),
    ],
)
def test_why_somebody_cannot_be_reached_is_told_in_plain_words(
    counter: Counter, why: str, told: str
) -> None:
    counter.enrol(PATIENT)
    unreachable(counter, PATIENT, why)
    shown = counter.say(OWNER, "/worklist")
    assert "Cannot be reached on Telegram (1)" in shown
    assert f"1. Ana López, since Monday 23 November, 14:00\n{told} " in shown
    assert "They would miss “the first hours” on Monday 23 November, 14:30." in shown
    assert ("To get messages again" in shown) == ("blocked" in why or "initiate" in why)
    assert why == "blocked" or why not in shown


@pytest.mark.parametrize(
    ("button", "told"),
    [
        ("Everything off", "No more messages would come, so there is no need to call."),
        ("Tips off, keep appointments", "They would miss “before your session” on"),
    ],
)
def test_what_the_patient_had_stopped_would_not_be_missed(
    counter: Counter, button: str, told: str
) -> None:
    counter.enrol(PATIENT)
    counter.say(PATIENT, "/stop")
    counter.press(PATIENT, button)
    unreachable(counter, PATIENT, "blocked")
    assert told in counter.say(OWNER, "/worklist")


@pytest.mark.parametrize(
    ("step", "later", "told"),
    [
        ("check_72", {}, "as soon as you can: it is about safety"),
        ("check_72", {"days": 9}, "as soon as you can: it is about safety"),
        ("day2", {}, "Please call and tell them about this."),
        ("day2", {"days": 9}, "Its time is over."),
        ("coming", {}, "ask if they know when their visit is"),
        ("coming", {"days": 40}, "Its time is over."),
    ],
)
def test_what_to_do_depends_on_the_message_and_on_whether_it_still_helps(
    counter: Counter, step: str, later: dict[str, float], told: str
) -> None:
    counter.enrol(PATIENT)
    failed(counter, step)
    counter.move(**later)
    assert told in counter.say(OWNER, "/worklist")


def test_about_a_session_cancelled_since_nobody_need_call(counter: Counter) -> None:
    counter.enrol(PATIENT)
    failed(counter, "check_72")
    counter.say(OWNER, "/cancel Ana López")
    counter.press(OWNER, "Cancel this session")
    shown = counter.say(OWNER, "/worklist")
    assert "The session was cancelled since, so there is no need to call." in shown
    assert "safety" not in shown


def test_a_step_of_another_version_of_the_content_stops_nothing(counter: Counter) -> None:
    counter.enrol(PATIENT)
    change(counter, "day2", step="gone", state="failed", reason="unusable")
    change(counter, "first_hours", step="gone_too", try_at=counter.now)
    unreachable(counter, PATIENT, "blocked")
    shown = counter.say(OWNER, "/worklist")
    assert "About: a message of an older plan. Due: Wednesday 25 November, 09:00" in shown
    assert "They would miss “the first evening”" in shown


def test_a_message_that_will_be_repeated_is_not_on_the_list(counter: Counter) -> None:
    counter.enrol(PATIENT)
    row = change(counter, "day2", state="unknown", reason="repeats", try_at=counter.now)
    assert counter.say(OWNER, "/worklist") == NOTHING
    counter.send(OWNER, f"seen:m{row.id}")
    in_doubt(counter, "day2")
    assert "May not have arrived (1)" in counter.say(OWNER, "/worklist")


def test_who_got_no_answer_is_told_by_name_to_the_own_clinic(counter: Counter) -> None:
    counter.enrol(PATIENT)
    set_aside(counter, PATIENT)
    shown = counter.say(OWNER, "/worklist")
    assert "1. Ana López, Monday 23 November, 14:00\nPlease call soon" in shown
    assert counter.say(RIVAL, "/worklist") == NOTHING


@pytest.mark.parametrize("account", [STRANGER, -100500, None])
def test_who_is_not_known_is_told_to_the_first_clinic(
    counter: Counter, account: int | None
) -> None:
    set_aside(counter, account)
    assert "Somebody I do not know" in counter.say(OWNER, "/worklist")
    assert counter.say(RIVAL, "/worklist") == NOTHING


def test_a_colleague_who_got_no_answer_is_no_stranger(counter: Counter) -> None:
    set_aside(counter, RIVAL)
    assert counter.say(OWNER, "/worklist") == NOTHING
    assert "1. Rival, Monday 23 November, 14:00\nOf your team." in counter.say(RIVAL, "/worklist")


def test_the_most_urgent_come_first_and_the_newest_of_each(counter: Counter) -> None:
    counter.enrol(PATIENT)
    failed(counter, "day2")
    failed(counter, "day5")
    in_doubt(counter)
    set_aside(counter, PATIENT)
    unreachable(counter, PATIENT, "blocked")
    shown = counter.say(OWNER, "/worklist")
    places = [shown.index(it) for it in (
        "I could not answer (1)", "Not sent (2)", "2. Ana López\nAbout: moisturiser and peeling",
        "3. Ana López\nAbout: sunscreen", "May not have arrived (1)", "on Telegram (1)",
    )]  # fmt: skip
    assert places == sorted(places)


@pytest.mark.parametrize("name", [HOSTILE, "🌸" * 300, "&" * 300, '"' * 300, "Ñ" * 300])
def test_a_page_of_any_names_is_one_message_and_leaves_nobody_out(
    counter: Counter, name: str
) -> None:
    counter.enrol(PATIENT)
    set_aside(counter, PATIENT)
    failed(counter, "day2")
    failed(counter, "check_72")
    in_doubt(counter)
    unreachable(counter, PATIENT, "user is deactivated")

    def rename(tx: Transaction) -> None:
        people.patient(tx, 1).name = name

    counter.ask(rename)
    pages = [counter.say(OWNER, "/worklist")]
    while "Show more" in [it.label for it in counter.buttons(counter.shown[OWNER][-1])]:
        pages.append(counter.press(OWNER, "Show more"))
    assert sum(page.count(name) for page in pages) == 5
    assert [n for n in range(1, 6) if any(f"{n}. {name}" in page for page in pages)] == [
        1, 2, 3, 4, 5,
    ]  # fmt: skip


# --- leaving it


def test_seen_to_one_leaves_the_list_and_is_noted_in_the_audit(counter: Counter) -> None:
    counter.enrol(PATIENT)
    first, second = failed(counter, "day5"), failed(counter, "day2")
    arrival = set_aside(counter, PATIENT)
    counter.say(OWNER, "/worklist")
    assert counter.labels(OWNER) == ["✓ 1", "✓ 2", "✓ 3", ALL]
    shown = counter.press(OWNER, "✓ 2")
    assert counter.edits[-1] == "Noted. Here is the list as it is now:"
    assert "For you to look at: 2" in shown
    assert "moisturiser" not in shown
    assert audited(counter) == [("staff:2", f"saw to message {first.id}", 1, 1)]
    assert counter.press(OWNER, ALL) == NOTHING
    assert audited(counter)[1:] == [
        ("staff:2", f"saw to message {second.id}", 1, 1),
        ("staff:2", f"saw to update {arrival}", 1, None),
    ]


def test_seen_to_means_what_the_page_showed_and_nothing_that_came_since(counter: Counter) -> None:
    counter.enrol(PATIENT)
    failed(counter, "day5")
    failed(counter, "day7")
    set_aside(counter, PATIENT, 7)
    counter.say(OWNER, "/worklist")
    failed(counter, "day2")
    set_aside(counter, PATIENT, 8)
    shown = counter.press(OWNER, ALL)
    assert "For you to look at: 2" in shown
    assert "About: sunscreen" in shown


def test_pressed_twice_or_by_a_colleague_it_is_noted_once(counter: Counter) -> None:
    counter.enrol(PATIENT)
    counter.member(OTHER, "clinician")
    failed(counter)
    counter.say(OWNER, "/worklist")
    counter.say(OTHER, "/worklist")
    counter.press(OWNER, "✓ 1")
    counter.move(minutes=5)
    for who in (OWNER, OTHER):
        assert counter.press(who, "✓ 1") == ""
        assert "noted already" in counter.toasts[-1]
    assert len(audited(counter)) == 1
    seen = [row.seen_at for row in counter.rows() if row.seen_at]
    assert seen == [counter.now - timedelta(minutes=5)]


def test_another_clinics_button_sees_to_nothing(counter: Counter) -> None:
    counter.enrol(PATIENT)
    message, known = failed(counter), set_aside(counter, PATIENT, 7)
    unknown = set_aside(counter, STRANGER, 8)
    assert counter.send(RIVAL, f"seen:m{message.id}:u{known}:u{unknown}") == ""
    assert "For you to look at: 3" in counter.say(OWNER, "/worklist")
    assert audited(counter) == []


@pytest.mark.parametrize(
    "forged", ["seen:", "seen:m", "seen:mm1", "seen:m-1", f"seen:u{'9' * 40}", "seen:m٣", "seen:x"]
)
def test_an_invented_button_sees_to_nothing(counter: Counter, forged: str) -> None:
    counter.enrol(PATIENT)
    failed(counter)
    assert counter.send(OWNER, forged) == ""
    assert "For you to look at: 1" in counter.say(OWNER, "/worklist")


def test_who_cannot_be_reached_has_no_button_and_stays_until_reached(counter: Counter) -> None:
    counter.enrol(PATIENT)
    unreachable(counter, PATIENT, "blocked")
    shown = counter.say(OWNER, "/worklist")
    assert counter.shown[OWNER][-1].buttons == ()
    assert "press ✓" not in shown
    counter.send(OWNER, "seen:m1:u1")
    assert "Cannot be reached" in counter.say(OWNER, "/worklist")
    counter.ask(people.reachable, PATIENT)
    assert counter.say(OWNER, "/worklist") == NOTHING


def test_the_button_of_a_page_holds_the_highest_ids(counter: Counter) -> None:
    counter.enrol(PATIENT)
    for n in range(6):
        set_aside(counter, PATIENT, n, id=MOST_ID - n)
    counter.say(OWNER, "/worklist")  # the counter refuses a button that Telegram would
    shown = counter.press(OWNER, ALL)
    assert "For you to look at: 1" in shown


def test_a_long_list_is_walked_page_by_page(counter: Counter) -> None:
    counter.enrol(PATIENT)
    for n in range(12):
        set_aside(counter, PATIENT, n)
    first = counter.say(OWNER, "/worklist")
    assert "For you to look at: 12" in first
    assert "5. Ana" in first
    assert "6. Ana" not in first
    assert "10. Ana" in counter.press(OWNER, "Show more")
    assert "12. Ana" in counter.press(OWNER, "Show more")
    assert "Show more" not in counter.labels(OWNER)
    assert "For you to look at: 10" in counter.press(OWNER, ALL)
    assert "1. Ana" in counter.say(OWNER, "/worklist 5")


# --- on both databases


def of_two_clinics(tx: Transaction, many: int = 0) -> None:
    """A little of every trouble in the first clinic and less in the second, and of what is none."""
    add_clinic(tx)
    tx.add(Clinic(name="B", phone="1", emergency_number="112", timezone="UTC", created_at=MOMENT))
    tx.flush()
    tx.add(Staff(clinic_id=2, account=9001, name="Rival", role="owner", joined_at=MOMENT))
    tx.add(
        Patient(
            clinic_id=2, account=9002, name="C", plain_name="c", timezone="UTC", created_at=MOMENT
        )
    )
    rows = Rows(tx)
    untaken(tx, "today", "today")
    untaken(tx, "emergency", taken_by=1, taken_at=MOMENT)
    untaken(tx, "emergency", seen_at=MOMENT)
    untaken(tx, "today", clinic_id=2)
    rows.patients(3, unreachable_at=MOMENT)
    rows.patients(clinic_id=2, unreachable_at=MOMENT)
    rows.reminders(4, state="failed")
    rows.reminders(state="failed", seen_at=MOMENT)
    rows.reminders(5, state="unknown")
    rows.reminders(2, state="unknown", try_at=AHEAD)
    rows.reminders(clinic_id=2, state="failed")
    rows.updates(6, state="aside", account=424242)
    rows.updates(state="aside", account=424242, seen_at=MOMENT)
    for account in (9001, 9002):
        rows.updates(state="aside", account=account)
    rows.updates(state="new")
    if many:
        untaken(tx, *["today"] * many, seen_at=MOMENT)
        rows.patients(many)
        rows.reminders(many, state="sent")
        rows.reminders(many, try_at=AHEAD)
        rows.updates(many, state="done")
        session = tx.exec(select(Treatment)).one().model_dump(exclude={"id"})
        tx.execute(insert(Treatment), [session] * many)


def untaken(tx: Transaction, *levels: str, **values: Any) -> None:
    """Alerts of the first patient."""
    common = {
        "clinic_id": 1, "patient_id": 1, "account": 7, "topic": "infection",
        "written_at": MOMENT, "created_at": MOMENT, **values,
    }  # fmt: skip
    tx.execute(insert(Alert), [{**common, "level": level} for level in levels])


def walk(tx: Transaction, clinic_id: int, limit: int) -> list[tuple[str, worklist.Item]]:
    """The whole list, `limit` at a time."""
    items: list[tuple[str, worklist.Item]] = []
    while found := worklist.page(tx, clinic_id, offset=len(items), limit=limit).items:
        assert len(found) <= limit
        items += found
    return items


@pytest.mark.parametrize("limit", [1, 4, 5, 100])
async def test_each_clinic_has_its_own_and_the_pages_leave_nothing_out(
    database: Database, limit: int
) -> None:
    await database.run(of_two_clinics)
    page = await database.read(worklist.page, 1, offset=0, limit=limit)
    assert page.counts == {
        "alert": 2, "unanswered": 6, "failed": 4, "unknown": 5, "unreachable": 3,
    }  # fmt: skip
    items = await database.read(walk, 1, limit)
    assert [group for group, _ in items] == [
        group for group, count in page.counts.items() for _ in range(count)
    ]
    assert len({repr(item) for _, item in items}) == 20
    other = await database.read(worklist.page, 2, offset=0, limit=limit)
    assert other.counts == {
        "alert": 1, "unanswered": 2, "failed": 1, "unknown": 0, "unreachable": 1,
    }  # fmt: skip


async def test_seen_to_are_the_clinics_own_that_are_on_its_list(database: Database) -> None:
    await database.run(of_two_clinics)

    def see_to(tx: Transaction, clinic_id: int) -> list[worklist.SeenTo]:
        every = dict.fromkeys(("messages", "updates", "troubles"), range(1, 100))
        return worklist.see_to(tx, clinic_id, now=MOMENT, **every)

    assert len(await database.run(see_to, 1)) == 17
    assert await database.run(see_to, 1) == []
    left = await database.read(worklist.page, 1, offset=0, limit=100)
    assert left.counts == {
        "alert": 0, "unanswered": 0, "failed": 0, "unknown": 0, "unreachable": 3,
    }  # fmt: skip
    other = await database.read(worklist.page, 2, offset=0, limit=100)
    assert (other.counts["failed"], other.counts["unanswered"]) == (1, 2)


async def test_what_is_not_in_trouble_costs_nothing(database: Database) -> None:
    """The clinics are few; all the other tables grow for ever."""
    await database.run(of_two_clinics, 5_000)
    await database.run(analyze)

    def asking(tx: Transaction) -> None:
        worklist.page(tx, 1, offset=0, limit=5)
        worklist.page(tx, 1, offset=10, limit=50)

    plans = await database.run(plans_of, asking)
    assert len(plans) > 10
    assert [plan for plan in plans if reads_all(_without_small_tables(plan))] == []
    used = "\n".join(plans)
    for index in ("alert_open", "inbox_aside", "reminder_troubled", "patient_unreachable"):
        assert index in used


def _without_small_tables(plan: str) -> str:
    small = ("on clinic", "on staff", "SCAN clinic", "SCAN staff")
    return "\n".join(line for line in plan.splitlines() if not any(it in line for it in small))


# --- over the wire


async def listed(story: Story) -> str:
    """What the owner reads in /worklist."""
    await story.reads(story.owner)
    story.move(seconds=5)
    story.owner.say("/worklist")
    return (await story.reads(story.owner))[-1]


async def fall_due(story: Story, step: str) -> Reminder:
    """Let the clock come to a step of Ana's plan; what became of it."""
    before = next(row for row in await story.rows() if row.step == step)
    story.move_to(before.due_at)
    await story.settled()
    return next(row for row in await story.rows() if row.step == step)


@pytest.mark.parametrize(
    ("leave", "told"),
    [
        (Person.block, "They have blocked this bot."),
        (Person.delete_account, "Their Telegram account was deleted."),
    ],
)
async def test_who_blocked_the_bot_or_left_telegram_is_listed(
    story: Story, leave: Callable[[Person], None], told: str
) -> None:
    await story.enrol(story.ana)
    leave(story.ana)
    await fall_due(story, "first_hours")
    shown = await listed(story)
    assert "1. Ana López, since Monday 23 November, 14:" in shown
    assert told in shown
    assert "They would miss “the first evening” on Monday 23 November, 19:30." in shown
    assert story.owner.received[-1].protected


async def test_who_lets_the_bot_in_again_leaves_the_list(story: Story) -> None:
    await story.enrol(story.ana)
    story.ana.block()
    assert "Ana López" in await listed(story)
    story.ana.unblock()
    assert await listed(story) == NOTHING


async def test_a_message_in_doubt_is_listed_until_somebody_has_seen_to_it(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chat.request.SEND_TIMEOUT", 0.3)
    await story.enrol(story.ana)
    story.simulator.faults.add("hang_after", chat_id=story.ana.id)
    row = await fall_due(story, "day14")
    assert (row.state, row.try_at) == ("unknown", None)
    shown = await listed(story)
    assert "May not have arrived (1)" in shown
    assert "1. Ana López\nAbout: sun, and a look at your skin. Due: Monday 7 December," in shown
    page = story.owner.received[-1]
    story.owner.press("✓ 1")
    assert (await story.reads(story.owner))[-1] == NOTHING
    await story.owner.until(lambda: page.text.startswith("Noted."))
    assert page.labels == []
    assert await listed(story) == NOTHING


async def test_a_message_that_telegram_refused_is_listed(story: Story) -> None:
    await story.enrol(story.ana)
    story.simulator.faults.add("migrate", chat_id=story.ana.id, new_id=-100123)
    assert (await fall_due(story, "first_hours")).state == "failed"
    shown = await listed(story)
    assert "Not sent (1)" in shown
    assert "1. Ana López\nAbout: the first hours. Due: Monday 23 November, 14:30" in shown
    assert "Telegram did not take it. Please call as soon as you can" in shown


async def test_who_wrote_what_could_not_be_handled_is_listed_by_name(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a fault of ours")

    await story.enrol(story.ana, LINE)
    story.ben.open()
    await story.settled()
    monkeypatch.setattr(questions, "free_text", broken)
    monkeypatch.setattr("bot.chat.inbox_worker.PAUSE", 0.01)
    story.ana.say("poison")
    await story.settled()
    story.ben.say("poison")
    await story.settled()
    monkeypatch.undo()
    shown = await listed(story)
    assert "I could not answer (2)" in shown
    assert "1. Somebody I do not know, Monday 23 November, 14:00" in shown
    assert "2. Ana López, Monday 23 November, 14:00" in shown
    assert "poison" not in shown
    story.owner.press(ALL)
    assert (await story.reads(story.owner))[-1] == NOTHING
