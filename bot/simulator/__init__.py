"""A Telegram on this machine: the Bot API over HTTP, and the people in it.

It holds every call against the Bot API (`spec`), and so it does all that it answers and tells
(`results`). What it does not do is listed in `gaps`.
"""

from bot.simulator.server import Simulator

__all__ = ["Simulator"]
