"""The history of the relay's tables: on both engines it ends at the models, and it happens whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from server.relay import partitions
from server.relay.database import check_version, for_writing, migrate, open_engine
from server.relay.errors import StorageError
from server.relay.models import RelayModel
from server.relay.partitions import BEFORE, FIRST_MS, NET
from server.relay.store import SqlStore
from tests.support.databases import BOTH, blank

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[4]


@pytest.fixture(params=BOTH)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A blank database."""
    opened = open_engine(blank(request.param, tmp_path))
    yield opened
    opened.dispose()


def divided(engine: Engine) -> bool:
    """Whether entries lie in partitions."""
    return engine.dialect.name == "postgresql"


def test_the_tables_are_the_models(engine: Engine) -> None:
    """After all revisions nothing is left that Alembic would change, types and indexes included."""
    migrate(engine)
    with engine.connect() as connection:
        opts = {"compare_type": True, "include_object": partitions.compared(connection)}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, RelayModel.metadata) == []
    parts = {BEFORE, NET} if divided(engine) else set()
    assert set(inspect(engine).get_table_names()) == {*RelayModel.metadata.tables, *parts, "alembic_version"}


def test_a_change_of_the_models_is_noticed(engine: Engine) -> None:
    """What partitions are spared hides nothing: a column, an index or a table that is not the models' shows."""
    migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_entry_feed")
        connection.exec_driver_sql("ALTER TABLE entry ADD COLUMN more INTEGER")
        connection.exec_driver_sql("CREATE TABLE entry_more (x INTEGER)")
        opts = {"compare_type": True, "include_object": partitions.compared(connection)}
        found = compare_metadata(MigrationContext.configure(connection, opts=opts), RelayModel.metadata)
    assert {change[0] for change in found} == {"add_index", "remove_column", "remove_table"}


def test_names_are_the_same_on_both_engines(engine: Engine) -> None:
    """Constraints and indexes have names, which later revisions can use."""
    migrate(engine)
    found = inspect(engine)
    for name in (BEFORE, NET) if divided(engine) else ("entry",):
        key = found.get_pk_constraint(name)
        assert (key["name"], key["constrained_columns"]) == (f"pk_{name}", ["log_index"])
        (unique,) = found.get_unique_constraints(name)
        assert (unique["name"], unique["column_names"]) == (f"uq_{name}_hash", ["hash"])
    assert {"ix_entry_feed", "ix_entry_place"} <= {index["name"] for index in found.get_indexes("entry")}


def test_again_is_nothing(engine: Engine) -> None:
    """A relay migrates at every start; a database that is up to date is not changed."""
    migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO relay_value (name, value) VALUES ('kept', '')")
    migrate(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT name FROM relay_value").scalar() == "kept"


def test_a_newer_database_is_refused(engine: Engine) -> None:
    """A database that a later version wrote is left alone, and the message says which program can read it."""
    migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_relay'")
    with pytest.raises(StorageError) as caught:
        migrate(engine)
    assert caught.value.code == "storage_version"
    assert "9999_relay" in caught.value.got


def test_a_migration_that_fails_changes_nothing(engine: Engine) -> None:
    """Revisions run in one transaction, DDL included, so that no half-made tables remain."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE seal (x INTEGER)")
    with pytest.raises(StorageError):
        migrate(engine)
    assert inspect(engine).get_table_names() == ["seal"]


def test_the_developer_s_command_agrees(tmp_path: Path) -> None:
    """`alembic.ini` leads to the same revisions, and finds nothing to add to them; odd paths do no harm."""
    folder = tmp_path / "100 % sure"
    folder.mkdir()
    url = f"url=sqlite:///{folder}/relay.sqlite3"
    for asked in ("upgrade", "head"), ("check",):
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "-x", url, *asked],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert "No new upgrade operations detected" in done.stdout


def test_entries_of_the_first_version_stay(engine: Engine) -> None:
    """They came at a time that nobody noted, so in the first partition; everything else about them is as it was."""
    with as_file(files("migrations")) as scripts, for_writing(engine) as connection, connection.begin():
        config = Config()
        config.set_main_option("path_separator", "newline")
        config.set_main_option("script_location", str(scripts))
        config.set_main_option("version_locations", str(scripts / "relay"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001_relay")
    columns = "log_index, hash, stream, session, seq, seal, seal_index, seal_path, header, body"
    with engine.begin() as connection:
        for index in range(300):
            session = b"one" if index % 3 else b"other"
            row = (index, b"hash %d" % index, b"stream", session, index, 0, 0, b"", b"header", b"body %d" % index)
            values = {f"p{number}": value for number, value in enumerate(row)}
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO entry ({columns}) VALUES ({marks})"), values)
        before = connection.execute(text(f"SELECT {columns} FROM entry ORDER BY log_index")).all()
    with pytest.raises(StorageError) as caught:
        check_version(engine)
    assert caught.value.code == "storage_version"
    migrate(engine)
    check_version(engine)
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT {columns} FROM entry ORDER BY log_index")).all() == before
        assert connection.execute(text("SELECT count(*) FROM entry WHERE arrived_ms <> 0")).scalar() == 0
        seen = connection.execute(
            text("SELECT session, log_index, arrived_ms FROM session_seen ORDER BY session")
        ).all()
        assert [tuple(row) for row in seen] == [(b"one", 299, 0), (b"other", 297, 0)]
        if divided(engine):
            assert connection.execute(text(f"SELECT count(*) FROM {BEFORE}")).scalar() == 300
    SqlStore(engine).prepare(FIRST_MS)
    assert ("entry_202601" in inspect(engine).get_table_names()) is divided(engine)


def test_a_database_without_tables_has_no_version(engine: Engine) -> None:
    """Whoever looks beside the relay changes nothing, not even an empty database."""
    with pytest.raises(StorageError) as caught:
        check_version(engine)
    assert "without a relay's tables" in caught.value.got
    assert inspect(engine).get_table_names() == []
