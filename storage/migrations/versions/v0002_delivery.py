"""What several processes and a million rows need: fences, when a row was tried, what staff saw."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.models import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reminder", sa.Column("tried_at", UtcDateTime(), nullable=True))
    op.add_column("reminder", sa.Column("seen_at", UtcDateTime(), nullable=True))
    op.add_column("inbox", sa.Column("seen_at", UtcDateTime(), nullable=True))
    op.add_column(
        "outgoing", sa.Column("fence", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )
    op.drop_index("reminder_due", "reminder")
    _index("reminder_due", "reminder", ["try_at", "id"], "try_at IS NOT NULL")
    op.drop_index("reminder_sending", "reminder")
    _index("reminder_sending", "reminder", ["id"], "state = 'sending'")
    troubled = "state IN ('failed', 'unknown') AND seen_at IS NULL"
    _index("reminder_troubled", "reminder", ["clinic_id", "id"], troubled)
    _index("inbox_aside", "inbox", ["id"], "state = 'aside' AND seen_at IS NULL")
    _index("inbox_done", "inbox", ["handled_at"], "state = 'done'")
    _index("outgoing_sending", "outgoing", ["id"], "state = 'sending'")
    _index("outgoing_ended", "outgoing", ["created_at"], "state NOT IN ('scheduled', 'sending')")
    _index("patient_unreachable", "patient", ["clinic_id", "id"], "unreachable_at IS NOT NULL")
    op.drop_column("reminder", "lease_until")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
