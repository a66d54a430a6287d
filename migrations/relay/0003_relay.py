"""When seals came; which charts' content was destroyed; sessions by certificate.

When the seals came that are there already, nobody noted.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_relay"
down_revision = "0002_relay"


def upgrade() -> None:
    """Add the column, the table and the index."""
    op.add_column("seal", sa.Column("received_ms", sa.BigInteger(), nullable=True))
    op.create_table(
        "purge",
        sa.Column("chart", sa.LargeBinary(), nullable=False),
        sa.Column("began_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("chart", name="pk_purge"),
    )
    op.create_index("ix_session_certificate", "session", ["certificate"], unique=False)
