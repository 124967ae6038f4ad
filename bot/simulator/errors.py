"""What the simulated Telegram refuses, in Telegram's words."""

from __future__ import annotations

from collections.abc import Mapping

PREFIXES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
}


class ApiError(Exception):
    """A call that is answered with `ok: false`.

    `misuse` says that no correct bot makes such a call, whatever its users do: it is recorded in
    `Simulator.wrong_calls`. A blocked bot or an expired query is not misuse.
    """

    def __init__(
        self,
        words: str,
        *,
        code: int = 400,
        misuse: bool = False,
        parameters: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(words)
        self.code = code
        self.misuse = misuse
        self.parameters = dict(parameters or {})
        prefix = PREFIXES[code]
        self.description = f"{prefix}: {words}" if words else prefix


def wrong(words: str) -> ApiError:
    """A 400 that no correct bot meets."""
    return ApiError(words, misuse=True)
