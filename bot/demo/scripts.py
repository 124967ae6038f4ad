"""The stories that the demo can play: `stories/*.toml`, captions and what somebody does."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER = Path(__file__).with_name("stories")


class Step(BaseModel):
    """One step; at most one thing is done in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    caption: str | None = None
    """What is happening; it stays until the next one."""
    show: tuple[int, ...] = ()
    """The chats to be on the screen, from here on."""
    who: int | None = None
    """Who does it."""
    write: str | None = None
    press: str | None = None
    """The label of a button, of the newest message that has it."""
    start: int | None = None
    """Open the newest invitation link that stands in this person's chat."""
    block: bool | None = None
    """Block the bot, or (false) let it in again."""
    move: str | None = None
    """"next", "+3h", "+5m", or a local time of `who`'s, "22:40": the next one."""
    fault: str | None = None
    lift: str | None = None
    bot: Literal["kill", "start"] | None = None
    answered: bool = True
    """Whether the bot's answer is waited for."""
    seconds: float = Field(default=0, ge=0, le=30)
    """To read what came of it, beyond the usual."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        done = [name for name in DOES if getattr(self, name) is not None]
        if len(done) > 1:
            raise ValueError(f"a step does one thing, not {' and '.join(done)}")
        if self.who is None and set(done) & OF_SOMEBODY:
            raise ValueError(f"`{done[0]}` needs `who`")
        return self


DOES = ("write", "press", "start", "block", "move", "fault", "lift", "bot")
OF_SOMEBODY = {"write", "press", "start", "block"}


class Script(BaseModel):
    """One story."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    about: str
    minutes: int
    """How long it takes at its own pace."""
    place: int
    """Among the others, from 1."""
    step: tuple[Step, ...] = Field(min_length=1)


@cache
def scripts() -> Mapping[str, Script]:
    """All stories by name, in their order."""
    found = {
        file.stem: Script.model_validate(tomllib.loads(file.read_text("utf-8")))
        for file in FOLDER.glob("*.toml")
    }
    return dict(sorted(found.items(), key=lambda each: each[1].place))


def script_named(name: str) -> Script:
    """Raises ValueError for a story that there is not."""
    if name not in scripts():
        raise ValueError(f"There is no story {name!r}; there are {', '.join(scripts())}.")
    return scripts()[name]
