"""Logging: what happened and where, never a token, a name or a word of a message."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from storage.database import DatabaseError, InterfaceError, why_away


def configure(level: str, style: str) -> None:
    """Set up logging to stderr: `style` is `text` or `json`."""
    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _errors_without_words,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_without_arguments)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in ("aiohttp.access", "apscheduler", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def where(error: BaseException) -> str:
    """The last place in an error's traceback: file, line, function; never a value."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next
    return place


def _without_arguments(record: logging.LogRecord) -> bool:
    # Libraries put whole updates, addresses with the token and rows into the arguments.
    if not record.name.startswith(("bot", "content", "storage")):
        record.args = None
        if record.name == "asyncio":  # its words are put together already, an error's among them
            record.msg = str(record.msg).partition("\n")[0]
        if record.exc_info and record.exc_info[1]:
            record.msg = f"{record.msg} ({type(record.exc_info[1]).__name__})"
        record.exc_info = record.exc_text = None
    return True


def _errors_without_words(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """An error as its kind and its place: its message may hold what a patient wrote.

    A database's says why in words of ours, which hold nothing of anybody's.
    """
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["where"] = where(error)
    if isinstance(error, DatabaseError | InterfaceError):
        event["why"] = why_away(error)
    return event
