"""Telegram's HTML as the simulator reads it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.simulator.errors import ApiError
from bot.simulator.html import Formatted, detected, is_link, parse_html, trimmed


def entities(source: str) -> list[tuple[str, int, int]]:
    return [(one["type"], one["offset"], one["length"]) for one in parse_html(source).entities]


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("plain", "plain", []),
        ("<b>a</b><strong>b</strong>", "ab", [("bold", 0, 1), ("bold", 1, 1)]),
        ("<i>a</i><em>b</em>", "ab", [("italic", 0, 1), ("italic", 1, 1)]),
        ("<u>a</u><ins>b</ins>", "ab", [("underline", 0, 1), ("underline", 1, 1)]),
        ("<s>a</s><strike>b</strike><del>c</del>", "abc",
         [("strikethrough", n, 1) for n in range(3)]),
        ("<code>a</code>", "a", [("code", 0, 1)]),
        ("<pre>a</pre>", "a", [("pre", 0, 1)]),
        ('<tg-spoiler>a</tg-spoiler><span class="tg-spoiler">b</span>', "ab",
         [("spoiler", 0, 1), ("spoiler", 1, 1)]),
        ("<blockquote>a</blockquote>", "a", [("blockquote", 0, 1)]),
        ("<blockquote expandable>a</blockquote>", "a", [("expandable_blockquote", 0, 1)]),
        ("<B>a</b>", "a", [("bold", 0, 1)]),
        ("<b>a</>", "a", [("bold", 0, 1)]),
        ("<b></b>x", "x", []),
        ("<b>a<i>b</i></b>", "ab", [("bold", 0, 2), ("italic", 1, 1)]),
        ("&lt;b&gt; &amp; &quot;&#65;&#x42;", '<b> & "AB', []),
        ("R&D &nbsp; &", "R&D &nbsp; &", []),
        ("😀<b>é😀</b>", "😀é😀", [("bold", 2, 3)]),
        ("  <b> a </b>  ", "a", [("bold", 0, 1)]),
    ],
)  # fmt: skip
def test_each_tag_becomes_its_entity_with_utf16_offsets(
    source: str, text: str, found: list[tuple[str, int, int]]
) -> None:
    assert parse_html(source).text == text
    assert entities(source) == found


@pytest.mark.parametrize(
    ("source", "details"),
    [
        ('<a href="https://t.me/x?start=1&amp;b=2">a</a>', {"url": "https://t.me/x?start=1&b=2"}),
        ("<a href='http://a.b'>a</a>", {"url": "http://a.b"}),
        ("<a>a.example</a>", {"url": "a.example"}),
        ('<a href="tg://resolve?domain=x">a</a>', {"url": "tg://resolve?domain=x"}),
        ('<a href="a.example:80/x">a</a>', {"url": "a.example:80/x"}),
        ("<a href=a.example>a</a>", {"url": "a.example"}),
        ('<pre><code class="language-py">a</code></pre>', {"language": "py"}),
        ('<tg-emoji emoji-id="53">👍</tg-emoji>', {"custom_emoji_id": "53"}),
        ('<tg-time unix="1764000000" format="wDT">soon</tg-time>',
         {"unix_time": 1764000000, "date_time_format": "wDT"}),
        ('<tg-time unix="1764000000">soon</tg-time>', {"unix_time": 1764000000}),
    ],
)  # fmt: skip
def test_attributes_are_told_with_the_entity(source: str, details: dict[str, object]) -> None:
    (entity,) = parse_html(source).entities
    assert {k: v for k, v in entity.items() if k not in ("type", "offset", "length")} == details


@pytest.mark.parametrize(
    "href", ["tel:+4412345", "mailto:a@b.example", "/relative", "x y.example", "http://[x"]
)
def test_a_link_that_telegram_does_not_know_is_shown_as_plain_text(href: str) -> None:
    assert parse_html(f'<a href="{href}">call</a>') == Formatted(text="call", entities=[])
    assert not is_link(href)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<br>", 'Unsupported start tag "br" at byte offset 0'),
        ("é < 5 mm", 'Unsupported start tag "" at byte offset 3'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<a href", 'Expected equal sign in declaration of an attribute of the tag "a"'),
        ("<a href=", 'Unclosed start tag "a" at byte offset 0'),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ('<a href="x" ', 'Unclosed start tag "a" at byte offset 0'),
        ("<a href=x/>y</a>", "Unexpected end of name token at byte offset 9"),
        ('<a ="x">y</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("&#xD800;", "Text contains invalid Unicode characters"),
        ('<tg-emoji emoji-id="x">y</tg-emoji>', "Invalid custom emoji identifier specified"),
        ('<tg-time unix="soon">y</tg-time>', "Invalid Unix time specified"),
        ('<tg-time unix="1" format="q">y</tg-time>', "Invalid date-time format specified"),
    ],
)
def test_what_telegram_cannot_parse_is_refused_in_its_words(source: str, words: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_html(source)
    assert refused.value.description.startswith(f"Bad Request: can't parse entities: {words}")
    assert refused.value.misuse


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("/start CODE", "bot_command", "/start"),
        ("😀 /help@some_bot", "bot_command", "/help@some_bot"),
        ("see https://t.me/b?start=x.", "url", "https://t.me/b?start=x"),
        ("ask @clinic now", "mention", "@clinic"),
    ],
)
def test_links_commands_and_mentions_are_found_by_telegram_itself(
    text: str, kind: str, shown: str
) -> None:
    (entity,) = detected(trimmed(text, [])).entities
    start, end = 2 * entity["offset"], 2 * (entity["offset"] + entity["length"])
    assert entity["type"] == kind
    assert text.encode("utf-16-le")[start:end].decode("utf-16-le") == shown


@pytest.mark.parametrize("source", ["a/b", "24/7", "<code>/start</code>", "a@b.example"])
def test_what_only_looks_like_a_command_is_none(source: str) -> None:
    kinds = {one["type"] for one in detected(parse_html(source)).entities}
    assert not kinds & {"bot_command", "mention"}


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_an_escaped_text_is_shown_literally(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert parse_html(escaped) == Formatted(text=text.strip(), entities=[])
