"""The sheet that a clinician proof-reads, as one HTML page to print and sign: `plan --html`.

Nothing is loaded from elsewhere and nothing runs. Whatever a text holds is shown as Telegram would
show it, or as it is written: it is never HTML of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path

from markupsafe import Markup, escape

from content.flags import Level
from content.proof.sheet import Answered, Message, Reply, Sheet, Sign, Told, Value
from content.proof.words import Words

SHOWN = frozenset(
    {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "blockquote"}
)
"""Telegram's tags that a page shows as Telegram does."""
USED_COLUMNS = ("rule", "here", "both", "now", "range", "sure", "sources")
KINDS = ("effect", "care", "about")
RULE_COLUMNS = (
    "rule", "here", "default", "cautious", "profiles", "before_visit", "range", "sure", "sources",
)  # fmt: skip

_CSS = (Path(__file__).parent / "sheet.css").read_text("utf-8")


def page(sheet: Sheet) -> str:
    """The whole page."""
    words = Words(sheet)
    title = words.label("head.title")
    body = Markup("\n").join(
        [
            _element("h1", title),
            _element("p", words.label("head.intro"), class_="intro"),
            *_head(words),
            *_messages(words),
            *_elsewhere(words),
            *_rules(words),
            *_answers(words),
            *_flags(words),
            *_story(words),
            *_variants(words),
            *_sources(words),
            _sign_off(words),
        ]
    )
    return str(
        Markup(
            '<!doctype html>\n<html lang="{}" dir="{}">\n<head>\n<meta charset="utf-8">\n'
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
            '<meta name="viewport" content="width=device-width">\n<title>{}</title>\n'
            "<style>\n{}</style>\n</head>\n<body>\n{}\n</body>\n</html>\n"
        ).format(sheet.language, words.direction, title, _style(words), body)
    )


def _style(words: Words) -> Markup:
    """The style sheet, and on every printed page which content this is."""
    library = words.sheet.library
    parts = (words.label("head.short").unescape(), library.version, words.approved().unescape())
    # Every letter as its number: whatever a version is called, it cannot end the string.
    foot = "".join(f"\\{ord(letter):x} " for letter in " · ".join(parts))
    page_of = 'counter(page) " / " counter(pages)'
    small = "font: 7pt sans-serif; color: #46545f;"
    return Markup(_CSS) + Markup(  # noqa: S704  ours, and numbers
        f'@page {{ @bottom-left {{ content: "{foot}"; {small} }}'
        f" @bottom-right {{ content: {page_of}; {small} }} }}\n"
    )


# --- the head --------------------------------------------------------------------------------


def _head(words: Words) -> Iterator[Markup]:
    yield _element("p", words.approved(), class_=f"status {words.sheet.approval}")
    yield _element(
        "dl",
        *(
            _element("dt", title) + _element("dd", Markup("<br>").join(lines))
            for title, lines in words.facts()
        ),
    )
    if words.sheet.changed:
        yield _element("h3", words.label("profile.changes"))
        rows = (_row(_named(value), words.change(value)) for value in words.sheet.changed)
        yield _element("table", *rows, class_="small")


# --- the messages ----------------------------------------------------------------------------


def _messages(words: Words) -> Iterator[Markup]:
    yield _element("h2", words.label("messages.title"))
    for day, messages in groupby(words.sheet.messages, key=lambda message: message.day):
        yield _element("h3", words.label("messages.day", day=day))
        yield from (_message(words, message) for message in messages)


def _elsewhere(words: Words) -> Iterator[Markup]:
    if not words.sheet.elsewhere:
        return
    yield _element("h2", words.label("messages.elsewhere"))
    yield _element("p", words.label("messages.elsewhere_why"), class_="intro")
    for case, message in words.sheet.elsewhere:
        yield _element("h3", words.label(f"messages.case_{case}"))
        yield _message(words, message)


def _message(words: Words, message: Message) -> Markup:
    due, after, title, *rest = words.heading(message)
    head = _element(
        "header",
        _element("strong", due, " · ", title),
        _element("span", Markup(" · ").join([after, *rest]), class_="quiet small"),
    )
    rests = [*_rests_on(words, message)] or [_element("p", words.label("messages.nothing"))]
    beside = _element(
        "div",
        _element("div", as_seen(message.text), class_="bubble seen"),
        _element("div", *rests, class_="rests tiny"),
        class_="beside",
    )
    return _element("article", head, beside)


def _rests_on(words: Words, message: Message) -> Iterator[Markup]:
    values = [*message.says, *message.lists]
    if values:
        heads = (_element("th", words.label(f"rules.{column}")) for column in USED_COLUMNS)
        yield _element("table", _element("tr", *heads), *(_used(words, value) for value in values))
    if message.warns:
        label = Markup("<b>{}:</b> ").format(words.label("messages.warns"))
        yield _element("p", label, words.warnings(message))
    others = [it for it in message.sources if not any(it.key in v.rule.sources for v in values)]
    if others:
        label = Markup("<b>{}:</b> ").format(words.label("messages.sources"))
        yield _element("p", label, _cited(words, (it.key for it in others)))


def _used(words: Words, value: Value) -> Markup:
    rule = value.rule
    both = f"{words.short(rule.from_hours)} / {words.short(rule.cautious_from_hours)}"
    return _row(
        _named(value),
        _element("b", words.short(value.hours)),
        both,
        words.status(value),
        rule.range,
        words.label(f"sure.{rule.sure}"),
        _cited(words, rule.sources),
    )


# --- the rules -------------------------------------------------------------------------------


def _rules(words: Words) -> Iterator[Markup]:
    yield _element("h2", words.label("rules.title"))
    yield _element("p", words.label("rules.intro"), class_="intro")
    heads = (_element("th", words.label(f"rules.{column}")) for column in RULE_COLUMNS)
    yield _element(
        "table",
        _element("thead", _element("tr", *heads)),
        _element("tbody", *(_rule(words, value) for value in words.sheet.values)),
        class_="small",
    )


def _rule(words: Words, value: Value) -> Markup:
    rule = value.rule
    skin = words.label(f"rules.{rule.if_skin_is}") if rule.if_skin_is != "any" else ""
    profiles = (f"{key}: {words.span(hours)}" for key, hours in rule.profiles.items())
    leave_out = "" if rule.leave_out_days is None else words.before_visit(rule.leave_out_days)
    changed = "value changed" if value.because else "value"
    shipped = words.sheet.shipped.get(rule.key, rule)
    return _element(
        "tr",
        _element("td", _named(value), *([Markup("<br>"), skin] if skin else [])),
        _element("td", words.span(value.hours), class_=changed),
        _hour(words, rule.from_hours, shipped.from_hours),
        _hour(words, rule.cautious_from_hours, shipped.cautious_from_hours),
        _element("td", Markup("<br>").join(profiles)),
        _element("td", leave_out),
        _element("td", rule.range),
        _element("td", words.label(f"sure.{rule.sure}")),
        _element("td", _cited(words, rule.sources)),
    )


def _hour(words: Words, hours: float, shipped: float) -> Markup:
    """An hour of the clinic's, with ours beside it where it is another."""
    if hours == shipped:
        return _element("td", words.span(hours), class_="value")
    ours = words.label("rules.ships", value=words.span(shipped))
    said = (words.span(hours), Markup("<br>"), _element("span", ours, class_="quiet tiny"))
    return _element("td", *said, class_="value changed")


def _named(value: Value) -> Markup:
    return Markup("{}<br><code>{}</code>").format(value.name, value.rule.key)


# --- the answers -----------------------------------------------------------------------------


def _answers(words: Words) -> Iterator[Markup]:
    yield _element("h2", words.label("answers.title"))
    yield _element("p", words.label("answers.intro"), class_="intro")
    for kind in KINDS:
        yield _element("h3", words.label(f"answers.{kind}"))
        yield from (_topic(words, it) for it in words.sheet.answers if it.topic.kind == kind)


def _topic(words: Words, answered: Answered) -> Markup:
    topic = answered.topic
    facts = [
        words.label("answers.rules", rules=", ".join(topic.rules)) if topic.rules else "",
        words.raised_by(topic),
        words.label("answers.sure", sure=words.label(f"sure.{topic.sure}")) if topic.sure else "",
        Markup("{}: {}").format(words.label("rules.sources"), _cited(words, answered.sources))
        if answered.sources
        else "",
    ]
    return _element(
        "article",
        _element(
            "header",
            Markup("<strong>{}</strong> <code>/{}</code>").format(answered.name, topic.key),
        ),
        _element("p", Markup(" · ").join(fact for fact in facts if fact), class_="quiet small"),
        _element("div", *(_reply(words, reply) for reply in answered.replies), class_="cards"),
    )


def _reply(words: Words, reply: Reply) -> Markup:
    when = Markup("{}: {}").format(words.begins(reply), words.label(f"level.{reply.level}"))
    if reply.level == "info":
        when = words.begins(reply)
    return _element(
        "div",
        _element("span", when, class_="when small"),
        _element("div", as_seen(reply.text), class_="seen small"),
        class_=f"card {reply.level}",
    )


# --- red flags -------------------------------------------------------------------------------


def _flags(words: Words) -> Iterator[Markup]:
    yield _element("h2", words.label("flags.title"))
    yield _element("p", words.label("flags.intro"), class_="intro")
    for level, signs in words.sheet.signs.items():
        yield from _signs(words, level, signs)
    if words.sheet.doubts:
        yield _element("h3", words.label("flags.doubts"))
        yield _element("table", *_doubts(words), class_="flags small")


def _signs(words: Words, level: Level, signs: Iterable[Sign]) -> Iterator[Markup]:
    begins, ends = words.sheet.frame(level)
    yield _element("h3", words.label(f"level.{level}"))
    for name, said in (("begins", begins), ("ends", ends)):
        label = Markup("<b>{}:</b> ").format(words.label(f"flags.{name}"))
        yield _element("div", label, as_seen(said), class_="frame seen small")
    heads = ("flags.row", "flags.says", "rules.sure", "rules.sources")
    yield _element(
        "table",
        _element("thead", _element("tr", *(_element("th", words.label(it)) for it in heads))),
        _element("tbody", *(_sign(words, sign) for sign in signs)),
        class_="flags small",
    )


def _sign(words: Words, sign: Sign) -> Markup:
    flag = sign.flag
    return _row(
        Markup("<code>{}</code><br>{}").format(flag.key, words.condition(flag)),
        Markup("<br>").join(map(as_seen, sign.words)),
        words.label(f"sure.{flag.sure}"),
        _cited(words, flag.sources),
    )


def _doubts(words: Words) -> Iterator[Markup]:
    for doubt, question in words.sheet.doubts:
        flag = Markup("<code>{}</code>").format(doubt.if_yes)
        yield _row(
            _element("code", doubt.key),
            as_seen(question),
            words.label("flags.if_yes", flag=flag),
            _cited(words, doubt.sources),
        )


# --- the story, and other words --------------------------------------------------------------


def _story(words: Words) -> Iterator[Markup]:
    yield _element("h2", words.label("story.title"))
    yield _element("p", words.label("story.intro"), class_="intro")
    yield _element("div", *(_told(words, told) for told in words.sheet.story), class_="pages")


def _told(words: Words, told: Told) -> Markup:
    sources = Markup("{}: {}").format(words.label("rules.sources"), _cited(words, told.sources))
    return _element(
        "div",
        _element("code", told.page.key),
        _element("div", as_seen(told.text), class_="seen small"),
        _element("p", sources if told.sources else "", class_="quiet tiny"),
        class_="card",
    )


def _variants(words: Words) -> Iterator[Markup]:
    yield _element("h2", words.label("variants.title"))
    yield _element("p", words.label("variants.intro"), class_="intro")
    columns = ("place", "profile", "usual", "words")
    heads = (_element("th", words.label(f"variants.{column}")) for column in columns)
    rows = (
        _row(_element("code", it.key), it.profile, as_seen(it.usual), as_seen(it.words))
        for it in words.sheet.variants
    )
    yield _element(
        "table",
        _element("thead", _element("tr", *heads)),
        _element("tbody", *rows),
        class_="small",
    )


# --- sources, and the sign-off ---------------------------------------------------------------


def _sources(words: Words) -> Iterator[Markup]:
    yield _element("h2", words.label("sources.title"))
    yield _element("p", words.label("sources.intro"), class_="intro")
    listed = (
        Markup('<li id="source-{0}"><b>{0}</b> {1} <span class="quiet">[{2}]</span></li>').format(
            number, source.title, source.key
        )
        for number, source in enumerate(words.sheet.sources, 1)
    )
    yield _element("ul", *listed, class_="sources small")


def _sign_off(words: Words) -> Markup:
    lines = ("name", "role", "date", "signature")
    return _element(
        "section",
        _element("h2", words.label("sign.title")),
        _element("p", words.approved(), class_=f"status {words.sheet.approval}"),
        _element("p", _element("b", words.label("sign.declare"))),
        _element("p", words.label("sign.scope")),
        _element(
            "div",
            *(_element("div", words.label(f"sign.{line}"), class_="line") for line in lines),
            class_="lines",
        ),
        _element("p", words.label("sign.file")),
        _element("pre", words.protocol_lines()),
        class_="sign",
    )


# --- small things ----------------------------------------------------------------------------


def as_seen(text: Markup) -> Markup:
    """Telegram's HTML as a page shows it; a tag that is not Telegram's stands there as written."""
    reader = _Reader()
    reader.feed(str(text))
    reader.close()
    return reader.shown()


class _Reader(HTMLParser):
    """Keeps Telegram's tags, without attributes and closed in their order; escapes the rest."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[Markup] = []
        self._open: list[str] = []

    def shown(self) -> Markup:
        closing = (_tag(f"/{name}") for name in reversed(self._open))
        return Markup().join([*self._parts, *closing])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SHOWN and not attrs:
            self._open.append(tag)
            self._parts.append(_tag(tag))
        else:
            self._parts.append(escape(self.get_starttag_text() or ""))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()
            self._parts.append(_tag(f"/{tag}"))
        else:
            self._parts.append(escape(f"</{tag}>"))

    def handle_data(self, data: str) -> None:
        self._parts.append(escape(data))

    def handle_comment(self, data: str) -> None:
        self._parts.append(escape(f"<!--{data}-->"))

    def handle_decl(self, decl: str) -> None:
        self._parts.append(escape(f"<!{decl}>"))

    def handle_pi(self, data: str) -> None:
        self._parts.append(escape(f"<?{data}>"))

    def unknown_decl(self, data: str) -> None:
        self._parts.append(escape(f"<![{data}]>"))


def _tag(name: str) -> Markup:
    return Markup("<{}>").format(name)


def _cited(words: Words, sources: Iterable[str]) -> Markup:
    """The numbers of sources, each leading to its title."""
    numbers = ((key, words.sheet.number_of(key)) for key in sources)
    links = (
        Markup('<a href="#source-{0}" title="{1}">{0}</a>').format(number, key)
        for key, number in sorted(numbers, key=lambda it: it[1])
    )
    return Markup(", ").join(links)


def _row(*cells: Markup | str) -> Markup:
    return _element("tr", *(_element("td", cell) for cell in cells))


def _element(name: str, *inside: Markup | str, class_: str = "") -> Markup:
    """`<name class="class_">inside</name>`; what is no Markup is escaped."""
    of_class = Markup(' class="{}"').format(class_) if class_ else ""
    return Markup("<{0}{1}>{2}</{0}>").format(name, of_class, Markup().join(inside))
