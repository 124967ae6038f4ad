"""Telegram's HTML, read as strictly as Telegram reads it: a text and its entities.

Offsets and lengths are in UTF-16 units; positions in the complaints are bytes of the UTF-8 form,
as in Telegram's answers. Tags and rules: https://core.telegram.org/bots/api#html-style
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bot.simulator.errors import ApiError, wrong
from bot.simulator.spec import utf16_length

Entity = dict[str, Any]

_PLAIN_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:#(\d{1,8})|#[xX]([0-9a-fA-F]{1,6})|(lt|gt|amp|quot));?")
_TOKEN = re.compile(r"&|<")
_TAG_NAME = re.compile(r"[^\s>]*")
_ATTRIBUTE = re.compile(r"\s*([^\s=>]+)\s*")
_BARE_VALUE = re.compile(r"[a-zA-Z0-9.\-]+")
_VALUELESS = {"expandable"}
_DETECTED = (
    ("url", re.compile(r"(?:https?://|t\.me/)[^\s<>\"]+[^\s<>\".,;:!?)\]]")),
    ("bot_command", re.compile(r"(?<![\w/<>@])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])")),
    ("mention", re.compile(r"(?<![\w@/.])@[A-Za-z]\w{3,31}\b")),
)
_OTHER_SCHEME = re.compile(r"(?!tg:)[a-zA-Z]+:(?!//|\d+(?:[/?#]|$))")
_ALONE = {"code", "pre", "text_link"}


@dataclass(frozen=True, kw_only=True)
class Formatted:
    """A text as it is shown, and its entities in Telegram's form."""

    text: str
    entities: list[Entity]


@dataclass(frozen=True, kw_only=True)
class _Open:
    """A tag that waits for its end."""

    name: str
    offset: int
    attributes: dict[str, str]


@dataclass
class _Reading:
    source: str
    at: int = 0
    text: list[str] = field(default_factory=list)
    length: int = 0
    opened: list[_Open] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)

    def add(self, piece: str) -> None:
        self.text.append(piece)
        self.length += utf16_length(piece)

    def bytes_before(self, at: int) -> int:
        return len(self.source[:at].encode())


def parse_html(source: str) -> Formatted:
    """The text and entities of Telegram's HTML.

    Raises ApiError `can't parse entities: ...` for a tag that is unknown, unclosed or misplaced.
    """
    reading = _Reading(source)
    while reading.at < len(source):
        found = _TOKEN.search(source, reading.at)
        end = found.start() if found else len(source)
        reading.add(source[reading.at : end])
        reading.at = end
        if found and found[0] == "&":
            _read_reference(reading)
        elif found:
            _read_tag(reading)
    if reading.opened:
        last = reading.opened[-1].name
        raise _unparsable(f'Can\'t find end tag corresponding to start tag "{last}"')
    return trimmed("".join(reading.text), reading.entities)


def detected(formatted: Formatted) -> Formatted:
    """With the links, commands and mentions that Telegram finds by itself."""
    taken = [
        (one["offset"], one["offset"] + one["length"])
        for one in formatted.entities
        if one["type"] in _ALONE
    ]
    found: list[Entity] = []
    for kind, pattern in _DETECTED:
        for match in pattern.finditer(formatted.text):
            start = utf16_length(formatted.text[: match.start()])
            end = start + utf16_length(match[0])
            if all(end <= low or start >= high for low, high in taken):
                taken.append((start, end))
                found.append({"type": kind, "offset": start, "length": end - start})
    return Formatted(text=formatted.text, entities=_ordered([*formatted.entities, *found]))


def trimmed(text: str, entities: list[Entity]) -> Formatted:
    """Without the white space around the text, which Telegram removes; entities move along."""
    kept = text.rstrip()
    start = utf16_length(kept) - utf16_length(kept.lstrip())
    end = utf16_length(kept)
    moved = []
    for one in entities:
        low = max(one["offset"], start)
        high = min(one["offset"] + one["length"], end)
        if low < high:
            moved.append({**one, "offset": low - start, "length": high - low})
    return Formatted(text=kept.lstrip(), entities=_ordered(moved))


def _ordered(entities: list[Entity]) -> list[Entity]:
    return sorted(entities, key=lambda one: (one["offset"], -one["length"]))


def _unparsable(what: str) -> ApiError:
    return wrong(f"can't parse entities: {what}")


def _read_reference(reading: _Reading) -> None:
    """Only four names are known, and numbers; any other `&` stands for itself."""
    found = _REFERENCE.match(reading.source, reading.at)
    if not found:
        reading.add("&")
        reading.at += 1
        return
    reading.add(_character(found))
    reading.at = found.end()


def _character(found: re.Match[str]) -> str:
    if found[3]:
        return _NAMED[found[3]]
    code = int(found[1]) if found[1] else int(found[2], 16)
    if 0xD800 <= code <= 0xDFFF:
        raise _unparsable(
            "Text contains invalid Unicode characters after decoding HTML entities, "
            "check for unmatched surrogate code units"
        )
    return chr(code) if 0 < code < 0x110000 else found[0]


def _read_tag(reading: _Reading) -> None:
    if reading.source.startswith("/", reading.at + 1):
        _read_end_tag(reading)
    else:
        _read_start_tag(reading)


def _read_start_tag(reading: _Reading) -> None:
    begin = reading.at
    where = f"at byte offset {reading.bytes_before(begin)}"
    named = _TAG_NAME.match(reading.source, begin + 1)
    if named is None or named.end() == len(reading.source):
        raise _unparsable(f"Unclosed start tag {where}")
    name = named[0].lower()
    if name not in _PLAIN_TAGS:
        raise _unparsable(f'Unsupported start tag "{name}" {where}')
    reading.at = named.end()
    attributes = _read_attributes(reading, name, where)
    if name == "span" and attributes.get("class") != "tg-spoiler":
        raise _unparsable(f'Tag "span" must have class "tg-spoiler" {where}')
    reading.opened.append(_Open(name=name, offset=reading.length, attributes=attributes))


def _read_attributes(reading: _Reading, tag: str, where: str) -> dict[str, str]:
    attributes: dict[str, str] = {}
    source = reading.source
    while True:
        reading.at = _after_space(source, reading.at)
        if reading.at == len(source):
            raise _unparsable(f'Unclosed start tag "{tag}" {where}')
        if source[reading.at] == ">":
            reading.at += 1
            return attributes
        named = _ATTRIBUTE.match(source, reading.at)
        if named is None:
            raise _unparsable(f'Empty attribute name in the tag "{tag}" {where}')
        reading.at = named.end()
        name = named[1].lower()
        if source.startswith("=", reading.at):
            reading.at = _after_space(source, reading.at + 1)
            attributes[name] = _read_value(reading, tag, where)
        elif name in _VALUELESS:
            attributes[name] = ""
        else:
            raise _unparsable(
                f'Expected equal sign in declaration of an attribute of the tag "{tag}" {where}'
            )


def _after_space(source: str, at: int) -> int:
    while at < len(source) and source[at].isspace():
        at += 1
    return at


def _read_value(reading: _Reading, tag: str, where: str) -> str:
    source, at = reading.source, reading.at
    if at == len(source):
        raise _unparsable(f'Unclosed start tag "{tag}" {where}')
    quote = source[at]
    if quote not in "'\"":
        return _read_bare_value(reading)
    end = source.find(quote, at + 1)
    if end < 0:
        raise _unparsable(f"Unclosed start tag {where}")
    reading.at = end + 1
    return _REFERENCE.sub(_character, source[at + 1 : end])


def _read_bare_value(reading: _Reading) -> str:
    source = reading.source
    found = _BARE_VALUE.match(source, reading.at)
    end = found.end() if found else reading.at
    if end < len(source) and not (source[end].isspace() or source[end] == ">"):
        raise _unparsable(
            f"Unexpected end of name token at byte offset {reading.bytes_before(end)}"
        )
    value = source[reading.at : end]
    reading.at = end
    return value.lower()


def _read_end_tag(reading: _Reading) -> None:
    begin = reading.at
    where = f"at byte offset {reading.bytes_before(begin)}"
    if not reading.opened:
        raise _unparsable(f"Unexpected end tag {where}")
    named = _TAG_NAME.match(reading.source, begin + 2)
    name = named[0].lower() if named else ""
    reading.at = _after_space(reading.source, begin + 2 + len(name))
    if not reading.source.startswith(">", reading.at):
        raise _unparsable(f"Unclosed end tag {where}")
    reading.at += 1
    opened = reading.opened.pop()
    if name not in ("", opened.name):
        raise _unparsable(
            f'Unmatched end tag {where}, expected "</{opened.name}>", found "</{name}>"'
        )
    _close(reading, opened)


def _close(reading: _Reading, opened: _Open) -> None:
    """Add the entity of a tag that just ended; an empty one leaves none."""
    length = reading.length - opened.offset
    entity: Entity = {
        "type": _PLAIN_TAGS[opened.name],
        "offset": opened.offset,
        "length": length,
    }
    if opened.name == "code" and _closes_language(reading, entity, opened):
        return
    details = _details(opened, reading)
    if length and details is not None:
        reading.entities.append(entity | details)


def _closes_language(reading: _Reading, entity: Entity, opened: _Open) -> bool:
    """`<pre><code class="language-x">`: the language goes to the pre, the code is left out."""
    outer = reading.opened[-1] if reading.opened else None
    if outer is None or outer.name != "pre" or outer.offset != entity["offset"]:
        return False
    language = opened.attributes.get("class", "")
    if language.startswith("language-"):
        outer.attributes["language"] = language.removeprefix("language-")
    return True


def _details(opened: _Open, reading: _Reading) -> Entity | None:
    """What the entity says beyond its place; None where Telegram drops the entity."""
    attributes = opened.attributes
    if opened.name == "a":
        shown = "".join(reading.text)
        url = attributes.get("href") or _slice_utf16(shown, opened.offset)
        return {"url": url} if is_link(url) else None
    if opened.name == "pre" and attributes.get("language"):
        return {"language": attributes["language"]}
    if opened.name == "blockquote" and "expandable" in attributes:
        return {"type": "expandable_blockquote"}
    if opened.name == "tg-emoji":
        if not attributes.get("emoji-id", "").isdecimal():
            raise _unparsable("Invalid custom emoji identifier specified")
        return {"custom_emoji_id": attributes["emoji-id"]}
    return _time_details(attributes) if opened.name == "tg-time" else {}


def _time_details(attributes: dict[str, str]) -> Entity:
    """`unix` and `format` of a tg-time (Bot API 9.5): r, or [w][d|D][t|T]."""
    if not re.fullmatch(r"-?\d{1,12}", attributes.get("unix", "")):
        raise _unparsable("Invalid Unix time specified")
    shape = attributes.get("format", "")
    if not re.fullmatch(r"r|w?[dD]?[tT]?", shape):
        raise _unparsable("Invalid date-time format specified")
    details: Entity = {"unix_time": int(attributes["unix"])}
    return details | ({"date_time_format": shape} if shape else {})


def _slice_utf16(text: str, offset: int) -> str:
    return text.encode("utf-16-le")[2 * offset :].decode("utf-16-le")


def is_link(url: str) -> bool:
    """Whether Telegram keeps the link: tel:, mailto: and relative ones are dropped."""
    if _OTHER_SCHEME.match(url):
        return False
    try:
        parts = urlsplit(url if "://" in url or url.startswith("tg:") else f"http://{url}")
    except ValueError:
        return False
    if parts.scheme in ("tg", "ton", "tonsite"):
        return True
    host = parts.netloc.rpartition("@")[2].partition(":")[0]
    usual = parts.scheme in ("http", "https") and not re.search(r"\s", url)
    return usual and "." in host
