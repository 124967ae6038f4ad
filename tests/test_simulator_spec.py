"""The strict check of calls, and the data it is made from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.simulator import methods
from bot.simulator.derive_spec import derive, limit_of, written
from bot.simulator.spec import bot_api, check, utf16_length


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, one in bot_api()["methods"].items():
        yield name, one
    for name, one in bot_api()["types"].items():
        yield name, one.get("fields", {})


def test_all_methods_and_every_type_that_can_be_sent_are_known() -> None:
    assert len(bot_api()["methods"]) == 180
    known = {*bot_api()["types"], "Integer", "String", "Boolean", "Float", "InputFile"}
    for _, own in fields():
        for field in own.values():
            assert {kind.replace("Array of ", "") for kind in field["types"]} <= known


def test_every_simulated_method_is_one_of_the_bot_api() -> None:
    assert methods.METHODS.keys() <= bot_api()["methods"].keys()


@pytest.mark.parametrize(
    ("owner", "name", "limit"),
    [
        ("sendMessage", "text", (1, 4096, "characters")),
        ("sendPhoto", "caption", (0, 1024, "characters")),
        ("InlineKeyboardButton", "callback_data", (1, 64, "bytes")),
        ("answerCallbackQuery", "text", (0, 200, "characters")),
        ("setMyCommands", "commands", (0, 100, "items")),
        ("BotCommand", "description", (1, 256, "characters")),
        ("CopyTextButton", "text", (1, 256, "characters")),
        ("sendMessage", "entities", (0, 100, "items")),
        ("getUpdates", "limit", (1, 100, "value")),
        ("sendMediaGroup", "media", (2, 10, "items")),
        ("setMyDescription", "description", (0, 512, "characters")),
        ("setMyShortDescription", "short_description", (0, 120, "characters")),
    ],
)
def test_the_limits_are_those_of_the_bot_api(
    owner: str, name: str, limit: tuple[int, int, str]
) -> None:
    field = dict(fields())[owner][name]
    assert (field["min"], field["max"], field["unit"]) == limit


def test_a_description_is_turned_into_fields_and_limits() -> None:
    spec = {
        "version": "Bot API 0",
        "methods": {
            "getChat": {"returns": ["ChatFullInfo"]},
            "sendX": {
                "returns": ["Boolean"],
                "fields": [
                    {"name": "a", "types": ["X"], "required": True, "description": "An X"},
                    {"name": "b", "types": ["Integer"], "required": False,
                     "description": "Values between 1-9 are accepted."},
                ]
            }
        },
        "types": {
            "X": {"subtypes": ["X1"]},
            "X1": {"fields": [{"name": "type", "types": ["String"], "required": True,
                               "description": "Type, must be one"}]},
            "Unsendable": {"fields": []},
            "ChatMember": {"subtypes": ["ChatMemberMember", "ChatMemberOfAnotherKind"]},
            "ChatMemberMember": {"fields": [{"name": "until", "types": ["Unsendable"],
                                             "required": False, "description": "Until"}]},
        },
    }  # fmt: skip
    derived = derive(spec)
    assert derived["methods"]["sendX"] == {
        "a": {"types": ["X"], "required": True},
        "b": {"types": ["Integer"], "min": 1, "max": 9, "unit": "value"},
    }
    assert derived["types"] == {
        "X": {"subtypes": ["X1"]},
        "X1": {"fields": {"type": {"types": ["String"], "required": True, "values": ["one"]}}},
    }
    assert derived["results"] == {"getChat": ["ChatFullInfo"]}
    assert derived["told"] == {
        "ChatMember": {"subtypes": ["ChatMemberMember"]},
        "ChatMemberMember": {"fields": {"until": {"types": ["Unsendable"]}}},
    }


def test_the_shipped_data_is_in_the_form_the_script_writes() -> None:
    shipped = Path(methods.__file__).with_name("bot_api.json").read_text(encoding="utf-8")
    assert written(bot_api()) == shipped


@pytest.mark.parametrize(
    ("types", "prose", "limit"),
    [
        (["String"], "Text, 1-9 characters after entities parsing",
         {"min": 1, "max": 9, "unit": "characters", "after_parsing": True}),
        (["String"], "Payload, 1-64 Bytes", {"min": 1, "max": 64, "unit": "bytes"}),
        (["Array of X"], "A list of 1-12 things", {"min": 1, "max": 12, "unit": "items"}),
        (["Array of X"], "Many. At most 7 commands.", {"min": 0, "max": 7, "unit": "items"}),
        (["Array of MessageEntity"], "Entities", {"min": 0, "max": 100, "unit": "items"}),
        (["Float"], "In metres; 0-1500", {"min": 0, "max": 1500, "unit": "value"}),
        (["Integer"], "Must be between 1 and 360 if given",
         {"min": 1, "max": 360, "unit": "value"}),
        (["Boolean"], "Pass True for 1-9 characters", {}),
    ],
)  # fmt: skip
def test_each_way_the_prose_states_a_limit_is_understood(
    types: list[str], prose: str, limit: dict[str, Any]
) -> None:
    assert limit_of("X", {"name": "x", "types": types, "description": prose}) == limit


def test_a_parse_mode_is_one_of_three() -> None:
    field = {"name": "parse_mode", "types": ["String"], "description": "Mode"}
    assert limit_of("sendX", field) == {"values": ["HTML", "MarkdownV2", "Markdown"]}


def test_a_quoted_choice_is_read_from_the_prose() -> None:
    field = {
        "name": "style",
        "types": ["String"],
        "description": 'Style. Must be one of "danger" (red), "success" (green). If omitted, "x".',
    }
    assert limit_of("Y", field) == {"values": ["danger", "success"]}


@pytest.mark.parametrize("given", ["true", "True", "1", True])
def test_a_boolean_is_read_as_telegram_reads_it(given: object) -> None:
    checked = check("sendMessage", {"chat_id": 1, "text": "x", "protect_content": given}, {})
    assert checked.values["protect_content"] is True
    assert checked.problems == ()


def test_every_problem_of_a_call_is_named() -> None:
    checked = check("sendMessage", {"txt": "x", "protect_content": "perhaps"}, {})
    assert {problem.what for problem in checked.problems} == {
        "sendMessage has no field 'txt'",
        "protect_content must be Boolean, not 'perhaps'",
        "sendMessage needs 'chat_id'",
        "sendMessage needs 'text'",
    }


def test_text_is_measured_in_utf16_units() -> None:
    assert [utf16_length(text) for text in ("", "é", "😀", "👩🏽")] == [0, 1, 2, 4]


def test_no_method_description_was_copied() -> None:
    """Names, types and limits are facts; the prose stays where it was written."""
    assert not re.search(r'"description":"[A-Z]', written(bot_api()))
