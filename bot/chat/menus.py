"""The command menu each person sees: patients' for all, the team's in their own chats."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from telegram import Bot, BotCommand, BotCommandScopeAllPrivateChats, BotCommandScopeChat
from telegram.error import TelegramError

from bot.care.values import Desk, NewMenu
from bot.chat import arrival
from bot.chat.staff import team
from storage import people
from storage.database import Database, Transaction

log = structlog.get_logger(__name__)


async def show_to_all(bot: Bot, desk: Desk, database: Database) -> None:
    """Set every menu, at a start. Menus are looks: whoever has none can still write commands."""
    clinic = await database.read(people.first_clinic)
    of_clinic = clinic.language if clinic else "en"
    # Whoever's phone speaks a language without texts is shown the clinic's.
    for phone, spoken in [("", of_clinic), *((it, it) for it in desk.library.texts.languages)]:
        try:
            await bot.set_my_commands(
                _commands(desk, arrival.PATIENT_MENU, spoken),
                scope=BotCommandScopeAllPrivateChats(),
                language_code=phone,
            )
        except TelegramError as error:
            log.warning("menus.not_set", problem=type(error).__name__, language=phone)
    for account in await database.read(people.everyone_on_a_team):
        try:
            await show_to(bot, desk, database, NewMenu(account=account))
        except TelegramError as error:
            log.info("menus.not_set_for_one", problem=type(error).__name__)


async def show_to(bot: Bot, desk: Desk, database: Database, menu: NewMenu) -> None:
    """Set the menu of one account for what it is now. Raises TelegramError."""
    scope = BotCommandScopeChat(menu.account)
    of_team = await database.read(_of_team, menu.account)
    if of_team is not None:
        names, language = of_team
        await bot.set_my_commands(_commands(desk, names, language), scope=scope)
    elif menu.language is not None:
        commands = _commands(desk, arrival.PATIENT_MENU, menu.language)
        await bot.set_my_commands(commands, scope=scope)
    else:
        await bot.delete_my_commands(scope=scope)


def _of_team(tx: Transaction, account: int) -> tuple[Iterable[str], str] | None:
    """The commands of a member of staff, and the language they are described in."""
    staff = people.staff_by_account(tx, account)
    if staff is None:
        return None
    own = (*arrival.STAFF_MENU, *(arrival.OWNER_MENU if staff.role == team.OWNER else ()))
    return (*own, *arrival.PATIENT_MENU), people.clinic(tx, staff.clinic_id).language


def _commands(desk: Desk, names: Iterable[str], language: str) -> list[BotCommand]:
    return [BotCommand(it, desk.say(language, f"chat.menu.{it}").unescape()) for it in names]
