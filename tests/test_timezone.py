"""`/timezone`: a patient who is somewhere else gets messages by the clock there."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from content.cities import zones_like, zones_of
from tests.story import Story
from tests.test_patient_chat import asks, forged, patient, pressed

LANGUAGES = ("en", "es")
EVENING_OR_MORNING = {"first_hours"}
"""What comes so many hours after the session, whatever the clock shows."""


@pytest.mark.parametrize(
    ("written", "zones"),
    [
        ("Madrid", ("Europe/Madrid",)),
        ("  new york ", ("America/New_York",)),
        ("London, Ontario", ()),
        ("nueva york", ("America/New_York",)),
        ("MÉXICO CITY", ("America/Mexico_City",)),
        ("ciudad de mexico", ("America/Mexico_City",)),
        ("Europe/Madrid", ("Europe/Madrid",)),
        ("bogota", ("America/Bogota",)),
        ("Buenos Aires", ("America/Argentina/Buenos_Aires",)),
        ("Kolkata", ("Asia/Kolkata",)),
        ("Calcutta", ("Asia/Kolkata",)),
        ("", ()),
        ("my face hurts", ()),
        ("12", ()),
    ],
)
def test_a_city_is_known_by_its_names(written: str, zones: tuple[str, ...]) -> None:
    assert zones_of(written, LANGUAGES) == zones


def test_a_misspelt_city_is_offered() -> None:
    assert zones_of("New Yrok", LANGUAGES) == ()
    assert zones_like("New Yrok", LANGUAGES)[0] == "America/New_York"
    assert zones_like("my face hurts", LANGUAGES) == ()
    assert zones_like("Madrid, Spain", LANGUAGES)[0] == "Europe/Madrid"


async def test_the_plan_moves_to_the_clock_where_the_patient_is(story: Story) -> None:
    ana = await patient(story)
    before = {row.step: row.due_at for row in await story.rows()}
    said = await asks(story, ana, "/timezone")
    assert "the clock in London, where it is 14:" in said
    done = await asks(story, ana, "/timezone New York")
    assert "the clock in New York now, where it is 09:" in done
    rows = await story.rows()
    assert {row.timezone for row in rows if row.try_at} == {"America/New_York"}
    moved = [row for row in rows if row.try_at and row.step not in EVENING_OR_MORNING]
    assert moved
    zone = ZoneInfo("America/New_York")
    for row in moved:
        local = row.due_at.astimezone(zone)
        assert 8 <= local.hour < 21, row.step
        assert local.replace(tzinfo=None) == row.due_local
    assert any(row.due_at - before[row.step] == timedelta(hours=5) for row in moved)
    assert len({(row.step, row.occasion) for row in rows}) == len(rows)


async def test_several_cities_are_offered_as_buttons(story: Story) -> None:
    ana = await patient(story)
    await asks(story, ana, "/timezone New Yrok")
    assert "New York (America)" in ana.received[-1].labels
    assert "New York now" in (await pressed(story, ana, "New York (America)"))[0]
    assert (await story.rows())[-1].timezone == "America/New_York"
    forged(story, ana, "zone:Atlantis/Capital")
    await story.settled()
    assert (await story.rows())[-1].timezone == "America/New_York"


async def test_an_unknown_city_is_said_kindly_and_a_warning_sign_is_heeded(story: Story) -> None:
    ana = await patient(story)
    said = await asks(story, ana, "/timezone <b>Springfield</b> under the hill")
    assert said.startswith("I do not know “<b>Springfield</b> under the hill”.")
    alarm = await asks(story, ana, "/timezone my throat is closing up")
    assert alarm.startswith("Call ")


async def test_who_is_no_patient_is_told_whose_clock_counts(story: Story) -> None:
    assert "A patient says here" in await asks(story, story.ana, "/timezone Madrid")
