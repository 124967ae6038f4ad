"""The lead on PostgreSQL: one process speaks to people, the others stand by.

A session advisory lock, held by the very connection the leader writes on. The process dies: the
server drops the connection and with it the lock. The connection breaks: the process can write
nothing until it has taken the lead anew, since somebody else may have had it in between. The
process hangs: its connection falls silent, and whoever stands by has the server end it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event, text
from sqlmodel import Session

LOCK = 0x41465443
"""The advisory lock's number; it is the database's own, so two clinics' databases never meet."""
SILENT_SECONDS = 6
"""A leader says something each second: after so long it hangs."""
KEEPALIVE = ("tcp_keepalives_idle = 3", "tcp_keepalives_interval = 1", "tcp_keepalives_count = 3")
"""For the server's side: a process whose machine is gone is noticed within six seconds."""

_SILENT = text(
    """
    SELECT pg_terminate_backend(held.pid)
    FROM pg_locks AS held
    JOIN pg_stat_activity AS leader ON leader.pid = held.pid
    WHERE held.locktype = 'advisory' AND held.granted
      AND held.classid = 0 AND held.objid = :lock AND held.objsubid = 1
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND leader.state LIKE 'idle%'
      AND leader.state_change < clock_timestamp() - make_interval(secs => :silent)
    """
)


class NotLeading(Exception):
    """Another process has the lead, or the connection that held it was lost."""


class Lead:
    """Sees to it that an engine's one connection holds the lock."""

    def __init__(self) -> None:
        self._wanted = False

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """While this lasts, a new connection may be made, and takes the lock if it is free."""
        self._wanted = True
        try:
            yield
        finally:
            self._wanted = False

    def guards(self, engine: Engine) -> None:
        """Let no connection be made by `engine` but one that holds the lock."""

        @event.listens_for(engine, "do_connect")
        def connect(dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
            if not self._wanted:
                raise NotLeading("the connection that held the lead was lost")
            connection = dialect.connect(*arguments, **options)
            try:
                for setting in KEEPALIVE:
                    connection.execute(f"SET {setting}")
                (taken,) = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
                connection.commit()
                if not taken:
                    raise NotLeading("another process has the lead")
            except BaseException:
                connection.close()
                raise
            return connection


def end_a_silent_leader(tx: Session) -> bool:
    """Have the server end the leader's connection if its process hangs; whether it was so."""
    return bool(tx.execute(_SILENT, {"lock": LOCK, "silent": SILENT_SECONDS}).all())
