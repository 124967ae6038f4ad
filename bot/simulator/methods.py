"""The methods of the Bot API that are really done here; `METHODS` lists them, `gaps` the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from bot.simulator.chats import CAPTIONED, Chat, Message
from bot.simulator.errors import ApiError, wrong
from bot.simulator.files import File, picture_size
from bot.simulator.html import Entity, Formatted, detected, is_link, parse_html, trimmed
from bot.simulator.spec import Upload, utf16_length
from bot.simulator.updates import CALLBACK_KEPT, WEBHOOK_SET
from bot.simulator.world import World

Params = Mapping[str, Any]
TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
ENTITIES_LIMIT = 100
PHOTO_BYTES = 10_000_000
DOCUMENT_BYTES = 50_000_000
DOWNLOAD_BYTES = 20_000_000
DELETABLE = timedelta(hours=48)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


# Updates and the bot itself.


async def get_updates(world: World, params: Params) -> list[dict[str, Any]]:
    if world.webhook.url:
        raise ApiError(
            "can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first",
            code=409,
        )
    world.updates.allow(params.get("allowed_updates"))
    world.updates.confirm(params.get("offset", 0))
    found = await world.updates.poll(
        limit=params.get("limit", 100), timeout_seconds=params.get("timeout", 0)
    )
    return [update.as_json() for update in found]


def set_webhook(world: World, params: Params) -> bool:
    return _deliver_to(world, params["url"], params)


def delete_webhook(world: World, params: Params) -> bool:
    return _deliver_to(world, "", params)


def _deliver_to(world: World, url: str, params: Params) -> bool:
    parts = urlsplit(url)
    if url and parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise wrong("bad webhook: An HTTPS URL must be provided for webhook")
    if url:
        world.updates.end_poll(WEBHOOK_SET)
    world.updates.allow(params.get("allowed_updates"))
    world.webhook.url = url
    world.webhook.secret = params.get("secret_token")
    world.webhook.max_connections = params.get("max_connections", 40)
    if params.get("drop_pending_updates"):
        world.updates.drop_all()
    world.changes.tell()
    return True


def get_webhook_info(world: World, _: Params) -> dict[str, Any]:
    webhook = world.webhook
    told: dict[str, Any] = {
        "url": webhook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(world.updates.pending()),
    }
    if webhook.url:
        told["max_connections"] = webhook.max_connections
    if webhook.last_error and webhook.last_error_at:
        told["last_error_message"] = webhook.last_error
        told["last_error_date"] = int(webhook.last_error_at.timestamp())
    if world.updates.allowed:
        told["allowed_updates"] = list(world.updates.allowed)
    return told


def get_me(world: World, _: Params) -> dict[str, Any]:
    return world.bot | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_guest_queries": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": False,
        "allows_users_to_create_topics": False,
        "can_manage_bots": False,
        "supports_join_request_queries": False,
    }


def confirm(_: World, __: Params) -> bool:
    """`logOut` and `close` change nothing on this machine."""
    return True


# Messages.


def send_message(world: World, params: Params) -> dict[str, Any]:
    shown = _text(params)
    return _sent(world, params, text=shown.text, entities=shown.entities, html=params["text"])


def send_photo(world: World, params: Params) -> dict[str, Any]:
    caption = _caption(params)
    file = _stored(world, params["photo"], "photos", PHOTO_BYTES)
    width, height = _checked_size(file)
    sizes = [file.as_json() | {"width": width, "height": height}]
    return _sent(world, params, kind="photo", file=file, body=sizes, **caption)


def send_document(world: World, params: Params) -> dict[str, Any]:
    caption = _caption(params)
    file = _stored(world, params["document"], "documents", DOCUMENT_BYTES)
    body = file.as_json() | {"file_name": file.name, "mime_type": file.content_type}
    return _sent(world, params, kind="document", file=file, body=body, **caption)


def edit_message_text(world: World, params: Params) -> dict[str, Any]:
    if "rich_message" in params:
        raise wrong("rich messages are not simulated")
    message = _editable(world, params)
    if message.kind != "text":
        raise wrong("there is no text in the message to edit")
    return _edited(world, message, _text(params), params)


def edit_message_caption(world: World, params: Params) -> dict[str, Any]:
    message = _editable(world, params)
    if message.kind not in CAPTIONED:
        raise wrong("there is no caption in the message to edit")
    return _edited(world, message, _caption_shown(params), params)


def edit_message_reply_markup(world: World, params: Params) -> dict[str, Any]:
    message = _editable(world, params)
    shown = Formatted(text=message.text, entities=message.entities)
    return _edited(world, message, shown, params)


def delete_message(world: World, params: Params) -> bool:
    chat = world.chat(params["chat_id"])
    message = chat.find(params["message_id"])
    if message is None:
        raise ApiError("message to delete not found")
    if world.clock.now() - message.date >= DELETABLE:
        raise ApiError("message can't be deleted for everyone")
    message.deleted = True
    world.show(message)
    return True


def answer_callback_query(world: World, params: Params) -> bool:
    callback = world.callbacks.get(params["callback_query_id"])
    if callback is None or world.clock.now() - callback.pressed >= CALLBACK_KEPT:
        raise ApiError("query is too old and response timeout expired or query ID is invalid")
    callback.answered = True
    if params.get("text"):
        callback.person.toasts.append(params["text"])
    world.changes.tell()
    return True


def send_chat_action(world: World, params: Params) -> bool:
    world.writable(params["chat_id"]).action = params["action"]
    world.changes.tell()
    return True


def _sent(world: World, params: Params, **content: Any) -> dict[str, Any]:
    chat = world.writable(params["chat_id"])
    message = world.post(
        chat,
        None,
        markup=_keyboard(params),
        protected=params.get("protect_content", False),
        silent=params.get("disable_notification", False),
        reply_to=_replied(chat, params.get("reply_parameters")),
        **content,
    )
    return message.as_json(world.bot)


def _replied(chat: Chat, reply: Params | None) -> Message | None:
    if reply is None:
        return None
    message = chat.find(reply["message_id"])
    if message is None and not reply.get("allow_sending_without_reply"):
        raise ApiError("message to be replied not found")
    return message


def _editable(world: World, params: Params) -> Message:
    """The bot's own message that a call wants to change."""
    if "inline_message_id" in params:
        raise wrong("inline messages are not simulated")
    for needed, words in (
        ("chat_id", "chat_id is empty"),
        ("message_id", "message identifier is not specified"),
    ):
        if needed not in params:
            raise wrong(words)
    message = world.chat(params["chat_id"]).find(params["message_id"])
    if message is None:
        raise ApiError("message to edit not found")
    if not message.from_bot:
        raise wrong("message can't be edited")
    return message


def _edited(world: World, message: Message, shown: Formatted, params: Params) -> dict[str, Any]:
    """Change a message; as in Telegram, buttons that are not given again are gone."""
    markup = _keyboard(params)
    before = (message.text, message.entities, message.markup)
    if before == (shown.text, shown.entities, markup):
        raise ApiError(
            "message is not modified: specified new message content and reply markup are exactly "
            "the same as a current content and reply markup of the message"
        )
    message.text, message.entities, message.markup = shown.text, shown.entities, markup
    message.html = params.get("text", params.get("caption", message.html))
    message.edited = world.clock.now()
    world.show(message)
    return message.as_json(world.bot)


# Texts, keyboards and files of a call.


def _text(params: Params) -> Formatted:
    shown = _formatted(params.get("text", ""), params, "entities")
    if not shown.text:
        raise wrong("message text is empty")
    if utf16_length(shown.text) > TEXT_LIMIT:
        raise wrong("message is too long")
    return shown


def _caption_shown(params: Params) -> Formatted:
    shown = _formatted(params.get("caption", ""), params, "caption_entities")
    if utf16_length(shown.text) > CAPTION_LIMIT:
        raise wrong("message caption is too long")
    return shown


def _caption(params: Params) -> dict[str, Any]:
    shown = _caption_shown(params)
    return {"text": shown.text, "entities": shown.entities, "html": params.get("caption", "")}


def _formatted(source: str, params: Params, entities_name: str) -> Formatted:
    mode = params.get("parse_mode")
    if mode not in (None, "", "HTML"):
        raise wrong(f"unsupported parse_mode: {mode} is not simulated")
    given: list[Entity] = params.get(entities_name, [])
    shown = parse_html(source) if mode else trimmed(source, given)
    if len(shown.entities) > ENTITIES_LIMIT:
        raise wrong("can't parse entities: too many entities: Telegram would drop some")
    return detected(shown)


def _keyboard(params: Params) -> Mapping[str, Any] | None:
    markup: Mapping[str, Any] | None = params.get("reply_markup")
    if markup is None:
        return None
    if "inline_keyboard" not in markup:
        raise wrong("reply keyboards are not simulated")
    for button in (button for row in markup["inline_keyboard"] for button in row):
        if not button["text"].strip():
            raise wrong("can't parse inline keyboard button: Text must be non-empty")
        if "url" in button and not is_link(button["url"]):
            raise wrong(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
    return markup if any(markup["inline_keyboard"]) else None


def _stored(world: World, given: Upload | str, folder: str, limit_bytes: int) -> File:
    """The file a call sends: an upload, or one that is known by its identifier."""
    if isinstance(given, str):
        known = world.files.find(given)
        if known is None:
            raise wrong("wrong file identifier/HTTP URL specified")
        return known
    if not given.content:
        raise wrong("file must be non-empty")
    if len(given.content) > limit_bytes:
        raise ApiError("", code=413, misuse=True)
    return world.files.store(folder, given.name, given.content, given.content_type)


def _checked_size(file: File) -> tuple[int, int]:
    """A picture's size, within what Telegram takes: 10000 in total, 20 to 1 at most."""
    size = picture_size(file.content)
    if size is None:
        raise wrong("IMAGE_PROCESS_FAILED")
    if sum(size) > 10_000 or min(size) == 0 or max(size) > 20 * min(size):
        raise wrong("PHOTO_INVALID_DIMENSIONS")
    return size


# Files, chats, commands and the bot's profile.


def get_file(world: World, params: Params) -> dict[str, Any]:
    file = world.files.find(params["file_id"])
    if file is None:
        raise wrong("invalid file_id")
    if len(file.content) > DOWNLOAD_BYTES:
        raise ApiError("file is too big")
    return file.as_json() | {"file_path": file.path}


def get_chat(world: World, params: Params) -> dict[str, Any]:
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")
    return world.chat(params["chat_id"]).as_json() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys((*gifts, "gifts_from_channels"), False),
    }


def set_my_commands(world: World, params: Params) -> bool:
    return _put_commands(world, params, params["commands"])


def get_my_commands(world: World, params: Params) -> list[dict[str, str]]:
    return world.commands.get(_scope(world, params), params.get("language_code", ""))


def delete_my_commands(world: World, params: Params) -> bool:
    return _put_commands(world, params, [])


def _put_commands(world: World, params: Params, commands: list[dict[str, str]]) -> bool:
    world.commands.put(_scope(world, params), params.get("language_code", ""), commands)
    world.changes.tell()
    return True


def _scope(world: World, params: Params) -> str:
    scope = params.get("scope", {"type": "default"})
    if "chat_id" not in scope:
        return str(scope["type"])
    chat = world.chat(scope["chat_id"])
    return ":".join(
        str(part) for part in (scope["type"], chat.id, scope.get("user_id", "")) if part
    )


def _profile(name: str) -> Callable[[World, Params], bool]:
    def put(world: World, params: Params) -> bool:
        world.profile[name, params.get("language_code", "")] = params.get(name, "")
        return True

    return put


def set_chat_menu_button(world: World, params: Params) -> bool:
    button = params.get("menu_button", {"type": "default"})
    chat_id = world.chat(params["chat_id"]).id if "chat_id" in params else 0
    world.menu_buttons[chat_id] = button
    return True


METHODS: Mapping[str, Callable[[World, Params], Any]] = {
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "getMe": get_me,
    "logOut": confirm,
    "close": confirm,
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "answerCallbackQuery": answer_callback_query,
    "sendChatAction": send_chat_action,
    "getFile": get_file,
    "getChat": get_chat,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyName": _profile("name"),
    "setMyDescription": _profile("description"),
    "setMyShortDescription": _profile("short_description"),
    "setChatMenuButton": set_chat_menu_button,
}

# Methods that put a message into a chat, and so count against the flood limits.
SENDING = {"sendMessage", "sendPhoto", "sendDocument"}
