"""What may be a red flag and may not: asked with one yes/no question (clinical.md, B2)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from content.flags import Level


class Doubt(BaseModel):
    """One such thing; its question is `doubts.<key>.question`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    row: str
    """The row of clinical.md, part C ("C11")."""
    level: Level
    """What the answer with the question counts as."""
    topic: str
    if_yes: str
    """The key of the flag that Yes raises."""
    sources: tuple[str, ...]
