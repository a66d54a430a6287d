"""A home into a backup, and a backup into a home of its own.

Owns what a backup holds: the store as it lies on the disk, and the key that opens it. A restored home is another device
at work under the same certificate: it begins with a session of its own, before anything else is written, so that no
chain number, no nonce and no client id of a text is ever used twice. Refuses a home that is there already.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from edge_runtime.backup.sealed_file import SealedFile, damaged, write_sealed
from edge_runtime.cache.keeping import forget_kept
from edge_runtime.errors import EdgeError, InputError, StoreError
from edge_runtime.identity import SESSION, Clock, Identity, load_identity, new_session
from edge_runtime.keyring import Keyring
from edge_runtime.restored import MARKER, Why, note
from edge_runtime.settings import FILE_MODE, Home, replacing, sync_folder
from edge_runtime.store.database import SCHEMA_VERSION
from edge_runtime.store.device import DeviceStore
from edge_runtime.vault.file import create
from edge_runtime.vault.keys import DataKey, Entropy, KeyStore
from sync_protocol.errors import PeerError
from sync_protocol.ids import DeviceId, OrganisationId
from sync_protocol.limits import SEQ_MAX, WALL_MS_MAX
from sync_protocol.records import identifier, key, octets, pack, uint, unpack

_MANIFEST_BYTES_MAX: Final = 1024
_PIECE_BYTES: Final = 1024 * 1024
_LENGTH: Final = struct.Struct(">I")
_PART: Final = ".part"
_SCHEMA_MAX: Final = 2**16 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What stands before the store in a backup.

    Attributes:
        schema: the store's version.
        organisation, device: whose it is.
        made_ms: when, by the device's clock.
        store_bytes: the length of the store.
        data_key: what opens it.
    """

    schema: int = key(1, uint(_SCHEMA_MAX))
    organisation: OrganisationId = key(2, identifier(OrganisationId))
    device: DeviceId = key(3, identifier(DeviceId))
    made_ms: int = key(4, uint(WALL_MS_MAX))
    store_bytes: int = key(5, uint(SEQ_MAX))
    data_key: bytes = key(6, octets(DataKey.SIZE, DataKey.SIZE))

    def __repr__(self) -> str:
        """Show whose it is and when it was made."""
        return f"Manifest(device {self.device.short}, made_ms {self.made_ms})"


def back_up(
    home: Home,
    store: DeviceStore,
    identity: Identity,
    out: Path,
    *,
    data_key: DataKey,
    keystore: KeyStore,
    now_ms: int,
    entropy: Entropy,
) -> Manifest:
    """Write a backup of an open home.

    Args:
        home: where the store lies; a copy of it lies there for the length of this.
        store: open.
        identity: whose it is.
        out: the backup takes the place of what is there, whole or not at all.
        data_key: what opens the store.
        keystore: seals the backup.
        now_ms: the backup's time.
        entropy: for the backup's key.

    Raises:
        InputError: the key store cannot wrap, or `out` cannot be written.
        StoreError: the store cannot be read or copied.
    """
    copy = home.store.with_name(home.store.name + ".backup" + _PART)
    try:
        copy.unlink(missing_ok=True)  # left by a crash
        forget_kept(store)  # opened charts are this start's convenience, and nobody's to carry away
        store.copy(copy)
        with copy.open("rb") as source:
            manifest = Manifest(
                schema=SCHEMA_VERSION,
                organisation=identity.root.value.organisation,
                device=identity.certificate.device,
                made_ms=now_ms,
                store_bytes=os.fstat(source.fileno()).st_size,
                data_key=data_key.reveal(),
            )
            with replacing(out) as file:
                write_sealed(file, _parts(manifest, source), keystore, entropy)
    except OSError as error:
        raise InputError(
            "out_file",
            expected=f"to write {out}",
            got=error.strerror or "an error of the file system",
            do="name another file, or free some space",
        ) from None
    finally:
        copy.unlink(missing_ok=True)
    return manifest


def read_backup(file: BinaryIO, keystore: KeyStore) -> tuple[SealedFile, Manifest]:
    """Open a backup and go through all of it; nothing is written.

    Raises:
        InputError: it is none, of a newer version, or not what was written.
        VaultError: "wrong_passphrase".
    """
    sealed = SealedFile(file, keystore)
    pieces = _store_pieces(sealed)
    manifest = next(pieces)
    assert isinstance(manifest, Manifest), "the manifest comes first"
    found = sum(len(piece) for piece in pieces if isinstance(piece, bytes))
    if manifest.schema > SCHEMA_VERSION:
        raise InputError(
            "backup_newer",
            expected=f"a store of version {SCHEMA_VERSION} or older in the backup",
            got=f"version {manifest.schema}",
            do="update Fieldward on this device; nothing was written",
        )
    if found != manifest.store_bytes:
        raise damaged("a store of the length that was written")
    return sealed, manifest


def restore(
    sealed: SealedFile,
    manifest: Manifest,
    new: Home,
    *,
    keystore: KeyStore,
    clock: Clock,
    entropy: Entropy,
    first: Callable[[Home, DeviceStore], None],
) -> None:
    """Make a home of a backup that `read_backup` has gone through. It appears whole, or not at all.

    Args:
        sealed: the backup.
        manifest: what stands at its beginning.
        new: where no home is.
        keystore: wraps the data key in the new home's vault.
        clock: for the new session.
        entropy: for the new session and the vault.
        first: writes what comes first under the new session: the record of this.

    Raises:
        InputError: something is there already, or the store in the backup is not sound.
        StoreError: it cannot be written.
    """
    with _building(new) as part, ExitStack() as stack:
        handle = os.open(part.store, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(handle, "wb") as target:
            for piece in _store_pieces(sealed):
                if isinstance(piece, bytes):
                    target.write(piece)
            target.flush()
            os.fsync(target.fileno())
        data_key = DataKey(manifest.data_key)
        create(part.vault, keystore, entropy, data_key=data_key)
        try:
            store = DeviceStore(part.store, data_key, entropy, create=False)
            stack.callback(store.close)
            identity = load_identity(store, store)
            sound = not store.check(Keyring(store, identity).may_lack_bodies())
        except StoreError as error:
            raise damaged(error.expected) from error
        if not sound:
            raise damaged("a store in which everything hangs together")
        session = new_session(identity.keys, identity.chain[-1], now_ms=clock(), entropy=entropy)
        with store.writing() as writer:
            writer.put_value(SESSION, session.wire)
            note(store, writer, identity.session.value.session, Why.BACKUP, session.value.started_ms)
            writer.put_value(MARKER, None)  # of the home that was backed up
        first(part, store)


def check_place(new: Home) -> None:
    """Check that a home can be made there, before anything is asked.

    Raises:
        InputError: something is there already.
    """
    try:
        taken = new.folder.exists() and (not new.folder.is_dir() or any(new.folder.iterdir()))
    except OSError as error:
        raise _no_place(error.strerror or "an error of the file system") from None
    if taken:
        raise _no_place("one that is there already")


@contextmanager
def _building(new: Home) -> Iterator[Home]:
    """A home beside the new one, which takes its place when the block ends well and is gone when it does not."""
    check_place(new)
    part = Home(new.folder.with_name(new.folder.name + _PART))
    try:
        if part.folder.exists():  # left by a crash
            shutil.rmtree(part.folder)
        part.make()
        yield part
        sync_folder(part.folder)
        part.folder.replace(new.folder)
        sync_folder(new.folder.parent)
    except OSError as error:
        raise StoreError(
            "home_unusable",
            expected=f"a folder at {new.folder} to write in",
            got=error.strerror or "an error of the file system",
            do="check the folder's owner and free space, or name another home; nothing is left of this one",
        ) from error
    finally:
        shutil.rmtree(part.folder, ignore_errors=True)


def _parts(manifest: Manifest, source: BinaryIO) -> Iterator[bytes]:
    head = pack(manifest)
    yield _LENGTH.pack(len(head)) + head
    while piece := source.read(_PIECE_BYTES):
        yield piece


def _store_pieces(sealed: SealedFile) -> Iterator[Manifest | bytes]:
    """The manifest, then the store by pieces."""
    parts = sealed.parts()
    first = next(parts)  # a chunk holds the whole manifest, or it is the last one
    size = _LENGTH.unpack_from(first)[0] if len(first) >= _LENGTH.size else _MANIFEST_BYTES_MAX + 1
    end = _LENGTH.size + size
    if size > _MANIFEST_BYTES_MAX or len(first) < end:
        raise damaged("what says whose it is")
    try:
        manifest = unpack(Manifest, first[_LENGTH.size : end], bytes_max=_MANIFEST_BYTES_MAX)
    except PeerError as error:
        raise damaged(error.expected) from None
    yield manifest
    yield first[end:]
    yield from parts


def _no_place(got: str) -> EdgeError:
    return InputError(
        "home_in_use_already", expected="a place where nothing is yet", got=got, do="name another folder with --home"
    )
