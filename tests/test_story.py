"""The main job, end to end, over HTTP: recorded, agreed, each message at its minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.story import Story

ENDED = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)
VISIT = datetime(2026, 12, 21, 10, 0, tzinfo=UTC)


async def test_each_message_comes_at_its_minute_and_once(story: Story) -> None:
    answer = await story.enrol(story.ana)
    assert "Thank you" in answer.text
    await story.reads(story.ana)
    expected = [row for row in await story.rows() if row.state == "scheduled"]
    assert [row.step for row in expected] == [
        "first_hours", "first_evening", "next_morning", "day1_evening", "day2", "check_72",
        "day5", "day7", "day14", "precare", "coming", "today",
    ]  # fmt: skip
    for row in expected:
        story.move_to(row.due_at - timedelta(seconds=5))
        assert await story.reads(story.ana) == [], row.step
        story.move_to(row.due_at)
        assert len(await story.reads(story.ana)) == 1, row.step
    assert {row.state for row in await story.rows()} == {"sent"}
    story.move(days=60)
    assert await story.reads(story.ana) == []
