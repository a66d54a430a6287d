"""The history of the relay's tables: on both engines it ends at the models, and it happens whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from server.relay.database import migrate, open_engine
from server.relay.errors import StorageError
from server.relay.models import RelayModel
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


def test_the_tables_are_the_models(engine: Engine) -> None:
    """After all revisions nothing is left that Alembic would change, types and indexes included."""
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, RelayModel.metadata) == []
    assert set(inspect(engine).get_table_names()) == {*RelayModel.metadata.tables, "alembic_version"}


def test_names_are_the_same_on_both_engines(engine: Engine) -> None:
    """Constraints and indexes have names, which later revisions can use."""
    migrate(engine)
    found = inspect(engine)
    assert found.get_pk_constraint("entry")["name"] == "pk_entry"
    assert [unique["name"] for unique in found.get_unique_constraints("entry")] == ["uq_entry_hash"]
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
    for command in ("upgrade", "head"), ("check",):
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "-x", url, *command],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert "No new upgrade operations detected" in done.stdout
