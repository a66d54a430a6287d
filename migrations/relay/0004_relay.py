"""Bodies of old entries in segments: files beside the database, and which of them may go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_relay"
down_revision = "0003_relay"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "cold_segment",
        sa.Column("first", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("offsets", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("first", name="pk_cold_segment"),
    )
    op.create_table(
        "cold_draft",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_cold_draft"),
    )
