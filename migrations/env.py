"""Alembic runs this file for every command.

A relay that starts hands over its open connection, inside one transaction. From a terminal, where the URL comes from
`alembic.ini` or `-x url=...`, this file opens a connection the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context

from server.relay import partitions
from server.relay.database import for_writing, open_engine
from server.relay.models import RelayModel

if TYPE_CHECKING:
    from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Run the revisions in the caller's transaction: all of them or none, for both engines can roll tables back."""
    context.configure(
        connection=connection, target_metadata=RelayModel.metadata, include_object=partitions.compared(connection)
    )
    context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    upgrade(given)
else:
    url = context.get_x_argument(as_dictionary=True).get("url") or context.config.get_main_option("sqlalchemy.url")
    with for_writing(open_engine(url or "")) as opened, opened.begin():
        upgrade(opened)
