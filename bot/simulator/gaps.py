"""What this Telegram does not do.

Refused, and recorded as a wrong call:

- methods of the Bot API that are not in `METHODS`
- MarkdownV2 and Markdown
- reply keyboards and forced replies
- inline messages (`inline_message_id`)
- files by web address
- rich messages
- more than 100 entities in a text, of which Telegram drops the rest

Taken and without effect: the parameters in IGNORED, and of `reply_parameters` all but the message
and `allow_sending_without_reply`. A replying message may not quote, or answer another chat's.

Never told: updates but those in UPDATES, and of a message what is not in OF_MESSAGE. Of entities
only links, commands and mentions are found in plain text: no e-mail addresses, telephone numbers
or hashtags. A picture comes in one size, and nothing has a thumbnail. A message that was deleted
is told with its press as it was.

Groups have a name and messages, and no members: any person can write there, the bot hears all that
is said (as without privacy mode), and is told neither that it was added or removed nor that the
group was upgraded, but by the refusal of its next call.

Limits are those that are advised (`buckets`; Telegram's own are not published), and only SENDING
counts. A webhook gets one update at a time, whatever `max_connections` says, and none is given up
before its day is over. The path of a file stays good for ever.
"""

from __future__ import annotations

from collections.abc import Mapping

_OF_SENDING = {
    "allow_paid_broadcast", "business_connection_id", "direct_messages_topic_id",
    "message_effect_id", "message_thread_id", "suggested_post_parameters",
}  # fmt: skip

IGNORED: Mapping[str, frozenset[str]] = {
    "setWebhook": frozenset({"certificate", "ip_address"}),
    "sendMessage": frozenset(_OF_SENDING | {"link_preview_options"}),
    "sendPhoto": frozenset(_OF_SENDING | {"has_spoiler", "show_caption_above_media"}),
    "sendDocument": frozenset(_OF_SENDING | {"disable_content_type_detection", "thumbnail"}),
    "editMessageText": frozenset({"business_connection_id", "link_preview_options"}),
    "editMessageCaption": frozenset({"business_connection_id", "show_caption_above_media"}),
    "editMessageReplyMarkup": frozenset({"business_connection_id"}),
    "answerCallbackQuery": frozenset({"cache_time", "show_alert", "url"}),
    "sendChatAction": frozenset({"business_connection_id", "message_thread_id"}),
}
"""By method: parameters that are checked, and then not looked at."""

UPDATES = frozenset({"message", "edited_message", "callback_query", "my_chat_member"})
"""The kinds of updates that are told."""

OF_MESSAGE = frozenset(
    {
        "message_id", "from", "chat", "date", "edit_date", "text", "entities", "caption",
        "caption_entities", "photo", "document", "voice", "video", "sticker", "location",
        "reply_to_message", "reply_markup", "has_protected_content",
    }
)  # fmt: skip
"""The fields of a message that are told, where it has them."""
