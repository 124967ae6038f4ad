"""The whole product on this machine, to be tried in a browser: `demo`.

The bot runs in a process of its own (`bot_process`, `in_process`) against a simulated Telegram; a
page shows its people, their chats, the clock and what is planned, and can break things.
"""

from __future__ import annotations

import asyncio
import webbrowser

from bot.app import stop_signal
from bot.config import SettingsError, examine_settings
from bot.demo.running import Demo
from bot.demo.serving import routes


async def demo(*, port: int, browser: bool) -> None:
    """`demo`: on a fresh database, until it is interrupted. Raises SettingsError."""
    settings, problems = examine_settings()
    if wrong := [it for it in problems if it.startswith("CONTENT_DIR:")]:
        raise SettingsError(wrong)
    async with Demo(settings.content_dir, routes).served(port) as url:
        print(f"Aftercare's demo is at {url} (stop it with Ctrl-C)", flush=True)
        if browser:
            await asyncio.to_thread(webbrowser.open, url)
        await stop_signal().wait()
