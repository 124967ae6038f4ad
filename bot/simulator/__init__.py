"""A Telegram on this machine: the Bot API over HTTP, the people in it, and a page to be them."""

from bot.simulator.server import Simulator

__all__ = ["Simulator"]
