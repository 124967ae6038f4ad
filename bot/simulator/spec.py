"""The strict check of a call against the Bot API, from `bot_api.json` (see `derive_spec`).

Parameters reach Telegram as strings (forms, and PTB's JSON) or as JSON values; both are turned
into values of the declared types here. Lengths are counted in UTF-16 units, as Telegram does for
texts. Where Telegram's own words for a refusal are not known, the words are plain ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ARRAY = "Array of "
_ATTACHED = re.compile(r"attach://([^\"\\\s]+)")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}

# Telegram's words, by field: when it is missing, and when it holds too much, too little or else.
_MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "message_id": "message identifier is not specified",
}
_OUTSIDE = {
    ("InlineKeyboardButton", "callback_data"): "BUTTON_DATA_INVALID",
    ("answerCallbackQuery", "text"): "MESSAGE_TOO_LONG",
    ("setMyCommands", "commands"): "BOT_COMMANDS_TOO_MUCH",
    ("BotCommand", "command"): "BOT_COMMAND_INVALID",
    ("BotCommand", "description"): "BOT_COMMAND_DESCRIPTION_INVALID",
    ("setWebhook", "secret_token"): "secret token contains unallowed characters",
}
_NOT_A_BUTTON_KIND = {"text", "icon_custom_emoji_id", "style"}


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that came with a call."""

    name: str
    content: bytes
    content_type: str


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong with a call: what, for the developer, and what Telegram answers."""

    what: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A call's parameters as values of the declared types, and all that is wrong with them."""

    values: Mapping[str, Any]
    problems: tuple[Problem, ...]


@cache
def bot_api() -> dict[str, Any]:
    """The Bot API: `methods` and `types` with their fields and limits, `results`, `told` types."""
    loaded: dict[str, Any] = json.loads(
        Path(__file__).with_name("bot_api.json").read_text(encoding="utf-8")
    )
    return loaded


@cache
def method_names() -> Mapping[str, str]:
    """Each method's name by its lower case: Telegram does not mind the case."""
    return {name.lower(): name for name in bot_api()["methods"]}


def utf16_length(text: str) -> int:
    """The length as Telegram counts it: a character beyond the basic plane counts two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check(method: str, raw: Mapping[str, Any], uploads: Mapping[str, Upload]) -> Checked:
    """The parameters of a call to `method` (a name of the Bot API), decoded and judged."""
    fields = bot_api()["methods"][method]
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, given in {**raw, **{n: u for n, u in uploads.items() if n in fields}}.items():
        if name not in fields:
            problems.append(_unknown(name, method))
            continue
        try:
            values[name] = _decoded(given, fields[name]["types"], uploads)
        except ValueError:
            problems.append(_wrong_type(name, fields[name]["types"], given))
    problems += _stray_uploads(method, fields, raw, uploads)
    problems += _object_problems(method, fields, values, given=raw.keys() | uploads.keys())
    return Checked(values=values, problems=tuple(problems))


def _decoded(given: Any, types: list[str], uploads: Mapping[str, Upload]) -> Any:
    """`given` as the declared types want it. Raises ValueError where it cannot be read so."""
    if not isinstance(given, str):
        return given
    if "InputFile" in types and given.startswith("attach://"):
        return uploads.get(given.removeprefix("attach://"), given)
    if "Integer" in types and re.fullmatch(r"-?\d{1,19}", given):
        return int(given)
    if "String" in types:
        return given
    if types == ["Boolean"] and given.lower() in _BOOLEANS:
        return _BOOLEANS[given.lower()]
    return json.loads(given)


def _unknown(name: str, owner: str) -> Problem:
    return Problem(what=f"{owner} has no field {name!r}", words=f"unknown field {name!r}")


def _wrong_type(name: str, types: list[str], given: Any) -> Problem:
    wanted = " or ".join(types)
    return Problem(
        what=f"{name} must be {wanted}, not {given!r:.80}", words=f"field {name!r} must be {wanted}"
    )


def _stray_uploads(
    method: str, fields: Mapping[str, Any], raw: Mapping[str, Any], uploads: Mapping[str, Upload]
) -> Iterator[Problem]:
    attached = {
        name for text in raw.values() for name in _ATTACHED.findall(_as_text(text)) if uploads
    }
    for name in uploads:
        if name not in fields and name not in attached:
            yield _unknown(name, method)
    for name in attached - uploads.keys():
        yield Problem(what=f"no file {name!r} was sent", words="file must be non-empty")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _object_problems(
    owner: str, fields: Mapping[str, Any], values: Mapping[str, Any], *, given: Any
) -> Iterator[Problem]:
    for name, field in fields.items():
        if name in values:
            yield from _value_problems(owner, name, field, values[name])
        elif field.get("required") and name not in given:
            words = _MISSING.get(name, f"field {name!r} is required")
            yield Problem(what=f"{owner} needs {name!r}", words=words)


def _value_problems(
    owner: str, name: str, field: Mapping[str, Any], value: Any
) -> Iterator[Problem]:
    mismatches = [list(_type_problems(name, kind, value)) for kind in field["types"]]
    if all(mismatches):
        yield from min(mismatches, key=len)
    elif not within(value, field):
        stated = {k: v for k, v in field.items() if k not in ("types", "required")}
        yield Problem(
            what=f"{owner}.{name} is outside {stated}: {value!r:.120}",
            words=_OUTSIDE.get((owner, name), f"wrong value of {name!r} specified"),
        )


def _type_problems(name: str, kind: str, value: Any) -> Iterator[Problem]:
    """Why `value` is not of the declared `kind`; nothing if it is."""
    if kind.startswith(ARRAY):
        if not isinstance(value, list):
            yield _wrong_type(name, [kind], value)
            return
        for item in value:
            yield from _type_problems(name, kind.removeprefix(ARRAY), item)
    elif kind in SCALARS:
        if not SCALARS[kind](value):
            yield _wrong_type(name, [kind], value)
    elif not isinstance(value, dict):
        yield _wrong_type(name, [kind], value)
    else:
        yield from _structure_problems(kind, value)


SCALARS = {
    "Integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "Float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "Boolean": lambda value: isinstance(value, bool),
    "String": lambda value: isinstance(value, str),
    "InputFile": lambda value: isinstance(value, Upload),
}


def _structure_problems(kind: str, value: Mapping[str, Any]) -> Iterator[Problem]:
    described = bot_api()["types"][kind]
    if "subtypes" in described:
        yield from min(
            (list(_structure_problems(one, value)) for one in described["subtypes"]), key=len
        )
        return
    fields = described["fields"]
    for name in value.keys() - fields.keys():
        yield _unknown(name, kind)
    yield from _object_problems(kind, fields, value, given=value.keys())
    if kind == "InlineKeyboardButton":
        yield from _button_problems(value)


def _button_problems(button: Mapping[str, Any]) -> Iterator[Problem]:
    """The Bot API asks for exactly one kind of action on an inline button."""
    kinds = button.keys() - _NOT_A_BUTTON_KIND
    if len(kinds) != 1:
        yield Problem(
            what=f"an inline button needs exactly one action, not {sorted(kinds)}",
            words="can't parse inline keyboard button: Text buttons are unallowed in the "
            "inline keyboard",
        )


def within(value: Any, field: Mapping[str, Any]) -> bool:
    """Whether a value of the right type keeps to all that is stated of the field."""
    if "values" in field and value not in field["values"]:
        return False
    if "pattern" in field and not re.fullmatch(field["pattern"], value):
        return False
    if "max" not in field or field.get("after_parsing"):
        return True
    return bool(field["min"] <= _amount(value, field["unit"]) <= field["max"])


def _amount(value: Any, unit: str) -> float:
    if unit == "value":
        return float(value)
    if unit == "bytes":
        return len(value.encode())
    return utf16_length(value) if unit == "characters" else len(value)
