"""When entries arrived; on PostgreSQL the entries by month; tiles that moved to files.

What is there already came at a time that nobody noted: its `arrived_ms` is 0. On PostgreSQL the table of entries itself
becomes the first partition, so that no body is copied however many there are; it is read once, to check its bounds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_relay"
down_revision = "0001_relay"

FIRST_MS = 1_767_225_600_000  # 2026-01-01: what the first partition ends at


def upgrade() -> None:
    """Add the column and the tables."""
    op.create_table(
        "archived_tile",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name="pk_archived_tile"),
    )
    op.create_table(
        "session_seen",
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("arrived_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session", name="pk_session_seen"),
    )
    op.execute("INSERT INTO session_seen SELECT session, max(log_index), 0 FROM entry GROUP BY session")
    op.add_column("entry", sa.Column("arrived_ms", sa.BigInteger(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":
        _partition()


def _partition() -> None:
    """Put a partitioned table in the place of the old one, which becomes the first of its partitions."""
    for statement in (
        "ALTER TABLE entry ALTER arrived_ms DROP DEFAULT",
        "ALTER TABLE entry RENAME TO entry_before",
        "ALTER TABLE entry_before RENAME CONSTRAINT pk_entry TO pk_entry_before",
        "ALTER TABLE entry_before RENAME CONSTRAINT uq_entry_hash TO uq_entry_before_hash",
        "ALTER INDEX ix_entry_feed RENAME TO ix_entry_before_feed",
        "ALTER INDEX ix_entry_place RENAME TO ix_entry_before_place",
        "CREATE TABLE entry (LIKE entry_before) PARTITION BY RANGE (arrived_ms)",
        "CREATE INDEX ix_entry_feed ON entry (stream, log_index, session, seq)",
        "CREATE INDEX ix_entry_place ON entry (session, stream, seq, hash, seal)",
        f"ALTER TABLE entry ATTACH PARTITION entry_before FOR VALUES FROM (MINVALUE) TO ({FIRST_MS})",
        "CREATE TABLE entry_other PARTITION OF entry DEFAULT",
        "ALTER TABLE entry_other ADD CONSTRAINT pk_entry_other PRIMARY KEY (log_index)",
        "ALTER TABLE entry_other ADD CONSTRAINT uq_entry_other_hash UNIQUE (hash)",
    ):
        op.execute(statement)
