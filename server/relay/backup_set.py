"""A backup on the disk: what is in its folder, under which names, and whether it is what it claims to be.

    backup.json                 the manifest: written last, whole, so that it always describes a complete backup
    relay-<digest>.sqlite3      the database
    archive/, cold/, blobs/     tiles, bodies and attachments, as in a relay's home
    keys/                       only if that was asked for

What a database refers to is the database's to say, so the manifest names the database alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sqlalchemy import func, select

from server.relay.archive import TileArchive
from server.relay.blob_book import BlobBook
from server.relay.blob_files import BlobFolder
from server.relay.cold_bodies import LOCK_FILE, ColdBodies
from server.relay.database import check_version, open_engine
from server.relay.errors import StorageError
from server.relay.files import write_whole
from server.relay.models import ArchivedTile, BlobRow, EntryRow, table
from server.relay.segments import FolderSegments
from server.relay.settings import ARCHIVE_FOLDER, BLOBS_FOLDER, COLD_FOLDER
from server.relay.store import SqlStore
from sync_protocol.blobs import Blob
from sync_protocol.checkpoints import NoteVerifyKey, open_checkpoint
from sync_protocol.errors import PeerError
from sync_protocol.ids import BlobId, EntryHash, Hash
from sync_protocol.merkle import CompactRange, leaf_hash

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from sync_protocol.checkpoints import Checkpoint
    from sync_protocol.signing import VerifyKey

MANIFEST: Final = "backup.json"
KEYS_FOLDER: Final = "keys"
FORMAT: Final = 1
CHUNK_BYTES: Final = 1 << 20
_PAGE: Final = 1024
_ENTRY: Final = table(EntryRow)
_BLOB: Final = table(BlobRow)
_ARCHIVED: Final = table(ArchivedTile)

Progress = Callable[[str, int, int], None]
"""Told of a step, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds.

    Attributes:
        database, digest: the database's file, and its SHA-256 in hexadecimal.
        origin, size, root: the state of the log in it; the root in hexadecimal.
        made_ms: when it was made, in Unix milliseconds.
        blobs_through: the number up to which it has all blobs.
        keys: whether the relay's keys are in it.
    """

    format: int
    database: str
    digest: str
    origin: str
    size: int
    root: str
    made_ms: int
    blobs_through: int
    keys: bool

    def write(self, folder: Path) -> None:
        """Put it in a backup's folder, in place of the one before."""
        write_whole(folder / MANIFEST, (json.dumps(asdict(self), indent=1) + "\n").encode())

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Of the backup in a folder.

        Raises:
            StorageError: there is none, or it is damaged or of a later format.
        """
        try:
            fields: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            found = cls(**fields)
            sound = found.format == FORMAT and Path(found.database).name == found.database and len(found.digest) == 64  # noqa: PLR2004 - digits of a SHA-256
        except FileNotFoundError:
            raise _bad(f"a backup in {folder}", "no backup.json") from None
        except (OSError, ValueError, TypeError):
            raise _bad(f"a backup.json that can be read in {folder}", "one that cannot") from None
        if not sound:
            raise _bad(f"a backup of format {FORMAT} in {folder}", "another one")
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """Files beside a database: of a home, or of a backup."""

    folder: Path

    @property
    def tiles(self) -> TileArchive:
        """The archived tiles."""
        return TileArchive(self.folder / ARCHIVE_FOLDER)

    @property
    def segments(self) -> FolderSegments:
        """The bodies of old entries."""
        return FolderSegments(self.folder / COLD_FOLDER)

    @property
    def blobs(self) -> BlobFolder:
        """The attachments."""
        return BlobFolder(self.folder / BLOBS_FOLDER)


@dataclass(frozen=True, slots=True)
class Named:
    """A file that a database refers to: its path below home or backup, and the SHA-256 of what has to be in it."""

    path: Path
    digest: bytes


def named_files(engine: Engine, place: Place) -> Iterator[Named]:
    """The files that a database refers to, with what has to be in them.

    Args:
        engine: the database's.
        place: where those of blobs are read, whose manifests say what their chunks are.

    Raises:
        StorageError: a blob's manifest is missing or is another one.
    """
    anywhere = Place(Path())
    with engine.connect() as connection:
        tiles = connection.execute(select(_ARCHIVED).order_by(_ARCHIVED.c.level, _ARCHIVED.c.number)).all()
        blobs = connection.execute(select(_BLOB.c.id).where(_BLOB.c.stored_ms.is_not(None)).order_by(_BLOB.c.number))
        names = [BlobId(found) for found in blobs.scalars()]
    for level, number, digest in tiles:
        yield Named(anywhere.tiles.path((level, number)), digest)
    for segment in ColdBodies(engine, place.segments, place.folder / LOCK_FILE).rows():
        yield Named(anywhere.segments.path(segment.digest), segment.digest)
    for name in names:
        yield from _blob_files(place, name)


def check(engine: Engine, key: VerifyKey, place: Place, progress: Progress) -> Checkpoint:
    """Check a database against itself and the files beside it: newest checkpoint, entries, tiles, every named file.

    Returns:
        The state of its log.

    Raises:
        StorageError: something is missing or is not what it was; the error names it.
    """
    check_version(engine)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
        if found != "ok":
            raise _bad("a database whose integrity check says ok", "one that is damaged")
    store = SqlStore(engine, place.tiles)
    newest = store.latest_checkpoint()
    if newest is None:
        raise _bad("a database with a checkpoint of the log", "none")
    checkpoint, note = newest
    try:
        open_checkpoint(note, NoteVerifyKey(name=checkpoint.origin, public=key))
    except PeerError:
        raise _bad("a checkpoint signed by this relay's key", "one that is not") from None
    count, root = _log_of(engine, checkpoint.size, progress)
    if (count, root) != (checkpoint.size, checkpoint.root) or store.root_at(checkpoint.size) != checkpoint.root:
        raise _bad(f"{checkpoint.size} entries under the log's newest checkpoint", f"{count}, or others")
    every = list(named_files(engine, place))
    for at, named in enumerate(every, 1):
        if digest_of(place.folder / named.path) != named.digest:
            raise _bad(f"the file {place.folder / named.path} as it was written", "another content, or none")
        progress("files checked", at, len(every))
    return checkpoint


def blobs_through(engine: Engine) -> int:
    """The number up to which every blob that was receipted is whole, or went with its chart."""
    return BlobBook(engine).through()


def digest_of(path: Path) -> bytes | None:
    """The SHA-256 of a file; None where there is none."""
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while part := file.read(CHUNK_BYTES):
                total.update(part)
    except FileNotFoundError:
        return None
    return total.digest()


def open_copy(path: Path) -> Engine:
    """Open a database file that is nobody's but ours."""
    return open_engine(f"sqlite:///{quote(str(path.absolute()))}", alone=True)


def _log_of(engine: Engine, size: int, progress: Progress) -> tuple[int, Hash]:
    """How many entries there are, and the log's root over them as their headers say, not their columns.

    Raises:
        StorageError: a body that is there is not the one that its header names.
    """
    edge, after = CompactRange(), -1
    with engine.connect() as connection:
        total = int(connection.execute(select(func.count()).select_from(_ENTRY)).scalar_one())
        while True:
            query = select(_ENTRY.c.log_index, _ENTRY.c.header, _ENTRY.c.body).where(_ENTRY.c.log_index > after)
            page = connection.execute(query.order_by(_ENTRY.c.log_index).limit(_PAGE)).all()
            edge = edge.extend(leaf_hash(EntryHash.of(header)) for _, header, _ in page)
            for index, header, body in page:
                if body and Hash.of(body) not in header:  # it stands there as it is: to look takes a tenth of decoding
                    raise _bad(f"the body of entry {index} as its header names it", "another content")
            if not page:
                return total, edge.root()
            after = page[-1][0]
            progress("entries checked", edge.size, size)


def _blob_files(place: Place, name: BlobId) -> Iterator[Named]:
    wire = place.blobs.manifest(name)
    folder = Path(BLOBS_FOLDER) / name.hex()[:2] / name.hex()
    try:
        blob = Blob(b"" if wire is None else wire)
    except PeerError:
        blob = None
    if wire is None or blob is None or blob.id != name:
        raise _bad(f"the file {place.folder / folder / 'manifest'} as it was written", "another content, or none")
    yield Named(folder / "manifest", hashlib.sha256(wire).digest())
    for index, chunk in enumerate(blob.manifest.chunks):
        yield Named(folder / str(index), chunk)


def _bad(expected: str, got: str) -> StorageError:
    return StorageError(
        "backup_damaged", expected=expected, got=got, do="make another backup, or use an earlier one that is whole"
    )
