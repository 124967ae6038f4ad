"""Faults on order: what Telegram and the network do to a bot on a bad day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

from bot.simulator.errors import ApiError

Kind = Literal[
    "too_many_requests",  # 429 with `retry_after` (seconds)
    "forbidden",  # 403 with `description`
    "server_error",  # 502 with a page of HTML
    "drop_before",  # connection closed, nothing was done
    "drop_after",  # done, then the connection is closed without an answer
    "hang_after",  # done, then no answer until the caller gives up
    "slow",  # done and answered `seconds` later than usual
    "migrate",  # the group has become the supergroup `new_id`
    "down",  # every call fails, until lifted
]


@dataclass(kw_only=True)
class Fault:
    """One fault, for the next `left` fitting calls (None: until lifted)."""

    kind: Kind
    method: str | None
    left: int | None
    chat_id: int | None
    retry_after: int
    description: str
    seconds: float
    new_id: int
    hits: int = 0

    def lift(self) -> None:
        """End it."""
        self.left = 0

    def fits(self, method: str, chat_id: int | None) -> bool:
        return self.left != 0 and self.method in (None, method) and self.chat_id in (None, chat_id)

    def refusal(self) -> ApiError | None:
        """The answer of a fault that refuses; None for those of the wire."""
        made = _REFUSALS.get(self.kind)
        return made(self) if made else None


def _too_many(fault: Fault) -> ApiError:
    return too_many_requests(fault.retry_after)


def _forbidden(fault: Fault) -> ApiError:
    return ApiError(fault.description, code=403)


def _migrate(fault: Fault) -> ApiError:
    return migrated(fault.new_id)


_REFUSALS: dict[str, Callable[[Fault], ApiError]] = {
    "too_many_requests": _too_many,
    "forbidden": _forbidden,
    "migrate": _migrate,
}


def too_many_requests(retry_after: int) -> ApiError:
    """Telegram's 429."""
    return ApiError(f"retry after {retry_after}", code=429, parameters={"retry_after": retry_after})


def migrated(new_id: int) -> ApiError:
    """Telegram's answer for a group that has become the supergroup `new_id`."""
    return ApiError(
        "group chat was upgraded to a supergroup chat", parameters={"migrate_to_chat_id": new_id}
    )


@dataclass
class Faults:
    """The faults on order, first come first served."""

    ordered: list[Fault] = field(default_factory=list)

    def add(
        self,
        kind: Kind,
        *,
        method: str | None = "sendMessage",
        times: int | None = 1,
        chat_id: int | None = None,
        retry_after: int = 3,
        description: str = "bot was blocked by the user",
        seconds: float = 1.0,
        new_id: int = 0,
    ) -> Fault:
        """Order a fault for the next `times` calls of `method` (None: any) to `chat_id`.

        `down` hits every method until `lift()` is called on what is returned.
        """
        if kind not in get_args(Kind):
            raise ValueError(f"{kind!r} is none of {get_args(Kind)}")
        everything = kind == "down"
        fault = Fault(
            kind=kind,
            method=None if everything else method,
            left=None if everything else times,
            chat_id=chat_id,
            retry_after=retry_after,
            description=description,
            seconds=seconds,
            new_id=new_id,
        )
        self.ordered.append(fault)
        return fault

    @property
    def is_down(self) -> bool:
        """Whether every call fails now."""
        return any(fault.kind == "down" and fault.left != 0 for fault in self.ordered)

    def clear(self) -> None:
        """Lift them all."""
        self.ordered.clear()

    def take(self, method: str, chat_id: int | None) -> Fault | None:
        """The fault that hits this call, counted down."""
        for fault in self.ordered:
            if fault.fits(method, chat_id):
                fault.hits += 1
                if fault.left is not None:
                    fault.left -= 1
                return fault
        return None
