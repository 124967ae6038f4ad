"""`/invite`, team links, what each role sees, and what another clinic must not reach."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.chat import arrival
from tests.counter import (
    CLINICIAN,
    LINE,
    LINK,
    OTHER,
    OWNER,
    PATIENT,
    RIVAL,
    STRANGER,
    Counter,
    counter,
    empty,
)
from tests.story import Story

__all__ = ["counter", "empty"]


@pytest.mark.parametrize(
    ("asked", "role"),
    [("clinician", "clinician"), ("front desk", "front_desk"), ("Front-Desk", "front_desk"),
     ("front_desk", "front_desk"), ("receptionist", "front_desk"), ("OWNER", "owner")],
)  # fmt: skip
def test_who_opens_the_link_is_on_the_team_at_once(counter: Counter, asked: str, role: str) -> None:
    counter.member(CLINICIAN, asked)
    assert counter.team()[CLINICIAN] == role
    assert CLINICIAN in counter.menus
    assert "Nothing is saved yet" in counter.say(CLINICIAN, f"/newsession {LINE}")


def test_the_first_owner_comes_by_the_link_of_the_command_line(counter: Counter) -> None:
    assert counter.team()[OWNER] == "owner"
    assert LINK.search(counter.say(OWNER, "/invite clinician"))


@pytest.mark.parametrize(
    ("asked", "told"),
    [("", "Whom do you want to add?"), ("boss", "I do not know the role “boss”"),
     ("<b>&" * 1020, "I do not know the role “<b>&")],
)  # fmt: skip
def test_a_role_there_is_not_is_told(counter: Counter, asked: str, told: str) -> None:
    said = counter.say(OWNER, f"/invite {asked}")
    assert told in said
    assert "/invite front desk" in said


def test_only_owners_invite(counter: Counter) -> None:
    counter.member(CLINICIAN, "clinician")
    assert counter.say(CLINICIAN, "/invite owner") == "Only an owner can do this."


def test_the_owner_is_told_who_joined_and_takes_it_back_once(counter: Counter) -> None:
    counter.member(CLINICIAN, "clinician")
    told = counter.shown[OWNER][-1]
    assert told.text.startswith("<b>Person 1002</b> is now on the team as clinician")
    back = counter.action(OWNER, "Take it back")
    counter.menus.clear()
    assert "Person 1002 is not on the team any more" in counter.press(OWNER, "Take it back")
    assert CLINICIAN not in counter.team()
    assert counter.menus == [CLINICIAN]
    assert counter.send(OWNER, back) == ""
    assert "dealt with already" in counter.toasts[-1]


def test_the_old_button_does_not_reach_somebody_who_came_back(counter: Counter) -> None:
    counter.member(CLINICIAN, "clinician")
    back = counter.action(OWNER, "Take it back")
    counter.send(OWNER, back)
    counter.member(CLINICIAN, "front desk")
    assert counter.send(OWNER, back) == ""
    assert counter.team()[CLINICIAN] == "front_desk"


def test_nobody_but_an_owner_takes_anybody_off(counter: Counter) -> None:
    counter.member(CLINICIAN, "clinician")
    counter.send(CLINICIAN, counter.action(OWNER, "Take it back"))
    counter.send(CLINICIAN, "member:2")
    assert set(counter.team()) >= {OWNER, CLINICIAN}
    counter.send(OWNER, "member:2")
    assert OWNER in counter.team(), "not even themselves"


def test_a_team_link_is_good_for_one_person(counter: Counter) -> None:
    code = counter.member(CLINICIAN, "clinician")
    counter.say(STRANGER, f"/start {code}")
    assert STRANGER not in counter.team()
    assert "You are on the team already" in counter.say(CLINICIAN, f"/start {code}")


def test_a_team_link_runs_out_after_seven_days(counter: Counter) -> None:
    link = LINK.search(counter.say(OWNER, "/invite clinician"))
    assert link
    counter.move(days=7)
    counter.say(STRANGER, f"/start {link[1]}")
    assert STRANGER not in counter.team()


def test_an_expired_link_gives_a_member_no_new_role(counter: Counter) -> None:
    counter.member(CLINICIAN, "clinician")
    link = LINK.search(counter.say(OWNER, "/invite owner"))
    assert link
    counter.move(days=7)
    counter.say(CLINICIAN, f"/start {link[1]}")
    assert counter.team()[CLINICIAN] == "clinician"


def test_a_member_gets_a_new_role_by_a_new_link_and_an_owner_loses_none(
    counter: Counter,
) -> None:
    counter.member(CLINICIAN, "front desk")
    counter.member(CLINICIAN, "owner")
    assert counter.team()[CLINICIAN] == "owner"
    code = counter.member(CLINICIAN, "clinician")
    assert counter.team()[CLINICIAN] == "owner"
    counter.say(STRANGER, f"/start {code}")
    assert counter.team()[STRANGER] == "clinician", "the link was not used up"


def test_who_was_taken_off_cannot_use_the_old_link_or_any_command(counter: Counter) -> None:
    code = counter.member(CLINICIAN, "clinician")
    counter.say(CLINICIAN, f"/newsession {LINE}")
    save = counter.action(CLINICIAN, "Save session")
    counter.press(OWNER, "Take it back")
    counter.say(CLINICIAN, f"/start {code}")
    assert CLINICIAN not in counter.team()
    counter.send(CLINICIAN, save)
    assert counter.sessions() == []
    for command in ("newsession", "sessions", "reschedule", "cancel", "invite"):
        assert "do not know that command" in counter.say(CLINICIAN, f"/{command} {LINE}")


@pytest.mark.parametrize("command", [*arrival.STAFF_MENU, *arrival.OWNER_MENU])
def test_staff_commands_are_unknown_to_everybody_else(counter: Counter, command: str) -> None:
    counter.enrol(PATIENT)
    for account in (PATIENT, STRANGER):
        assert "do not know that command" in counter.say(account, f"/{command} Ana López, none")


# --- another clinic


@pytest.mark.parametrize(
    "forged",
    ["undo:1", "link:1", "draft:1:save", "draft:1:same:1", "change:2:do", "change:2:who:1",
     "change:3:do", "member:2", "member:1", "sessions:0"],
)  # fmt: skip
def test_another_clinics_staff_reach_nothing_by_pressing_what_is_not_theirs(
    counter: Counter, forged: str
) -> None:
    counter.record()
    counter.say(OWNER, "/cancel Ana López")
    counter.say(OWNER, "/reschedule Ana López, none")
    assert "Ana" not in counter.send(RIVAL, forged)
    (session,) = counter.sessions()
    assert session.next_at == datetime(2026, 12, 21, 10, 0, tzinfo=UTC)
    assert set(counter.team()) == {OWNER, RIVAL}
    assert "Has not opened the link yet" in counter.say(OWNER, "/sessions")


def test_another_clinics_patient_of_the_same_name_is_not_seen(counter: Counter) -> None:
    counter.enrol(PATIENT)
    assert "No sessions" in counter.say(RIVAL, "/sessions")
    assert "I do not find a patient" in counter.say(RIVAL, "/cancel Ana López")
    assert "I do not find a patient" in counter.say(RIVAL, "/reschedule Ana López, none")
    assert "already a patient" not in counter.say(RIVAL, f"/newsession {LINE}")
    counter.send(RIVAL, "draft:2:same:1")
    counter.press(RIVAL, "Save session")
    assert [(patient.clinic_id, patient.name) for patient in counter.patients()] == [
        (1, "Ana López"), (2, "Ana López"),
    ]  # fmt: skip
    counter.say(RIVAL, "/cancel Ana López")
    counter.send(RIVAL, "change:3:who:1")
    counter.press(RIVAL, "Cancel this session")
    assert [session.clinic_id for session in counter.sessions()] == [1]


def test_what_one_clinic_shows_another_owner_is_not_told(counter: Counter) -> None:
    counter.member(CLINICIAN, "clinician")
    assert RIVAL not in counter.shown
    assert OTHER not in counter.shown


# --- over the wire


async def test_each_role_has_its_own_menu(story: Story) -> None:
    def menu(person) -> list[str]:  # type: ignore[no-untyped-def]
        return [command["command"] for command in person.commands]

    assert menu(story.owner) == ["newsession", "sessions", "reschedule", "cancel", "worklist",
                                 "invite", *arrival.PATIENT_MENU]  # fmt: skip
    assert menu(story.ana) == list(arrival.PATIENT_MENU)
    story.owner.say("/invite front desk")
    link = link_in((await story.reads(story.owner))[-1])
    story.ben.open_link(link)
    assert "Welcome, Ben" in (await story.reads(story.ben))[-1]
    await story.ben.until(lambda: "newsession" in menu(story.ben))
    assert menu(story.ben) == ["newsession", "sessions", "reschedule", "cancel", "worklist",
                               *arrival.PATIENT_MENU]  # fmt: skip
    await story.reads(story.owner)
    story.owner.press("Take it back")
    await story.ben.until(lambda: menu(story.ben) == list(arrival.PATIENT_MENU))


def link_in(text: str) -> str:
    return next(word for word in text.split() if word.startswith("https://t.me/"))
