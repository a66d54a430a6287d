"""Opening the relay's database: durable, one writer from the first statement on, and errors that say what to do."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import insert, select

from server.relay import database
from server.relay.database import explain, for_writing, migrate, open_engine
from server.relay.errors import StorageError
from server.relay.models import RelayValue, table
from server.relay.settings import DATABASE_FILE, RelaySettings
from tests.support.databases import BOTH, blank, fresh
from tests.support.postgres import postgres_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

VALUE = table(RelayValue)
on_postgresql = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An SQLite database with the relay's tables."""
    return Path(fresh("sqlite", tmp_path).removeprefix("sqlite:///"))


@pytest.fixture(params=BOTH)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with the relay's tables."""
    opened = open_engine(fresh(request.param, tmp_path))
    yield opened
    opened.dispose()


def put(engine: Engine, name: str, value: bytes = b"") -> None:
    """Write a row in a transaction of its own."""
    with for_writing(engine) as connection, connection.begin():
        connection.execute(insert(VALUE), {"name": name, "value": value})


def names(engine: Engine) -> list[str]:
    """What was committed."""
    with engine.connect() as connection:
        return list(connection.execute(select(VALUE.c.name).order_by(VALUE.c.name)).scalars())


class TestTransactions:
    def test_sqlite_commits_to_the_disk(self, file: Path) -> None:
        """Every connection writes ahead, waits for the disk at each commit, and checks foreign keys."""
        engine = open_engine(f"sqlite:///{file}")
        with engine.connect() as one, engine.connect() as other:
            for connection in (one, other):
                pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
                found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
                assert found == ["wal", 2, 1, database.BUSY_TIMEOUT_MS]
        engine.dispose()

    @on_postgresql
    @pytest.mark.parametrize(("chosen", "found"), [("off", "on"), ("remote_apply", "remote_apply"), ("local", "local")])
    def test_postgresql_is_never_weakened(self, chosen: str, found: str) -> None:
        """A server that would not wait for its disk is told to; what an operator chose beyond that stays."""
        engine = open_engine(f"{postgres_url()}&options=-csynchronous_commit%3D{chosen}")
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == found
        engine.dispose()

    def test_a_transaction_is_all_or_nothing(self, engine: Engine) -> None:
        """What a failed transaction wrote is gone, its first statement included."""

        def fail() -> None:
            with for_writing(engine) as connection, connection.begin():
                connection.execute(insert(VALUE), {"name": "a", "value": b""})
                connection.execute(insert(VALUE), {"name": "b", "value": b""})
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        put(engine, "c")
        assert names(engine) == ["c"]

    def test_sqlite_locks_before_it_reads(self, file: Path) -> None:
        """Two that read and then write follow each other; locking at the first write would make one of them fail."""
        engines = [open_engine(f"sqlite:///{file}") for _ in range(2)]

        def count_up(engine: Engine, mark: str) -> None:
            for _ in range(20):
                with for_writing(engine) as connection, connection.begin():
                    known = len(connection.execute(select(VALUE.c.name)).all())
                    connection.execute(insert(VALUE), {"name": f"{known:03} {mark}", "value": b""})

        threads = [threading.Thread(target=count_up, args=(engine, f"{i}")) for i, engine in enumerate(engines)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert [name[:3] for name in names(engines[0])] == [f"{number:03}" for number in range(40)]
        for engine in engines:
            engine.dispose()


def test_a_home_may_have_any_name(tmp_path: Path) -> None:
    """Without a URL the database is a file in the relay's home, whatever signs stand in the folder's name."""
    home = tmp_path / "a b%20c?d#e:é"
    home.mkdir()
    engine = open_engine(RelaySettings(home=home).storage_url)
    migrate(engine)
    engine.dispose()
    assert [path.name for path in home.iterdir()] == [DATABASE_FILE]
    assert RelaySettings(home=home, database_url="postgresql://h/d").storage_url == "postgresql://h/d"


class TestErrors:
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "relay.sqlite3",
            "mysql://u:secret@h/d",
            "sqlite://",
            "sqlite:///:memory:",
            "postgresql+asyncpg://u:secret@h/d",
            "postgresql://u:secret@h:x/d",
        ],
    )
    def test_a_wrong_url_is_explained(self, url: str) -> None:
        """A URL that is none, or of another engine, is refused without being repeated: it may hold a password."""
        with pytest.raises(StorageError) as caught:
            open_engine(url)
        assert caught.value.code == "storage_url"
        assert "secret" not in str(caught.value)

    def test_a_missing_folder_is_explained(self, tmp_path: Path) -> None:
        """A database whose folder does not exist cannot be opened, and is not made somewhere else."""
        with pytest.raises(StorageError) as caught:
            open_engine(f"sqlite:///{tmp_path}/none/relay.sqlite3")
        assert (caught.value.code, caught.value.got) == ("storage_unreachable", "SQLITE_CANTOPEN")

    def test_a_file_that_is_no_database_is_explained(self, tmp_path: Path) -> None:
        """Another file in its place is damage, and is left as it is."""
        path = tmp_path / "relay.sqlite3"
        path.write_bytes(b"not a database" * 1000)
        with pytest.raises(StorageError) as caught:
            open_engine(f"sqlite:///{path}")
        assert caught.value.code == "storage_damaged"
        assert path.read_bytes() == b"not a database" * 1000

    def test_a_damaged_page_is_explained(self, file: Path) -> None:
        """Damage that only a later query meets is told by that query."""
        engine = open_engine(f"sqlite:///{file}")
        for number in range(50):
            put(engine, f"{number}", bytes(2000))
        engine.dispose()
        with closing(sqlite3.connect(file)) as connection:
            roots = connection.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = 'relay_value'").fetchall()
        with file.open("r+b") as raw:
            for (root,) in roots:
                raw.seek((root - 1) * 4096)
                raw.write(b"\xff" * 4096)
        engine = open_engine(f"sqlite:///{file}")
        with pytest.raises(StorageError) as caught:
            names(engine)
        assert caught.value.code == "storage_damaged"
        engine.dispose()

    def test_another_writer_is_explained(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A write lock that another program does not give back is told after the waiting time."""
        monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 20)
        engine = open_engine(f"sqlite:///{file}")
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError) as caught:
            put(engine, "a")
        assert caught.value.code == "storage_locked"
        other.execute("ROLLBACK")
        other.close()
        put(engine, "a")
        assert names(engine) == ["a"]
        engine.dispose()

    def test_a_full_disk_is_explained(self, file: Path) -> None:
        """A transaction that the disk has no room for is undone whole, and a small one may still pass."""
        engine = open_engine(f"sqlite:///{file}")

        def fill() -> None:
            with for_writing(engine) as connection, connection.begin():
                pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
                connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
                connection.execute(insert(VALUE), {"name": "small", "value": b""})
                connection.execute(insert(VALUE), {"name": "large", "value": bytes(1_000_000)})

        with pytest.raises(StorageError) as caught:
            fill()
        assert caught.value.code == "storage_full"
        assert names(engine) == []
        put(engine, "small")
        engine.dispose()

    def test_a_second_relay_is_explained(self, engine: Engine) -> None:
        """Two writers that give out one number are found by the database, on both engines."""
        put(engine, "a")
        with pytest.raises(StorageError) as caught:
            put(engine, "a")
        assert caught.value.code == "storage_conflict"

    @on_postgresql
    def test_a_server_that_does_not_answer_is_explained(self) -> None:
        """No server, no such database and no such user are told apart from damage."""
        nobody = "postgresql://relay:secret@127.0.0.1:9/relay?connect_timeout=2"
        for url in (
            nobody,
            postgres_url().replace("/postgres?", "/none?"),
            postgres_url().replace("postgres:@", "nobody:@"),
        ):
            with pytest.raises(StorageError) as caught:
                open_engine(url)
            assert caught.value.code == "storage_unreachable"
            assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (psycopg.errors.DiskFull("x"), "storage_full"),
            (psycopg.errors.DataCorrupted("x"), "storage_damaged"),
            (psycopg.errors.IndexCorrupted("x"), "storage_damaged"),
            (psycopg.errors.SerializationFailure("x"), "storage_locked"),
            (psycopg.errors.LockNotAvailable("x"), "storage_locked"),
            (psycopg.errors.AdminShutdown("x"), "storage_unreachable"),
            (psycopg.errors.TooManyConnections("x"), "storage_unreachable"),
            (psycopg.errors.UndefinedTable("x"), "storage"),
            (sqlite3.OperationalError("x"), "storage"),
            (None, "storage"),
        ],
    )
    def test_what_cannot_be_made_to_happen_here(self, error: BaseException | None, code: str) -> None:
        """Errors of a server that tests do not break are told by their class; a row in the message is not repeated."""
        explained = explain(error)
        assert explained.code == code
        assert "x" not in explained.got.split()


def test_tables_of_a_blank_database(tmp_path: Path) -> None:
    """A relay whose tables were never made says that its database does not do what it is asked."""
    engine = open_engine(blank("sqlite", tmp_path))
    with pytest.raises(StorageError) as caught:
        names(engine)
    assert caught.value.code == "storage"
    migrate(engine)
    assert names(engine) == []
    engine.dispose()
