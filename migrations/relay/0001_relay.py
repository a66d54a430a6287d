"""The relay's first tables.

There is no way back from here: a relay's log is never dropped. Go back to an earlier program with an earlier backup.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_relay"
down_revision = None


# On SQLite only a column of exactly this type is the row's own key.
ROW_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "certificate",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("arrival", sa.BigInteger(), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_certificate"),
        sa.UniqueConstraint("arrival", name="uq_certificate_arrival"),
    )
    op.create_table(
        "checkpoint",
        sa.Column("size", ROW_KEY, autoincrement=False, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_checkpoint"),
    )
    op.create_table(
        "enrolment_request",
        sa.Column("invitation", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("invitation", name="pk_enrolment_request"),
    )
    op.create_index("ix_enrolment_request_device", "enrolment_request", ["device"], unique=False)
    op.create_table(
        "entry",
        sa.Column("log_index", ROW_KEY, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("stream", sa.LargeBinary(), nullable=False),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.BigInteger(), nullable=False),
        sa.Column("seal_index", sa.Integer(), nullable=False),
        sa.Column("seal_path", sa.LargeBinary(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_index", name="pk_entry"),
        sa.UniqueConstraint("hash", name="uq_entry_hash"),
    )
    op.create_index("ix_entry_feed", "entry", ["stream", "log_index", "session", "seq"], unique=False)
    op.create_index("ix_entry_place", "entry", ["session", "stream", "seq", "hash", "seal"], unique=False)
    op.create_table(
        "log_tile",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name="pk_log_tile"),
    )
    op.create_table(
        "relay_value",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_relay_value"),
    )
    op.create_table(
        "seal",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_seal"),
    )
    op.create_index("ix_seal_place", "seal", ["session", "number", "hash"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("arrival", sa.BigInteger(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.UniqueConstraint("arrival", name="uq_session_arrival"),
    )
