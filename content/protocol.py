"""Which content this is, and which clinician has signed it off: protocol.toml."""

from __future__ import annotations

import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from content.reading import ContentError, Layers, reason

PROTOCOL = "protocol.toml"


class Protocol(BaseModel):
    """The clinic's word on its content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(min_length=1, max_length=20)
    date: datetime.date
    """Of this version."""
    approved_by: str = ""
    """The clinician, as they want to be named; empty: nobody yet."""
    approved_on: datetime.date | None = None
    fingerprint: str = ""
    """Of the content as it was when it was approved: a later change is not approved by it."""

    @classmethod
    def nobodys(cls) -> Protocol:
        """In place of one that cannot be read."""
        return cls(version="?", date=datetime.date.min)


def read_protocol(layers: Layers) -> Protocol:
    """Raises ContentError naming every problem."""
    try:
        return Protocol.model_validate(layers.toml(PROTOCOL))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        keyed = ((str(fault["loc"][0]), reason(fault)) for fault in faults)
        raise ContentError(
            [f"{layers.place(PROTOCOL, key)}: {key}: {what}" for key, what in keyed]
        ) from error
