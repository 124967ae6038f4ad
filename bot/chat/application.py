"""Every command, button and message, and the use case that answers it: one table, top to bottom.

Each runs whole in one transaction in the storage thread: its effects, its answers as rows, and the
update marked as done are committed together; only then is anything sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from markupsafe import Markup
from telegram import CallbackQuery, ChatMember, Update
from telegram.constants import ParseMode
from telegram.error import TelegramError
from telegram.ext import (
    Application,
    BaseHandler,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    ContextTypes,
    ExtBot,
    MessageHandler,
    TypeHandler,
    filters,
)

from bot.care import alerts
from bot.care.values import LATE, Desk, Edit, Handle, Incoming, NewMenu, Outgoing, Reaction, Toast
from bot.chat import arrival, menus, reading
from bot.chat.patient import doubts, enrolment, questions, stopping, story, zone
from bot.chat.sender import keyboard
from bot.chat.staff import newsession, team, visits, worklist
from bot.clock import Clock
from bot.logs import where
from storage import inbox, outgoing, people
from storage.database import Database, Transaction
from storage.models import Staff

log = structlog.get_logger(__name__)

AnyHandler = BaseHandler[Any, Any, Any]
AnyApplication = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE
Callback = Callable[[Update, Context], Coroutine[Any, Any, None]]
StaffHandle = Callable[[Desk, Transaction, Staff, Incoming, datetime], Sequence[Reaction]]


def by_button(handle: Handle) -> Handle:
    """What a command does, where a button does it: the button's data are nobody's words."""

    def handled(
        desk: Desk, tx: Transaction, incoming: Incoming, now: datetime
    ) -> Sequence[Reaction]:
        return handle(desk, tx, replace(incoming, text=""), now)

    return handled


def staff_only(handle: StaffHandle, otherwise: Handle = arrival.unknown_command) -> Handle:
    """For the clinic's team; to anybody else the command does not exist."""

    def handled(
        desk: Desk, tx: Transaction, incoming: Incoming, now: datetime
    ) -> Sequence[Reaction]:
        staff = people.staff_by_account(tx, incoming.account)
        if staff is None:
            return otherwise(desk, tx, incoming, now)
        return handle(desk, tx, staff, incoming, now)

    return handled


def staffs_button(handle: StaffHandle) -> Handle:
    """As `staff_only`, for a button."""
    return staff_only(handle, by_button(arrival.unknown_command))


COMMANDS: dict[str, Handle] = {
    "start": arrival.start,
    "help": arrival.help_page,
    "today": questions.today,
    "plan": questions.plan,
    "next": questions.coming_next,
    "sideeffects": questions.side_effects,
    "contact": questions.contact,
    "language": arrival.language,
    "timezone": zone.ask,
    "stop": stopping.offer,
    "newsession": staff_only(newsession.begin),
    "sessions": staff_only(visits.list_sessions),
    "reschedule": staff_only(visits.reschedule),
    "cancel": staff_only(visits.cancel),
    "worklist": staff_only(worklist.show),
    "invite": staff_only(team.invite),
}
PRESSES: dict[str, Handle] = {
    "agree": enrolment.agree,
    "decline": enrolment.decline,
    "mine": enrolment.i_am_this_patient,
    "stop": stopping.stop,
    "why": questions.why,
    "topic": questions.topic,
    "doubt": doubts.press,
    "story": story.turn,
    "today": by_button(questions.today),
    "plan": by_button(questions.plan),
    "sideeffects": by_button(questions.side_effects),
    "language": arrival.choose_language,
    "zone": zone.choose,
    "onit": staffs_button(alerts.take),
    "draft": staffs_button(newsession.press),
    "undo": staffs_button(newsession.undo),
    "change": staffs_button(visits.press),
    "sessions": staffs_button(visits.list_sessions),
    "link": staffs_button(visits.new_link),
    "worklist": staffs_button(worklist.show),
    "seen": staffs_button(worklist.press),
    "member": staffs_button(team.take_back),
}
MOST_LOOKS = 200
NOT_TEXT = ~filters.TEXT & ~filters.StatusUpdate.ALL


class Doors:
    """Turns updates into use cases and commits what comes of them."""

    def __init__(
        self,
        *,
        desk: Desk,
        database: Database,
        clock: Clock,
        answered: Callable[[Sequence[int]], None],
    ) -> None:
        """`answered`: told which accounts have new answers, after the commit."""
        self._desk = desk
        self._database = database
        self._clock = clock
        self._answered = answered
        self._looks: set[asyncio.Task[None]] = set()
        self._turning: dict[tuple[int, int], asyncio.Task[None]] = {}
        self.failures: dict[int, BaseException] = {}
        """By update id: what went wrong in a handler, for whoever handed the update over."""

    def application(self, bot: ExtBot[Any]) -> AnyApplication:
        """PTB's application with every handler; no updater, no queue: the inbox feeds it."""
        application = Application.builder().bot(bot).updater(None).job_queue(None).build()
        application.add_handlers(list(self._handlers()))
        application.add_error_handler(self._note_failure)
        return application

    def _handlers(self) -> Iterator[AnyHandler]:
        private = filters.ChatType.PRIVATE
        yield ChatMemberHandler(self._met, ChatMemberHandler.MY_CHAT_MEMBER)
        for pattern, handle in PRESSES.items():
            yield CallbackQueryHandler(self._press(handle), rf"^{pattern}:")
        yield MessageHandler(~private, self._message(arrival.private_please))
        for topic in self._desk.library.topics:
            if topic not in COMMANDS:
                yield CommandHandler(topic, self._command(_about(topic)))
        for name, handle in COMMANDS.items():
            yield CommandHandler(name, self._command(handle))
        yield MessageHandler(filters.COMMAND, self._message(arrival.unknown_command))
        yield MessageHandler(filters.TEXT, self._message(arrival.text))
        moving = filters.LOCATION & filters.UpdateType.EDITED_MESSAGE
        yield MessageHandler(moving, self._nothing)  # each step of a live location
        yield MessageHandler(NOT_TEXT, self._message(questions.not_text))
        yield TypeHandler(Update, self._nothing)

    # --- the shapes an update comes in

    def _command(self, handle: Handle) -> Callback:
        def after_the_command(update: Update) -> Incoming | None:
            incoming = reading.written(update)
            return incoming and replace(incoming, text=reading.argument(incoming.text))

        return self._callback(after_the_command, handle)

    def _message(self, handle: Handle) -> Callback:
        return self._callback(reading.written, handle)

    def _press(self, handle: Handle) -> Callback:
        return self._callback(lambda update: reading.pressed(update, self._clock.now()), handle)

    def _callback(self, read: Callable[[Update], Incoming | None], handle: Handle) -> Callback:
        async def callback(update: Update, context: Context) -> None:
            incoming = read(update)
            if incoming is None:
                await self._nothing(update, context)
            else:
                await self._answer(update, handle, incoming)

        return callback

    async def _met(self, update: Update, _context: Context) -> None:
        """The person blocked the bot, or opened it again."""
        change = update.my_chat_member
        if change is None or change.chat.type != "private":
            await self._nothing(update, _context)
            return
        account, status = change.chat.id, change.new_chat_member.status

        def handle(
            _desk: Desk, tx: Transaction, _incoming: Incoming, now: datetime
        ) -> Sequence[Reaction]:
            if status == ChatMember.BANNED:
                return stopping.blocked(tx, account, "blocked", now)
            return stopping.unblocked(tx, account)

        met = Incoming(
            account=account, sender="", language="", text="", written_at=self._clock.now()
        )
        await self._answer(update, handle, met)

    async def _nothing(self, update: Update, _context: Context) -> None:
        """Nothing to be said; the update is done all the same."""
        await self._database.run(inbox.done, update.update_id, self._clock.now())

    # --- one update, one transaction

    async def _answer(self, update: Update, handle: Handle, incoming: Incoming) -> None:
        reactions = await self._database.run(
            _in_one, self._desk, update.update_id, handle, incoming, self._clock.now()
        )
        self._answered([it.account for it in reactions if isinstance(it, Outgoing)])
        if len(self._looks) >= MOST_LOOKS:
            return  # thousands pressed at once: none of them depends on it
        looks = asyncio.create_task(self._show(update, reactions))
        self._looks.add(looks)
        looks.add_done_callback(self._looks.discard)
        query = update.callback_query
        if query and query.message and any(isinstance(it, Edit) for it in reactions):
            self._overtake((incoming.account, query.message.message_id), looks)

    def _overtake(self, message: tuple[int, int], looks: asyncio.Task[None]) -> None:
        """Of the pages a message is turned to in a row only the last waits for its place in the
        chat: an answer that matters may come behind them.
        """  # noqa: D205
        if waiting := self._turning.get(message):
            waiting.cancel()
        self._turning[message] = looks
        looks.add_done_callback(partial(self._turned, message))

    def _turned(self, message: tuple[int, int], looks: asyncio.Task[None]) -> None:
        if self._turning.get(message) is looks:
            del self._turning[message]

    async def _show(self, update: Update, reactions: Sequence[Reaction]) -> None:
        """What only looks better: nothing depends on it, nothing waits for it, none is a row."""
        query = update.callback_query
        if query is not None:
            toast = next((it.text for it in reactions if isinstance(it, Toast)), None)
            said = Markup(toast).striptags()[:200] if toast else None  # noqa: S704  ours
            await _tried(query.answer(said))
        for reaction in reactions:
            if isinstance(reaction, Edit) and query is not None:
                await _tried(_changed(query, reaction))
            if isinstance(reaction, NewMenu):
                bot = update.get_bot()
                await _tried(menus.show_to(bot, self._desk, self._database, reaction))

    async def stop(self) -> None:
        """Looks that are not there by now are left."""
        for task in self._looks:
            task.cancel()
        await asyncio.gather(*self._looks, return_exceptions=True)

    async def _note_failure(self, update: object, context: Context) -> None:
        if isinstance(update, Update) and context.error is not None:
            self.failures[update.update_id] = context.error
            log.error(
                "handler.failed",
                update=update.update_id,
                problem=type(context.error).__name__,
                where=where(context.error),
            )


async def _changed(query: CallbackQuery, edit: Edit) -> object:
    """The pressed message with its new text, or with nothing but its new buttons.

    Of an old one Telegram says no more than where it is; it can be changed all the same.
    """
    bot, buttons, message = query.get_bot(), keyboard(edit.buttons), query.message
    if message is None:
        return None
    chat, number = message.chat.id, message.message_id
    if edit.text is None:
        return await bot.edit_message_reply_markup(chat, number, reply_markup=buttons)
    return await bot.edit_message_text(
        edit.text, chat, number, parse_mode=ParseMode.HTML, reply_markup=buttons
    )


async def _tried(call: Coroutine[Any, Any, object]) -> None:
    try:
        await call
    except TelegramError as error:
        log.info("look.failed", problem=type(error).__name__)


def _in_one(
    tx: Transaction,
    desk: Desk,
    update_id: int,
    handle: Handle,
    incoming: Incoming,
    now: datetime,
) -> Sequence[Reaction]:
    if not inbox.done(tx, update_id, now):
        return []  # handled already; it came twice
    if incoming.account > 0:
        people.reachable(tx, incoming.account)  # whoever writes can be written to
    reactions = handle(desk, tx, incoming, now)
    if now - incoming.written_at > LATE:
        reactions = _late(desk, tx, incoming, reactions)
    _keep(tx, reactions, incoming.account, update_id, now)
    return reactions


def _keep(
    tx: Transaction, reactions: Sequence[Reaction], writer: int, update_id: int, now: datetime
) -> None:
    """Its answers as rows, and what others are told because of it."""
    said = [it for it in reactions if isinstance(it, Outgoing)]
    answers = [(it.account, it.dumps()) for it in said if it.account == writer]
    outgoing.add(tx, answers, update_id=update_id, now=now)
    for it in said:
        if it.account != writer:
            outgoing.add(
                tx,
                [(it.account, it.dumps())],
                update_id=update_id,
                now=now,
                good_for=outgoing.GOOD_FOR_OTHERS,
                alert_id=it.alert,
            )


def _late(
    desk: Desk, tx: Transaction, incoming: Incoming, reactions: Sequence[Reaction]
) -> Sequence[Reaction]:
    """The first answer to whoever wrote begins with when that was."""
    changed = list(reactions)
    for n, reaction in enumerate(changed):
        if isinstance(reaction, Outgoing) and reaction.account == incoming.account:
            head = arrival.written_earlier(desk, tx, incoming)
            changed[n] = replace(reaction, text=f"{head}\n\n{reaction.text}")
            break
    return changed


def _about(topic: str) -> Handle:
    def handle(
        desk: Desk, tx: Transaction, incoming: Incoming, now: datetime
    ) -> Sequence[Reaction]:
        return questions.about(desk, tx, incoming, now, topic)

    return handle
