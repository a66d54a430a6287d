"""Databases for tests of the relay, on both engines: blank, or with the relay's tables and nothing in them."""

from __future__ import annotations

import functools
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from server.relay.database import migrate, open_engine
from server.relay.models import RelayModel
from server.relay.store import SqlStore
from tests.support.postgres import new_database

if TYPE_CHECKING:
    from sqlalchemy import Engine

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
BOTH: Final = [SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.xdist_group("postgresql"))]
"""The engines, as parameters; tests on PostgreSQL share a worker and so one cluster."""
_numbers = itertools.count()


def blank(engine: str, folder: Path) -> str:
    """The URL of a new database without tables."""
    number = next(_numbers)
    return new_database(f"blank-{number}") if engine == POSTGRESQL else f"sqlite:///{folder}/blank-{number}.sqlite3"


def fresh(engine: str, folder: Path) -> str:
    """The URL of a database with empty tables. On PostgreSQL there is one of them: the next call empties it."""
    if engine == POSTGRESQL:
        url = new_database("fresh")
        _empty(_migrated(url))
        return url
    path = folder / f"fresh-{next(_numbers)}.sqlite3"
    path.write_bytes(_migrated_file())
    return f"sqlite:///{path}"


@contextmanager
def sql_store(url: str) -> Iterator[SqlStore]:
    """The relay's store on a database that has its tables."""
    engine = open_engine(url)
    try:
        yield SqlStore(engine)
    finally:
        engine.dispose()


@functools.cache
def _migrated_file() -> bytes:
    """An SQLite file with empty tables: a copy is quicker than a migration."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite3"
        engine = open_engine(f"sqlite:///{path}")
        migrate(engine)
        engine.dispose()
        return path.read_bytes()


@functools.cache
def _migrated(url: str) -> Engine:
    engine = open_engine(url)
    migrate(engine)
    return engine


def _empty(engine: Engine) -> None:
    """Empty the relay's tables; deleting a few rows is quicker than TRUNCATE."""
    with engine.begin() as connection:
        for rows in RelayModel.metadata.sorted_tables:
            connection.execute(rows.delete())
