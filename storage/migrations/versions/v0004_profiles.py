"""Sessions of their own kind: skin that marks easily, and hours that the clinic set itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "treatment",
        sa.Column("marks_easily", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("treatment", sa.Column("overrides", sa.String(), nullable=True))
