"""A word from the process that stores updates to the one that works on them: a hint, no more.

Whoever listens also looks by itself each second, so a word that is lost costs a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url

from storage.database import KEEPALIVE, Transaction, engine_url

CHANNEL = "aftercare_inbox"
AGAIN_SECONDS = 2.0


def tell(tx: Transaction) -> None:
    """Wake whoever listens, once this transaction is committed. On SQLite there is nobody else."""
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(text(f"NOTIFY {CHANNEL}"))


async def listen(url: str, heard: Callable[[], None]) -> None:
    """Call `heard` whenever something was told, until cancelled; a lost connection is made anew."""
    address = make_url(engine_url(url)).set(drivername="postgresql")
    where = address.render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                where, autocommit=True, connect_timeout=5, **KEEPALIVE
            ) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                heard()
                async for _ in connection.notifies():
                    heard()
        except psycopg.Error:
            await asyncio.sleep(AGAIN_SECONDS)
