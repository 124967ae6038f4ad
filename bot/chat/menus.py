"""The command menu each person sees: patients' for all, the team's in their own chats."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from telegram import Bot, BotCommand, BotCommandScopeAllPrivateChats, BotCommandScopeChat
from telegram.error import TelegramError

from bot.care.values import Desk
from bot.chat import arrival
from bot.chat.staff import team
from storage import people
from storage.database import Database

log = structlog.get_logger(__name__)


async def show_to_all(bot: Bot, desk: Desk, database: Database) -> None:
    """Set every menu, at a start. Menus are looks: whoever has none can still write commands."""
    try:
        await bot.set_my_commands(
            _commands(desk, arrival.PATIENT_MENU), scope=BotCommandScopeAllPrivateChats()
        )
    except TelegramError as error:
        log.warning("menus.not_set", problem=type(error).__name__)
    for account in await database.read(people.everyone_on_a_team):
        try:
            await show_to(bot, desk, database, account)
        except TelegramError as error:
            log.info("menus.not_set_for_one", problem=type(error).__name__)


async def show_to(bot: Bot, desk: Desk, database: Database, account: int) -> None:
    """Set the menu of one account for what it is now. Raises TelegramError."""
    staff = await database.read(people.staff_by_account, account)
    scope = BotCommandScopeChat(account)
    if staff is None:
        await bot.delete_my_commands(scope=scope)
        return
    own = (*arrival.STAFF_MENU, *(arrival.OWNER_MENU if staff.role == team.OWNER else ()))
    await bot.set_my_commands(_commands(desk, (*own, *arrival.PATIENT_MENU)), scope=scope)


def _commands(desk: Desk, names: Iterable[str]) -> list[BotCommand]:
    return [BotCommand(name, desk.say("en", f"chat.menu.{name}").unescape()) for name in names]
