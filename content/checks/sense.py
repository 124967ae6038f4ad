"""What is checked on the data: sources, red flags, steps against rules, the clinic's approval."""

from __future__ import annotations

from collections.abc import Iterator

from content import consistency
from content.checks.finding import Finding, error, warning
from content.checks.reachable import raising
from content.library import Library, load
from content.reading import ContentError


def sources(library: Library) -> Iterator[Finding]:
    """Everything medical says where it comes from, or that nothing vouches for it."""
    for rule in library.rules.values():
        if not rule.sources:
            yield error(f"rules.toml: {rule.key}.sources", "names no source")
    for topic in library.topics.values():
        if topic.kind == "effect" and not topic.sources:
            yield error(f"topics.toml: {topic.key}.sources", "names no source")
    for flag in library.flags:
        if not flag.sources and flag.sure != "U":
            yield error(f"flags.toml: {flag.key}.sources", 'names no source, and sure is not "U"')
    for source in library.sources.values():
        if not source.title.strip():
            yield error(f"sources.toml: {source.key}.title", "is empty")


def contradictions(library: Library) -> Iterator[Finding]:
    """What a step says in its own words against a rule at an hour it may be sent."""
    try:
        found = consistency.contradictions(library)
    except (ContentError, ArithmeticError):  # there is no plan: the samples say why
        return
    for said in found:
        file, key, problem = said.split(": ", 2)
        yield error(f"{file}: {key}", problem)


def flags(library: Library) -> Iterator[Finding]:
    """Every red flag comes up by at least one phrase in every language with phrases of any.

    One that is learned needs none.
    """
    for language, phrases in library.phrases.languages.items():
        if not phrases.flags:
            yield warning(
                f"phrases/{language}.toml: flags",
                "is missing: a red flag written in this language is not understood",
            )
            continue
        for flag in library.flags:
            if not flag.learned and raising(library, flag, language) is None:
                yield error(
                    f"phrases/{language}.toml: flags.{flag.key}", "no phrase raises this flag"
                )


def languages(library: Library) -> Iterator[Finding]:
    """A language that is spoken and not understood."""
    for language in library.texts.languages:
        if language not in library.phrases.languages:
            yield warning(
                f"phrases/{language}.toml",
                "is missing: what is written in this language is not understood",
            )


def earlier(library: Library) -> Iterator[Finding]:
    """What a clinic allows sooner than the shipped content, which rests on its sources."""
    ships = load().rules
    for rule in library.forbidding:
        if (shipped := ships.get(rule.key)) is None:
            continue
        hours = {"from_hours": (rule.from_hours, shipped.from_hours)}
        for key in rule.profiles:
            usual = shipped.profiles.get(key, shipped.from_hours)
            hours[f"profiles.{key}"] = (rule.profiles[key], usual)
        for field, (own, usual) in hours.items():
            if own < usual:
                yield warning(
                    f"rules.toml: {rule.key}.{field}",
                    f"{own:g} h is sooner than the {usual:g} h that ship; found: {shipped.range}",
                )


def switched_off(library: Library) -> Iterator[Finding]:
    """Messages about safety that a clinic does not send."""
    shipped = load()
    for key in sorted(library.switched_off):
        if shipped.has_step(key) and shipped.step(key).kind == "safety":
            yield warning(f"steps.toml: {key}.off", "this message is about safety, and is not sent")


def approval(library: Library) -> Iterator[Finding]:
    """Whether a clinician has signed exactly this, and what to write once one has."""
    if library.is_approved:
        return
    lines = f'approved_by = "…", approved_on = …, fingerprint = "{library.fingerprint}"'
    by = library.protocol.approved_by
    what = f"changed since {by} approved it" if by else "not yet approved by a clinician"
    yield warning(
        "protocol.toml",
        f"{what}; who has read all of it writes into CONTENT_DIR/protocol.toml: {lines}",
    )
