"""What the tests share whose bot is other processes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bot.clock import MovableClock
from bot.config import Settings
from bot.simulator import Simulator
from storage.database import Database
from storage.models import Reminder
from tests.process import write_offset
from tests.story import all_reminders


class Apart:
    """A story whose bot is other processes: its people, its clock, and a look into its database."""

    def __init__(
        self, simulator: Simulator, clock: MovableClock, folder: Path, settings: Settings
    ) -> None:
        self.simulator, self.clock, self.folder = simulator, clock, folder
        self.settings = settings
        self.clock_file = folder / "offset"
        self.move_to(clock.now())
        self.owner = simulator.add_person(1001, "Rosa")
        self.ana = simulator.add_person(2001, "Ana")

    def move_to(self, moment: datetime) -> None:
        self.clock.move_to(moment)
        write_offset(self.clock_file, moment)

    def rows(self) -> list[Reminder]:
        database = Database(self.settings.database_url)
        try:
            return database.run_now(all_reminders)
        finally:
            database.close()
