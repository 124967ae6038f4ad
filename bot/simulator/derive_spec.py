"""Derives `bot_api.json` from a machine-readable description of the Bot API.

    python -m bot.simulator.derive_spec SPEC.json

SPEC.json is `api.json` of PaulSonOfLars/telegram-bot-api-spec. What is kept: each method's
fields, the types that can be sent inside them, and every limit that its prose states; what each
simulated method returns, and of the types returned and told in updates those in TOLD. They are
kept with all their fields, but not followed further: all that a Message may hold would be 200
types, of which the simulator tells some twenty. Telling of any other is found as a fault.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.simulator.methods import METHODS

TARGET = Path(__file__).with_name("bot_api.json")

_LENGTH = re.compile(r"(\d+)-(\d+) (characters|bytes)", re.IGNORECASE)
_ITEMS = re.compile(r"(?:list of|include) (\d+)-(\d+) ")
_AT_MOST = re.compile(r"(?:[Uu]p to|[Aa]t most) (\d+) (?:items|commands|identifiers)")
_RANGE = re.compile(
    r"(?:Values between |; |[Mm]ust be between )(\d+)(?:-| and )(\d+)(?: are accepted)?"
)
_CONSTANT = re.compile(r'(?:must be|always) "?([a-z0-9_]+)"?$')
_CHOICE = re.compile(r'(?:[Mm]ust be one of|can be either|currently one of) ("[^.]*)')
_DISCRIMINATORS = ("type", "source", "status")

# What the simulator tells of, in results and updates, beside what can be sent as well.
TOLD = frozenset(
    {
        "CallbackQuery", "Chat", "ChatFullInfo", "ChatMember", "ChatMemberBanned",
        "ChatMemberMember", "ChatMemberUpdated", "Document", "File", "Location",
        "MaybeInaccessibleMessage", "Message", "PhotoSize", "ResponseParameters", "Sticker",
        "Update", "Video", "Voice", "WebhookInfo",
    }
)  # fmt: skip

# What the prose says too loosely to be found by a pattern, by the owner and name of the field.
_STATED: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("BotCommand", "command"): {"pattern": "[a-z0-9_]{1,32}"},
    ("setWebhook", "secret_token"): {"pattern": "[A-Za-z0-9_-]{1,256}"},
    ("sendChatAction", "action"): {
        "values": [
            "typing", "upload_photo", "record_video", "upload_video", "record_voice",
            "upload_voice", "upload_document", "choose_sticker", "find_location",
            "record_video_note", "upload_video_note",
        ]
    },
}  # fmt: skip
_PARSE_MODES = {"values": ["HTML", "MarkdownV2", "Markdown"]}
_ENTITIES = {"min": 0, "max": 100, "unit": "items"}


def limit_of(owner: str, field: Mapping[str, Any]) -> dict[str, Any]:
    """What a field may hold: bounds with their unit, a pattern, or the values allowed."""
    text, types = field["description"], field["types"]
    limit: dict[str, Any] = {}
    if types == ["Array of MessageEntity"]:
        limit = dict(_ENTITIES)
    elif "String" in types and (found := _LENGTH.search(text)):
        limit = _bounds(found[1], found[2], found[3].lower())
        if "parsing" in text:
            limit["after_parsing"] = True
    elif types[0].startswith("Array") and (found := _ITEMS.search(text)):
        limit = _bounds(found[1], found[2], "items")
    elif types[0].startswith("Array") and (found := _AT_MOST.search(text)):
        limit = _bounds("0", found[1], "items")
    elif types[0] in ("Integer", "Float") and (found := _RANGE.search(text)):
        limit = _bounds(found[1], found[2], "value")
    limit.update(_values(field["name"], text))
    limit.update(_STATED.get((owner, field["name"]), {}))
    return limit


def _bounds(low: str, high: str, unit: str) -> dict[str, Any]:
    return {"min": int(low), "max": int(high), "unit": unit}


def _values(name: str, text: str) -> dict[str, Any]:
    if name == "parse_mode":
        return _PARSE_MODES
    if name in _DISCRIMINATORS and (found := _CONSTANT.search(text)):
        return {"values": [found[1]]}
    if found := _CHOICE.search(text):
        return {"values": re.findall(r'"([^"]+)"', found[1])}
    return {}


def derive(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The compact form: methods and types with their fields and limits, and what is returned."""
    methods = {name: _fields(name, one) for name, one in spec["methods"].items()}
    types = {
        name: _type(name, spec["types"][name])
        for name in sorted(_reachable(spec))
        if name != "InputFile"
    }
    results = {name: one["returns"] for name, one in spec["methods"].items() if name in METHODS}
    told = {
        name: _told(name, spec["types"][name])
        for name in sorted(TOLD & spec["types"].keys() - types.keys())
    }
    return {
        "version": spec["version"],
        "methods": methods,
        "types": types,
        "results": results,
        "told": told,
    }


def _fields(owner: str, described: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field["name"]: {
            "types": field["types"],
            **({"required": True} if field["required"] else {}),
            **limit_of(owner, field),
        }
        for field in described.get("fields", [])
    }


def _type(name: str, described: Mapping[str, Any]) -> dict[str, Any]:
    if "subtypes" in described:
        return {"subtypes": described["subtypes"]}
    return {"fields": _fields(name, described)}


def _told(name: str, described: Mapping[str, Any]) -> dict[str, Any]:
    if "subtypes" in described:
        return {"subtypes": [one for one in described["subtypes"] if one in TOLD]}
    return _type(name, described)


def _reachable(spec: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = [name for one in spec["methods"].values() for name in _named(one)]
    while waiting:
        name = waiting.pop()
        if name in spec["types"] and name not in found:
            found.add(name)
            waiting += _named(spec["types"][name])
    return found


def _named(described: Mapping[str, Any]) -> Iterator[str]:
    yield from described.get("subtypes", [])
    for field in described.get("fields", []):
        for kind in field["types"]:
            yield kind.replace("Array of ", "")


def written(derived: Mapping[str, Any]) -> str:
    """As JSON with one line a method or type, so that a new version gives a readable diff."""

    def block(title: str) -> str:
        lines = (
            f"{json.dumps(name)}:{json.dumps(one, separators=(',', ':'), ensure_ascii=False)}"
            for name, one in derived[title].items()
        )
        return f'"{title}":{{\n' + ",\n".join(lines) + "\n}"

    blocks = ",\n".join(block(title) for title in ("methods", "types", "results", "told"))
    return f'{{"version":{json.dumps(derived["version"])},\n{blocks}}}\n'


if __name__ == "__main__":
    described = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    TARGET.write_text(written(derive(described)), encoding="utf-8")
