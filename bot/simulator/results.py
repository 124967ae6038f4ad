"""Whether what the simulator answers and tells looks as Telegram's does, from `bot_api.json`.

What is looked for: a field that the Bot API does not know, a required one that is missing, and a
value of another type or beyond what is stated of it. This runs at every call, so it makes words
only of what is wrong: a fault is told by the innermost value, and each one around it adds where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from bot.simulator.spec import ARRAY, SCALARS, bot_api, within

_PYTHON: Mapping[str, type] = {"Integer": int, "Boolean": bool, "String": str}


def returned(method: str) -> Sequence[str]:
    """The types that a simulated method may return."""
    kinds: list[str] = bot_api()["results"][method]
    return kinds


def faults(kinds: Sequence[str], value: Any) -> list[str]:
    """Why `value` is of none of the types, each with its place; nothing if it is of one."""
    return [f"{kinds[0]}{fault}" for fault in _faults(kinds, value)]


def _faults(kinds: Sequence[str], value: Any) -> list[str]:
    if len(kinds) == 1:
        return _check_of(kinds[0])(value)
    if isinstance(value, dict):  # its faults are told as those of an object
        kinds = [kind for kind in kinds if kind not in SCALARS] or kinds
    return min((_check_of(kind)(value) for kind in kinds), key=len)


@cache
def _check_of(kind: str) -> Callable[[Any], list[str]]:
    """What tells the faults of a value that is to be of this type."""
    if kind in SCALARS:
        return lambda value: [] if SCALARS[kind](value) else _wrong_type(kind, value)
    if kind.startswith(ARRAY):
        return _check_of_array(kind)
    described = bot_api()["told"].get(kind) or bot_api()["types"].get(kind)
    if described is None:
        return lambda _: [f": {kind} is not described; name it in TOLD of derive_spec.py"]
    if "subtypes" in described:
        return lambda value: _faults(described["subtypes"], value)
    return _check_of_object(kind, described["fields"])


def _check_of_array(kind: str) -> Callable[[Any], list[str]]:
    check = _check_of(kind.removeprefix(ARRAY))

    def faults_of_array(value: Any) -> list[str]:
        if not isinstance(value, list):
            return _wrong_type(kind, value)
        found: list[str] = []
        for number, item in enumerate(value):
            if wrong := check(item):
                found += _placed(f"[{number}]", wrong)
        return found

    return faults_of_array


def _check_of_object(kind: str, fields: Mapping[str, Any]) -> Callable[[Any], list[str]]:
    required = {name for name, field in fields.items() if field.get("required")}
    # Most fields take any value of one Python type: that is seen at once.
    plain = {
        name: _PYTHON[field["types"][0]]
        for name, field in fields.items()
        if field["types"][0] in _PYTHON and field.keys() <= {"types", "required"}
    }

    def faults_of_object(value: Any) -> list[str]:
        if not isinstance(value, dict):
            return _wrong_type(kind, value)
        found = [f" ({kind}) lacks {name!r}" for name in sorted(required - value.keys())]
        for name, given in value.items():
            if plain.get(name) is type(given):
                continue
            if name not in fields:
                found.append(f" ({kind}) has no field {name!r}")
            elif wrong := _faults_of_field(fields[name], given):
                found += _placed(f".{name}", wrong)
        return found

    return faults_of_object


def _faults_of_field(field: Mapping[str, Any], value: Any) -> list[str]:
    found = _faults(field["types"], value)
    if found or within(value, field):
        return found
    stated = {name: limit for name, limit in field.items() if name not in ("types", "required")}
    return [f" is outside {stated}: {value!r:.80}"]


def _placed(place: str, wrong: Iterable[str]) -> list[str]:
    return [f"{place}{fault}" for fault in wrong]


def _wrong_type(kind: str, value: Any) -> list[str]:
    return [f" must be {kind}, not {value!r:.80}"]
