"""Puts a backup into an empty home, checked; or into one in which an earlier try was cut off.

A mark stays in the home until all is there and holds, and no relay starts on a home that has it. Devices then send
again what the backup lacks, and are told of it: see RESYNC in docs/protocol.md.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from server.relay.backup_set import KEYS_FOLDER, Manifest, Place, Progress, check, digest_of, named_files, open_copy
from server.relay.errors import StartError, StorageError
from server.relay.files import flush_folder, write_whole
from server.relay.identity import COSIGNER_FILE, KEY_FILE, load_key
from server.relay.settings import DATABASE_FILE
from sync_protocol.ids import Hash

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK: Final = "restore.unfinished"
_ALLOWED: Final = frozenset({KEY_FILE, COSIGNER_FILE})
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


def restore(source: Path, home: Path, *, progress: Progress = lambda *_: None) -> Manifest:
    """Restore a backup.

    Args:
        source: the backup's folder.
        home: empty, or with the relay's keys alone, which a backup without keys needs there.
        progress: told now and then.

    Raises:
        StartError: the home is in use, or the keys are nowhere.
        StorageError: the backup is none, or damaged, or the home cannot be written.
    """
    manifest = Manifest.read(source)
    _check_home(home)
    home.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
    write_whole(home / MARK, b"a restore was begun here; run it again\n")
    flush_folder(home)
    _place_keys(source, home, manifest)
    database = source / manifest.database
    draft = home / f"{DATABASE_FILE}.new"
    if digest_of(database) != bytes.fromhex(manifest.digest):
        raise StorageError(
            "backup_damaged",
            expected=f"the database {database} as it was written",
            got="another content, or none",
            do="use an earlier backup that is whole",
        )
    draft.unlink(missing_ok=True)
    draft.touch(mode=_FILE_MODE)
    shutil.copyfile(database, draft)
    engine = open_copy(draft)
    try:
        _copy_files(source, home, [named.path for named in named_files(engine, Place(source))], progress)
        checkpoint = check(engine, load_key(home / KEY_FILE, _none).public, Place(home), progress)
    finally:
        engine.dispose()
    if (checkpoint.size, checkpoint.root) != (manifest.size, Hash(bytes.fromhex(manifest.root))):
        raise StorageError(
            "backup_damaged",
            expected=f"a log of {manifest.size} entries, as backup.json says",
            got=f"{checkpoint.size}, or others",
            do="use an earlier backup that is whole",
        )
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(home / DATABASE_FILE)
    flush_folder(home)
    (home / MARK).unlink()
    flush_folder(home)
    return manifest


def check_restored(home: Path) -> None:
    """Refuse a home into which a restore was begun and not finished.

    Raises:
        StartError: it is one.
    """
    if (home / MARK).exists():
        raise StartError(
            "restore_unfinished",
            expected="a home that is empty, or whole",
            got=f"{home}, into which a restore was begun and not finished",
            do="run `fieldward server restore` again with the same folders",
        )


def _check_home(home: Path) -> None:
    found = {path.name for path in home.iterdir()} if home.exists() else set[str]()
    if MARK not in found and not found <= _ALLOWED:
        raise StartError(
            "home_not_empty",
            expected="an empty home, or one with the relay's key files alone",
            got=f"{home} with {len(found)} files and folders",
            do="name a new --home; what is in this one stays as it is",
        )


def _place_keys(source: Path, home: Path, manifest: Manifest) -> None:
    for name in sorted(_ALLOWED):
        if not (home / name).exists() and manifest.keys:
            write_whole(home / name, (source / KEYS_FOLDER / name).read_bytes())
        if not (home / name).exists():
            (home / MARK).unlink()
            raise StartError(
                "keys_missing",
                expected=f"{name} in {home}, since this backup was made without keys",
                got="no such file",
                do=f"put {KEY_FILE} and {COSIGNER_FILE}, which were kept elsewhere, into the home; then again",
            )


def _copy_files(source: Path, home: Path, paths: Iterable[Path], progress: Progress) -> None:
    every = list(paths)
    folders: set[Path] = set()
    for at, path in enumerate(every, 1):
        target = home / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
        write_whole(target, (source / path).read_bytes())
        folders.update(parent for parent in target.parents if parent.is_relative_to(home))
        progress("files copied", at, len(every))
    for folder in folders:
        flush_folder(folder)


def _none(_bytes: int) -> bytes:
    raise AssertionError("the keys are in place before")
