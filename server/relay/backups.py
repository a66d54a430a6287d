"""Makes backups of a relay whose database is an SQLite file, while it runs or not; incrementally, checked, and atomic.

The database is copied as of one moment by the engine's own means; then what it refers to, of which only what is not
there yet. The copy is checked, signed for and flushed before the manifest names it, and the relay is told only then:
so "backed up through" never says more than what a whole backup holds. What the manifest before named stays until then.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import make_url

from server.relay import backed
from server.relay.backup_draft import DRAFT, copy_database, without_drafts
from server.relay.backup_set import (
    FORMAT,
    KEYS_FOLDER,
    Manifest,
    Named,
    Place,
    Progress,
    blobs_through,
    check,
    digest_of,
    named_files,
    open_copy,
)
from server.relay.database import for_writing
from server.relay.errors import StartError, StorageError
from server.relay.files import flush_folder, write_whole
from server.relay.identity import COSIGNER_FILE, KEY_FILE
from server.relay.settings import ARCHIVE_FOLDER, BLOBS_FOLDER, COLD_FOLDER
from server.relay.store import SqlStore
from sync_protocol.backed_up import BackedUp, sign_backed_up
from sync_protocol.checkpoints import Checkpoint

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from server.relay.settings import RelaySettings
    from sync_protocol.signing import SigningKey

KEY_FILES: Final = (KEY_FILE, COSIGNER_FILE)
_TRIES: Final = 3
"""A purge may destroy a file between the database's copy and its own: then all begins again."""
_FOLDER_MODE: Final = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUpSet:
    """What a backup came to.

    Attributes:
        copied, kept: files beside the database that were copied, and that were there.
    """

    manifest: Manifest
    copied: int
    kept: int


class _GoneError(Exception):
    """A file that the database's copy refers to is not there, or not there any more."""


def back_up(
    settings: RelaySettings,
    engine: Engine,
    key: SigningKey,
    out: Path,
    *,
    with_keys: bool,
    now_ms: int,
    progress: Progress = lambda *_: None,
) -> BackedUpSet:
    """Make a backup, or bring one up to date, and note in the relay's database how far it reaches.

    Args:
        settings: of the home.
        engine: its database's.
        key: the relay's.
        out: the backup's folder; nobody else writes there now.
        with_keys: whether the relay's keys go into it. Whoever has them can pass for the relay, though read nothing.
        now_ms: the clock, in Unix milliseconds.
        progress: told now and then.

    Raises:
        StartError: the database is not an SQLite file.
        StorageError: something cannot be read or written, the copy does not hold, or the folder's backup has entries
            that this relay has not; the relay is told nothing.
        ConflictError: somebody else made one meanwhile.
    """
    source = _database_file(settings)
    with without_drafts(out):
        out.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
        return _back_up(source, settings, engine, key, out, with_keys=with_keys, now_ms=now_ms, progress=progress)


def _back_up(
    source: Path,
    settings: RelaySettings,
    engine: Engine,
    key: SigningKey,
    out: Path,
    *,
    with_keys: bool,
    now_ms: int,
    progress: Progress,
) -> BackedUpSet:
    gone = ""
    for _ in range(_TRIES):
        copy_database(source, out / DRAFT, progress)
        copy = open_copy(out / DRAFT)
        try:
            copied, kept = _copy_files(copy, Place(settings.home), Place(out), progress)
            checkpoint = check(copy, key.public, Place(out), progress)
            _check_goes_on(out, SqlStore(copy, Place(out).tiles), checkpoint.size)
            with engine.connect() as connection:
                made_ms = backed.made_ms(connection, now_ms)
            statement = sign_backed_up(
                BackedUp(
                    size=checkpoint.size, root=checkpoint.root, made_ms=made_ms, blobs_through=blobs_through(copy)
                ),
                key,
            )
            with for_writing(copy) as connection, connection.begin():
                backed.note(connection, statement)  # who restores this copy has its word too
        except _GoneError as error:
            gone = str(error)
            continue
        finally:
            copy.dispose()
        manifest = _finish(out, statement.value, checkpoint, with_keys=with_keys, home=settings.home)
        with for_writing(engine) as connection, connection.begin():
            backed.note(connection, statement)
        return BackedUpSet(manifest=manifest, copied=copied, kept=kept)
    raise StorageError(
        "backup_incomplete",
        expected=f"the file {gone}, to which the database refers",
        got=f"none, {_TRIES} times in a row",
        do="if a purge is under way, make the backup again when it is over; else restore the file from the last backup",
    )


def _check_goes_on(out: Path, store: SqlStore, size: int) -> None:
    """Refuse to put a relay that lost entries, or has others, in the place of what may be their last copy.

    Devices may have removed attachments since the relay said that this folder has them.

    Raises:
        StorageError: the log does not go on from the one in the folder's backup.
    """
    try:
        before = Manifest.read(out)
    except StorageError:  # none yet, or one that nobody can restore from
        return
    if before.size <= size and store.root_at(before.size).hex() == before.root:
        return
    raise StorageError(
        "backup_ahead",
        expected=f"a relay whose log goes on from the {before.size} entries of the backup in {out}",
        got=f"one of {size} entries, without some of those",
        do="restore that backup into an empty home; or keep it as it is, and make the next ones in another folder",
    )


def _database_file(settings: RelaySettings) -> Path:
    url = make_url(settings.storage_url)
    if url.get_backend_name() != "sqlite" or url.database is None:
        raise StartError(
            "backup_by_engine",
            expected="a relay whose database is an SQLite file",
            got="one on a database server, which has its own means",
            do="back up the database by those, then the folders archive, cold and blobs of the home; "
            "then run `fieldward server backed-up --through SIZE`",
        )
    return Path(url.database)


def _copy_files(copy: Engine, home: Place, out: Place, progress: Progress) -> tuple[int, int]:
    """Copy what the database's copy refers to and is not there yet: how many were copied, and how many were there."""
    try:
        every = list(named_files(copy, home))
    except StorageError as error:
        raise _GoneError(error.expected) from None
    copied, folders = 0, set[Path]()
    for at, named in enumerate(every, 1):
        if _copy_file(named, home.folder, out.folder):
            copied += 1
            target = out.folder / named.path
            folders.update(parent for parent in target.parents if parent.is_relative_to(out.folder))
        progress("files copied", at, len(every))
    for folder in folders:
        flush_folder(folder)
    return copied, len(every) - copied


def _copy_file(named: Named, home: Path, out: Path) -> bool:
    source, target = home / named.path, out / named.path
    if digest_of(target) == named.digest:
        return False
    try:
        data = source.read_bytes()
    except FileNotFoundError:
        raise _GoneError(source) from None
    target.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
    write_whole(target, data)
    if digest_of(target) != named.digest:
        raise StorageError(
            "storage_damaged",
            expected=f"the file {source} as it was written",
            got="another content",
            do="restore this file from the last backup, then make another",
        )
    return True


def _finish(out: Path, said: BackedUp, checkpoint: Checkpoint, *, with_keys: bool, home: Path) -> Manifest:
    """Give the copy its name, then the manifest; then let go of what no manifest names any more."""
    draft = out / DRAFT
    digest = digest_of(draft)
    assert digest is not None, "the copy was just made"
    final = out / f"relay-{digest.hex()}.sqlite3"
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(final)
    if with_keys:
        (out / KEYS_FOLDER).mkdir(exist_ok=True, mode=_FOLDER_MODE)
        for name in KEY_FILES:
            write_whole(out / KEYS_FOLDER / name, (home / name).read_bytes())
        flush_folder(out / KEYS_FOLDER)
    flush_folder(out)
    manifest = Manifest(
        format=FORMAT,
        database=final.name,
        digest=digest.hex(),
        origin=checkpoint.origin,
        size=said.size,
        root=said.root.hex(),
        made_ms=said.made_ms,
        blobs_through=said.blobs_through,
        keys=with_keys,
    )
    manifest.write(out)
    flush_folder(out)
    if not with_keys:  # not before: until then the backup is one with keys
        shutil.rmtree(out / KEYS_FOLDER, ignore_errors=True)
    _prune(out, final)
    return manifest


def _prune(out: Path, final: Path) -> None:
    """Remove what the manifest does not need: also what a purge destroyed must not stay in a backup."""
    engine = open_copy(final)
    try:
        named = {out / one.path for one in named_files(engine, Place(out))}
    finally:
        engine.dispose()
    for old in out.glob("relay-*.sqlite3*"):
        if old != final:
            old.unlink()
    for folder in (ARCHIVE_FOLDER, COLD_FOLDER, BLOBS_FOLDER):
        _remove(path for path in (out / folder).rglob("*") if path.is_file() and path not in named)


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        path.unlink()
