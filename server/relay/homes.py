"""Opens the database of a relay's home for somebody beside the relay, who neither migrates it nor makes anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from server.relay import log
from server.relay.cold_bodies import LOCK_FILE, ColdBodies
from server.relay.database import check_version, open_engine
from server.relay.errors import StartError
from server.relay.identity import KEY_FILE, load_key
from server.relay.segments import FolderSegments
from server.relay.settings import RelaySettings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from sync_protocol.signing import SigningKey


def cold_bodies(settings: RelaySettings, engine: Engine) -> ColdBodies:
    """The bodies of old entries, beside the database of that home."""
    return ColdBodies(engine, FolderSegments(settings.cold_folder), settings.home / LOCK_FILE)


@contextmanager
def opened_home(settings: RelaySettings) -> Iterator[Engine]:
    """A relay's database, which belongs to the key in that home; the relay may be running or not.

    Raises:
        StartError: no relay has run in that home, or the database is another relay's.
        StorageError: the database cannot be opened, or is not of this program's version.
    """
    if not (settings.home / KEY_FILE).is_file() or not (settings.database_url or settings.database_file.is_file()):
        raise StartError(
            "home_without_relay",
            expected="a home in which a relay has run",
            got=f"{settings.home} without a relay's key or database",
            do="name the --home of `fieldward server run`, and its --database-url if it was given one",
        )
    key = load_key(settings.home / KEY_FILE, _none)
    engine = open_engine(settings.storage_url)
    try:
        check_version(engine)
        _check_key(engine, key)
        yield engine
    finally:
        engine.dispose()


def _none(_bytes: int) -> bytes:
    raise AssertionError("there is a key, so none is made")


def _check_key(engine: Engine, key: SigningKey) -> None:
    with engine.connect() as connection:
        newest = log.latest_checkpoint(connection)
    if newest is None or not newest[0].origin.endswith(f"/{key.public.hex()[:16]}"):
        raise StartError(
            "other_key",
            expected="the database of the relay whose key is in this home",
            got="another relay's, or one without a log",
            do="name the --home and the --database-url that belong together",
        )
