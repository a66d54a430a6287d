"""Opens the relay's database, SQLite or PostgreSQL, brings its tables up to date, and explains what goes wrong.

Whatever either engine raises leaves this room as a `StorageError`. A commit that returned is on the disk: SQLite runs
with synchronous=FULL, PostgreSQL with a synchronous_commit other than off.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from server.relay.errors import StorageError

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.pool import ConnectionPoolEntry

T = TypeVar("T")

BUSY_TIMEOUT_MS: Final = 5000
"""How long SQLite waits for another process's write lock."""
READERS_MAX: Final = 32
"""Connections at once; a reader that finds none free waits."""
_WRITING: Final = "fieldward_writing"
_POSTGRESQL: Final = "postgresql+psycopg"
_DRIVERS: Final = {"sqlite": "sqlite", "postgresql": _POSTGRESQL, "postgres": _POSTGRESQL, _POSTGRESQL: _POSTGRESQL}

_UNKNOWN: Final = ("storage", "a database that does what it is asked", "read the message and the database's own log")
_LOCKED: Final = (
    "storage_locked",
    "a database that no other program is writing to",
    "stop the other program, or wait until it is done",
)
_DAMAGED: Final = (
    "storage_damaged",
    "an undamaged relay database",
    "stop the relay, keep the file, restore the last backup; devices send again what it lacks",
)
_FULL: Final = ("storage_full", "room on the disk", "free or add disk space, then start again; nothing is half stored")
_CLOSED: Final = (
    "storage_unreachable",
    "a database that can be opened",
    "check that the folder or server exists, and that this user may read and write there",
)
_CONFLICT: Final = (
    "storage_conflict",
    "one relay as the only writer of its log",
    "stop the other relay that uses this database",
)
_SQLITE_CODES: Final = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _CLOSED,
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_READONLY: _CLOSED,
    sqlite3.SQLITE_PERM: _CLOSED,
    sqlite3.SQLITE_AUTH: _CLOSED,
    sqlite3.SQLITE_CONSTRAINT: _CONFLICT,
}
"""By primary result code, which is the low byte of the extended one."""
_SQLSTATES: Final = {
    "": _CLOSED,  # libpq's own errors, such as a refused connection, have no state
    "08": _CLOSED,
    "23": _CONFLICT,
    "28": _CLOSED,
    "3D": _CLOSED,
    "40": _LOCKED,
    "53100": _FULL,
    "53": _CLOSED,
    "55P03": _LOCKED,
    "57": _CLOSED,
    "58": _CLOSED,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}
"""By SQLSTATE, or by its class, the first two characters."""


def open_engine(url: str, *, alone: bool = False) -> Engine:
    """Open a database and check that it answers.

    Args:
        url: `sqlite:///path` of a file, or `postgresql://user@host/name`; psycopg 3 is always the driver.
        alone: whether nobody else reads an SQLite file meanwhile: then one file is all there is of it, as a backup
            needs it, and it may lie on a share that has no memory in common.

    Raises:
        StorageError: not such a URL, or the database cannot be opened, or is none.
    """
    target = target_url(url)
    if target.drivername == _POSTGRESQL:
        engine = create_engine(target, pool_size=READERS_MAX, max_overflow=0, pool_pre_ping=True)
        event.listen(engine, "connect", _prepare_postgresql)
    else:
        engine = create_engine(target, pool_size=READERS_MAX, max_overflow=0)
        event.listen(engine, "connect", _prepare_sqlite_alone if alone else _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "handle_error", _translate, retval=True)
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    return engine


def for_writing(engine: Engine) -> Connection:
    """A connection whose transaction takes the write lock when it begins, not at its first change.

    A transaction that reads first and locks later fails at once, without waiting, if another wrote in between.
    """
    return engine.connect().execution_options(**{_WRITING: True})


def migrate(engine: Engine) -> None:
    """Bring the tables to this program's version; all of it or nothing happens.

    Raises:
        StorageError: the database is of a version that this program does not know.
    """
    with _revisions() as config, for_writing(engine) as connection, connection.begin():
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StorageError(
                "storage_version",
                expected="tables of a version that this program knows",
                got=str(error),
                do="start the version that wrote this database, or a newer one",
            ) from None


def check_version(engine: Engine) -> None:
    """Check that the tables are of this program's version, and change nothing: a relay may be at work on them.

    Raises:
        StorageError: they are of another version, or there are none.
    """
    with _revisions() as config, engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        newest = ScriptDirectory.from_config(config).get_current_head()
    if found != newest:
        raise StorageError(
            "storage_version",
            expected=f"tables of version {newest}",
            got=f"version {found}" if found else "a database without a relay's tables",
            do="start the relay of this program once, which brings its database up to date",
        )


def slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut values for statements: an engine takes 32,766 parameters in one, and plans badly long before that."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def explain(error: BaseException | None) -> StorageError:
    """Say what a driver's error means. Its own message stays out where it could quote a row."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        reason = _UNKNOWN if code is None else _SQLITE_CODES.get(code & 0xFF, _UNKNOWN)
        got = str(getattr(error, "sqlite_errorname", type(error).__name__))
    elif isinstance(error, psycopg.Error):
        state = error.sqlstate or ""
        reason = _SQLSTATES.get(state, _SQLSTATES.get(state[:2], _UNKNOWN))
        got = f"SQLSTATE {state} ({type(error).__name__})" if state else "no connection"
    else:
        reason, got = _UNKNOWN, type(error).__name__
    code_word, expected, do = reason
    return StorageError(code_word, expected=expected, got=got, do=do)


@contextmanager
def _revisions() -> Iterator[Config]:
    """Where Alembic finds the history of the tables."""
    with as_file(files("migrations")) as scripts:
        config = Config()
        config.set_main_option("path_separator", "newline")
        config.set_main_option("script_location", _escaped(scripts))
        config.set_main_option("version_locations", _escaped(scripts / "relay"))
        yield config


def target_url(url: str) -> URL:
    """The URL with the driver that we use; never shown in an error, because it may hold a password."""
    expected = "a database URL such as sqlite:////srv/relay/relay.sqlite3 or postgresql://relay@localhost/relay"
    do = "correct the database URL in the relay's settings"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StorageError("storage_url", expected=expected, got="something that is no URL", do=do) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise StorageError("storage_url", expected=expected, got=f"a URL for {parsed.drivername}", do=do)
    if driver == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise StorageError("storage_url", expected=expected, got="an SQLite URL without a file", do=do)
    return parsed.set(drivername=driver)


def _prepare_sqlite_alone(dbapi: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    _prepare_sqlite(dbapi, entry, journal_mode="DELETE")


def _prepare_sqlite(dbapi: sqlite3.Connection, _entry: ConnectionPoolEntry, *, journal_mode: str = "WAL") -> None:
    # The driver begins no transactions of its own: `_begin_sqlite` does.
    dbapi.isolation_level = None
    try:
        dbapi.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        dbapi.execute(f"PRAGMA journal_mode = {journal_mode}")
        dbapi.execute("PRAGMA synchronous = FULL")
        dbapi.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error as error:
        dbapi.close()
        raise explain(error) from None


def _begin_sqlite(connection: Connection) -> None:
    # By the driver itself: every look-up begins a transaction, and the engine's own way costs more than the look-up.
    writing = connection.get_execution_options().get(_WRITING)
    driver: Any = connection.connection.dbapi_connection
    try:
        driver.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
    except sqlite3.Error as error:
        raise explain(error) from None


def _prepare_postgresql(dbapi: psycopg.Connection[Any], _entry: ConnectionPoolEntry) -> None:
    # Never weaken what an operator chose (remote_apply, say), but do not run without durability either.
    dbapi.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    # A plan for any list of a thousand streams compares each row with each of them: 2 s where 5 ms do (measured).
    dbapi.execute("SET plan_cache_mode = force_custom_plan")
    dbapi.commit()


def _translate(context: ExceptionContext) -> None:
    raise explain(context.original_exception) from None


def _escaped(path: object) -> str:
    """A path as an ini value, in which a percent sign begins a reference."""
    return str(path).replace("%", "%%")
