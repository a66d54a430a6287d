"""Blobs: attachments as the relay carries them, sealed and in chunks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_relay"
down_revision = "0004_relay"


def upgrade() -> None:
    """Add the table and its indexes."""
    op.create_table(
        "blob",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("stream", sa.LargeBinary(), nullable=False),
        sa.Column("chart", sa.LargeBinary(), nullable=False),
        sa.Column("uploader", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("stored_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_blob"),
        sa.UniqueConstraint("number", name="uq_blob_number"),
    )
    op.create_index("ix_blob_chart", "blob", ["chart"], unique=False)
    op.create_index("ix_blob_uploader", "blob", ["uploader"], unique=False)
