"""Red flags that may be meant: asked with one yes/no question (clinical.md, part B2, match rules).

"Calentura" is a cold sore or a fever; "my face feels weird" may be a stroke or a tight skin.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pydantic import BaseModel, ConfigDict

from content.flags import Level


class Doubt(BaseModel):
    """What may be meant. Its question is the text `doubts.<key>.question`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    row: str
    """The row of clinical.md, part C, that may be meant."""
    level: Level
    """What the answer with the question counts as."""
    topic: str
    if_yes: str
    """The flag that is up if the answer is yes."""
    none_of: tuple[str, ...] = ()
    """Signals with which there is no doubt."""
    only_if_unknown: bool = False
    """Asked only where nothing else was understood."""
    sources: tuple[str, ...] = ()


def doubt_problems(
    doubts: Mapping[str, Doubt],
    flags: Collection[str],
    topics: Collection[str],
    keys: Collection[str],
    sources: Collection[str],
) -> Iterator[str]:
    """What names something that is not there; `flags` are their keys, `keys` the phrasebook's."""
    for doubt in doubts.values():
        if doubt.if_yes not in flags:
            yield f"doubts.toml: {doubt.key}.if_yes: there is no flag '{doubt.if_yes}'"
        if doubt.topic not in topics:
            yield f"doubts.toml: {doubt.key}.topic: '{doubt.topic}' is not in topics.toml"
        if f"doubt:{doubt.key}" not in keys:
            yield f"doubts.toml: {doubt.key}: no phrases in [doubts]: it is never asked"
        for name in doubt.none_of:
            if f"signal:{name}" not in keys:
                yield f"doubts.toml: {doubt.key}.none_of: no signal '{name}' in phrases"
        for source in doubt.sources:
            if source not in sources:
                yield f"doubts.toml: {doubt.key}.sources: {source} is not in sources.toml"
    said = {key.partition(":")[2] for key in keys if key.startswith("doubt:")}
    yield from (
        f"phrases: [doubts] {key}: not in doubts.toml" for key in sorted(said - doubts.keys())
    )
