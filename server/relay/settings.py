"""What an operator decides about a relay, in one value. Whoever starts the relay reads options and environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

ARCHIVE_FOLDER: Final = "archive"
COLD_FOLDER: Final = "cold"
BLOBS_FOLDER: Final = "blobs"
DATABASE_FILE: Final = "relay.sqlite3"
PORT_DEFAULT: Final = 8410
UNSEEN_AFTER_DAYS: Final = 14
ENTRIES_AN_HOUR: Final = 500_000
"""A device that supplies a lost relay with all of a clinic's past is done in hours."""
BYTES_AN_HOUR: Final = 4 << 30
DISK_FREE_BYTES_MIN: Final = 256 << 20
MIB: Final = 1024 * 1024
CHART_BLOBS_MIB: Final = 4 * 1024
DEVICE_BLOBS_MIB: Final = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """A relay's settings.

    Attributes:
        home: the folder of the relay's keys and, unless `database_url` says otherwise, of its database.
        database_url: a PostgreSQL or SQLite URL; None for an SQLite file in `home`.
        host: the address to listen on; by default this machine only.
        port: the TCP port to listen on; 0 lets the system choose.
        public_addresses: the URLs under which devices dial this relay; each device signs the one that it dialled. Empty
            means those of `host` and `port`.
        commit_entries_max: entries that one transaction takes at most.
        page_entries_max: entries on one page of a feed.
        token_life_ms: how long the token of an HTTP session is good for, in milliseconds.
        entries_an_hour, bytes_an_hour: what one principal may push in an hour; the rest waits on its device.
        disk_free_bytes_min: bytes that stay free on the home's disk; below that nothing more is taken.
        unseen_after_days: how many days nothing may be seen of a device's chain before health asks for attention.
        chart_blobs_mib: MiB of attachments, as they are sealed, that one chart may have here.
        device_blobs_mib: the same, of all that one device and user offered first.
    """

    home: Path
    database_url: str | None = None
    host: str = "127.0.0.1"
    port: int = PORT_DEFAULT
    public_addresses: tuple[str, ...] = ()
    commit_entries_max: int = 512
    page_entries_max: int = 512
    token_life_ms: int = 15 * 60 * 1000
    entries_an_hour: int = ENTRIES_AN_HOUR
    bytes_an_hour: int = BYTES_AN_HOUR
    disk_free_bytes_min: int = DISK_FREE_BYTES_MIN
    unseen_after_days: int = UNSEEN_AFTER_DAYS
    chart_blobs_mib: int = CHART_BLOBS_MIB
    device_blobs_mib: int = DEVICE_BLOBS_MIB

    @property
    def storage_url(self) -> str:
        """Where the database is, as `open_engine` takes it."""
        return self.database_url or f"sqlite:///{quote(str(self.database_file.absolute()))}"

    @property
    def database_file(self) -> Path:
        """Where the database is, unless `database_url` says otherwise."""
        return self.home / DATABASE_FILE

    @property
    def archive_folder(self) -> Path:
        """Where cold tiles of the log go."""
        return self.home / ARCHIVE_FOLDER

    @property
    def cold_folder(self) -> Path:
        """Where the bodies of old entries go."""
        return self.home / COLD_FOLDER

    @property
    def blobs_folder(self) -> Path:
        """Where chunks of attachments go."""
        return self.home / BLOBS_FOLDER
