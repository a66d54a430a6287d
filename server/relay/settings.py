"""What an operator decides about a relay, in one value. Whoever starts the relay reads options and environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

ARCHIVE_FOLDER: Final = "archive"
DATABASE_FILE: Final = "relay.sqlite3"
PORT_DEFAULT: Final = 8410
UNSEEN_AFTER_DAYS: Final = 14


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
        unseen_after_days: how many days nothing may be seen of a device's chain before health asks for attention.
    """

    home: Path
    database_url: str | None = None
    host: str = "127.0.0.1"
    port: int = PORT_DEFAULT
    public_addresses: tuple[str, ...] = ()
    commit_entries_max: int = 512
    page_entries_max: int = 512
    token_life_ms: int = 15 * 60 * 1000
    unseen_after_days: int = UNSEEN_AFTER_DAYS

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
