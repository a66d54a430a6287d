"""The one way to the relay's database: reads beside each other, and writers one at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from server.relay.database import for_writing
from sync_protocol.errors import MisuseError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row, Select


class Turns:
    """A database that threads share: each reads by a connection of its own, and waits for its turn to write."""

    def __init__(self, engine: Engine) -> None:
        """Read and write a database that `migrate` has brought up to date."""
        self._engine = engine
        self._one_writer = threading.Lock()
        self._writer: int | None = None

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """One transaction that writes.

        Raises:
            MisuseError: a block within a block.
        """
        with self._turn(), for_writing(self._engine) as connection, connection.begin():
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._writer == threading.get_ident():
            raise MisuseError(
                "writing", expected="one writer at a time", got="a block within a block", do="report this as a bug"
            )
        with self._one_writer:
            self._writer = threading.get_ident()
            try:
                yield
            finally:
                self._writer = None

    def _rows(self, query: Select[Any]) -> Sequence[Row[*tuple[Any, ...]]]:
        with self._engine.connect() as connection:
            return connection.execute(query).all()

    def _column(self, query: Select[Any]) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return connection.execute(query).scalars().all()
