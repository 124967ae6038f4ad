"""Alembic's entry: migrates the database whose engine `storage.migrate` hands over."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from storage import models  # noqa: F401  the tables register themselves

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transactional_ddl=True,  # SQLite's too: `storage.migrate` begins the transactions
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
