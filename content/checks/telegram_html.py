"""Whether Telegram would take a text: its HTML, and its length as Telegram counts it.

Tags and rules: https://core.telegram.org/bots/api#html-style. Telegram refuses the whole message
for one tag that it does not know or that is not closed.
"""

from __future__ import annotations

import html
import re

MOST = 4096
"""Characters of a message that Telegram takes whole."""

_ALONE = frozenset(
    "b strong i em u ins s strike del tg-spoiler code pre blockquote".split()  # noqa: SIM905
)
_WITH: dict[str, re.Pattern[str]] = {
    "a": re.compile(r'href="(?:https?|tg)://[^"<>\s]+"'),
    "blockquote": re.compile(r"expandable"),
    "code": re.compile(r'class="language-[\w+-]+"'),
    "span": re.compile(r'class="tg-spoiler"'),
    "tg-emoji": re.compile(r'emoji-id="\d+"'),
    "tg-time": re.compile(r'unix="-?\d{1,12}"(?: format="(?:r|w?[dD]?[tT]?)")?'),
}
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z][\w-]*)(?P<attributes>[^<>]*)>")
_REFERENCE = re.compile(r"&(?!(?:lt|gt|amp|quot|#\d{1,8}|#[xX][0-9a-fA-F]{1,6});)(\w+;)")


def problems(text: str) -> list[str]:
    """What Telegram would refuse in `text`, or show otherwise than it is meant; empty: nothing."""
    found = [f"&{name} is not known to Telegram" for name in _REFERENCE.findall(text)]
    opened: list[str] = []
    end = 0
    for tag in _TAG.finditer(text):
        found += _stray(text[end : tag.start()])
        end = tag.end()
        name, attributes = tag["name"].lower(), tag["attributes"].strip()
        if tag["end"]:
            if not opened or opened.pop() != name:
                found.append(f"</{name}> closes nothing that is open")
                return found
        elif _is_known(name, attributes):
            opened.append(name)
        else:
            found.append(f"{tag[0]} is no tag of Telegram's")
            opened.append(name)
    found += _stray(text[end:])
    return found + [f"<{name}> is not closed" for name in opened]


def _stray(between: str) -> list[str]:
    return ["< stands alone; write &lt;"] if "<" in between else []


def _is_known(name: str, attributes: str) -> bool:
    if not attributes:
        return name in _ALONE
    return name in _WITH and bool(_WITH[name].fullmatch(attributes))


def seen(text: str) -> str:
    """The text as the reader sees it."""
    return html.unescape(_TAG.sub("", text))


def length(text: str) -> int:
    """Characters as Telegram counts them: UTF-16 units, without the tags."""
    return len(seen(text).encode("utf-16-le")) // 2
