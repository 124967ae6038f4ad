"""Turns a message into Telegram's call, and what Telegram says into an outcome."""

from __future__ import annotations

import io
import json
from typing import Any

import segno
import structlog
from telegram import (
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
)
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)
from telegram.ext import ExtBot

from bot.care.values import Button, Outgoing, Rows
from bot.chat.connection import is_wrong_token
from bot.chat.limiter import Receipt, seconds
from bot.chat.request import NotSent
from bot.delivery.outcome import (
    Disowned,
    Kind,
    Outcome,
    Refused,
    Retry,
    Sent,
    Unknown,
    Unreachable,
)

log = structlog.get_logger(__name__)

QR_SCALE = 8
NO_PREVIEW = json.dumps({"is_disabled": True})
"""`link_preview_options` as they go to Telegram: PTB would put them together for each message."""


class Sender:
    """`delivery.outcome.Line` over PTB's bot."""

    def __init__(self, bot: ExtBot[Any]) -> None:
        self._bot = bot

    async def __call__(self, message: Outgoing, kind: Kind) -> Outcome:
        """Send once. Raises nothing of Telegram's."""
        try:
            return Sent(await self._send(message, Receipt(kind)))
        except TelegramError as error:
            return outcome_of(error)
        except Exception:
            # Mostly a reply that is not what the Bot API says. Then it was sent; else nobody knows.
            log.exception("sender.reply_not_understood")
            return Unknown()

    async def is_heard(self) -> bool:
        """Whether Telegram answers, asked by what sends nothing. Raises Disowned."""
        try:
            await self._bot.get_me()
        except RetryAfter:
            return True
        except TelegramError as error:
            if is_wrong_token(error):
                raise Disowned from None
            return False
        return True

    async def _send(self, message: Outgoing, receipt: Receipt) -> int:
        """The number Telegram gave the message. Raises what PTB and the limiter raise."""
        said: dict[str, Any] = {
            "parse_mode": ParseMode.HTML,
            "reply_markup": keyboard(message.buttons),
            "protect_content": message.protect or None,
            "rate_limit_args": receipt,
        }
        if message.qr is not None:
            photo = qr_picture(message.qr)
            await self._bot.send_photo(message.account, photo=photo, caption=message.text, **said)
        else:
            await self._bot.send_message(
                message.account,
                message.text,
                api_kwargs={"link_preview_options": NO_PREVIEW},  # PTB writes into it
                **said,
            )
        if receipt.message_id is None:
            raise LookupError("what was sent has no number")
        return receipt.message_id


def outcome_of(error: TelegramError) -> Outcome:
    """What an error means for the message (telegram.md, "Errors")."""
    if isinstance(error, RetryAfter):
        return Retry(seconds(error))
    if isinstance(error, NotSent) or is_wrong_token(error):
        return Retry()  # a wrong token ends the program where that is asked for
    if isinstance(error, Forbidden) or "chat not found" in error.message.lower():
        return Unreachable(error.message)
    if isinstance(error, BadRequest | ChatMigrated | InvalidToken):
        # Ours to mend. What Telegram says may quote the message: that part is left out.
        problem = error.message.partition('"')[0]
        log.error("sender.refused", problem=problem)
        return Refused(problem)
    return Unknown()  # no reply, 5xx, or one that cannot be read: it may have been taken


def keyboard(rows: Rows) -> InlineKeyboardMarkup | None:
    """Buttons as Telegram wants them."""
    if not rows:
        return None
    return InlineKeyboardMarkup([[_button(button) for button in row] for row in rows])


def _button(button: Button) -> InlineKeyboardButton:
    style = {"style": button.style} if button.style else None
    if button.copy is not None:
        return InlineKeyboardButton(
            button.label, copy_text=CopyTextButton(button.copy), api_kwargs=style
        )
    return InlineKeyboardButton(button.label, callback_data=button.action, api_kwargs=style)


def qr_picture(address: str) -> bytes:
    """The address as a QR code, a PNG with the quiet zone phones need."""
    picture = io.BytesIO()
    segno.make(address, error="m").save(picture, kind="png", scale=QR_SCALE, border=4)
    return picture.getvalue()
