"""Who this relay is: its keys, its log's name, and the record by which the organisation's root vouches for it.

A relay makes its own keys and waits to be claimed: an administrator who holds the root signs a record of those keys,
log name and addresses. Until then no device can tell it from a stranger, so it syncs with none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from server.relay.errors import ConflictError, StartError, unclaimed
from sync_protocol.certificates import RelayRecord, Root, open_relay
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.cosignatures import Cosigned, Cosigner, open_cosigned
from sync_protocol.errors import PeerError
from sync_protocol.ids import Hash, OrganisationId
from sync_protocol.labels import Label
from sync_protocol.signed import Verified
from sync_protocol.signing import CosigningKey, Ed25519Signature, SigningKey, VerifyKey

if TYPE_CHECKING:
    from server.relay.store import SqlStore

KEY_FILE: Final = "relay.key"
COSIGNER_FILE: Final = "cosigner.key"
_SEED_BYTES: Final = 32
_OWNER_ONLY: Final = 0o600
_OTHERS: Final = 0o077
RECORD: Final = "relay_record"
_GROUP_DIGITS: Final = 4


def load_key(path: Path, entropy: Callable[[int], bytes]) -> SigningKey:
    """Read the relay's key, a file of 32 bytes that its owner alone may read; make it where there is none.

    Raises:
        StartError: the file is not such a key, others may read it, or it cannot be read or written.
    """
    return SigningKey(_seed(path, entropy))


def load_cosigner(path: Path, entropy: Callable[[int], bytes]) -> CosigningKey:
    """Read the key that cosigns the relay's log, in a file as the relay's own; make it where there is none.

    Raises:
        StartError: see `load_key`.
    """
    return CosigningKey(_seed(path, entropy))


def _seed(path: Path, entropy: Callable[[int], bytes]) -> bytes:
    try:
        if not path.exists():
            _create(path, entropy(_SEED_BYTES))
        mode = path.stat().st_mode
        seed = path.read_bytes()
    except OSError as error:
        raise _bad_key("a key file that can be read and written", f"{error.strerror}: {path}", "mend that") from None
    if mode & _OTHERS:
        raise _bad_key(f"{path} readable by its owner alone", f"mode {mode & 0o777:o}", f"run: chmod 600 {path}")
    if len(seed) != _SEED_BYTES:
        raise _bad_key(
            f"a key of {_SEED_BYTES} bytes in {path}",
            f"{len(seed)} bytes",
            "restore it from a backup; with another key the relay has to be claimed again",
        )
    return seed


def fingerprint(key: VerifyKey) -> str:
    """The key's SHA-256 in hexadecimal, in groups that two people can read to each other."""
    digits = Hash.of(key).hex()
    return " ".join(digits[at : at + _GROUP_DIGITS] for at in range(0, len(digits), _GROUP_DIGITS))


def log_origin(organisation: OrganisationId, key: VerifyKey) -> str:
    """The name of this relay's log: another key is another log."""
    return f"fieldward/{organisation.hex()}/{key.hex()[:16]}"


class Identity:
    """The relay's keys, log name and, once claimed, its record."""

    def __init__(self, *, store: SqlStore, root: Verified[Root], key: SigningKey, cosigner: CosigningKey) -> None:
        """Take the record that the store kept, if it is of these keys.

        Raises:
            StorageError: the store cannot be read.
        """
        self._store = store
        self.root: Final = root
        self.key: Final = key
        self.origin: Final = log_origin(root.value.organisation, key.public)
        self._note_key = NoteKey(self.origin, key)
        self._cosigner = Cosigner(self.origin, cosigner)
        self.cosigner: Final = cosigner.public
        self._record: Verified[RelayRecord] | None = None
        kept = store.get_value(RECORD)
        if kept is not None:
            try:
                self._record = self._checked(kept)
            except (PeerError, ConflictError):
                self._record = None  # of keys that this relay had before: it has to be claimed again

    @property
    def record(self) -> Verified[RelayRecord]:
        """The root's word for this relay.

        Raises:
            UnclaimedError: there is none yet.
        """
        if self._record is None:
            raise unclaimed()
        return self._record

    @property
    def claimed(self) -> bool:
        """Whether there is a record."""
        return self._record is not None

    def sign(self, checkpoint: Checkpoint) -> bytes:
        """The signed note of a checkpoint of this relay's log."""
        return sign_checkpoint(checkpoint, self._note_key)

    def cosign(self, checkpoint: Checkpoint, *, time_s: int) -> bytes:
        """The same with a cosignature at that time, in seconds since 1970; see `Cosigner.sign` for what it says."""
        return self.sign(checkpoint) + self._cosigner.sign(checkpoint, time_s=time_s)

    def open_cosigned(self, note: bytes) -> Cosigned:
        """Verify what this relay cosigned.

        Raises:
            PeerError: it did not.
        """
        return open_cosigned(note, self._note_key.public, self._cosigner.public)

    @property
    def cosigner_proof(self) -> Ed25519Signature:
        """The relay's signature over its cosigning key: whoever compared its fingerprint can believe that key too."""
        return self.key.sign(Label.RELAY_COSIGNER, self.cosigner)

    def claim(self, wire: bytes) -> None:
        """Take a record; a newer one replaces an older.

        Raises:
            PeerError: not a record that the root signed.
            ConflictError: of another relay or log, or no newer than the one that is here.
            StorageError: it could not be kept.
        """
        record = self._checked(wire)
        held = self._record
        if held is not None and held.wire == wire:
            return
        if held is not None and held.value.issued_ms >= record.value.issued_ms:
            raise ConflictError(
                "record_older",
                expected=f"a record issued after {held.value.issued_ms} ms",
                got=f"one issued at {record.value.issued_ms} ms",
                do="sign a new record",
            )
        self._store.put_value(RECORD, wire)
        self._record = record

    def _checked(self, wire: bytes) -> Verified[RelayRecord]:
        record = open_relay(wire, self.root)
        if record.value.ed25519 != self.key.public:
            raise ConflictError(
                "record_other_key",
                expected=f"a record of this relay's key {self.key.public.short}",
                got=f"key {record.value.ed25519.short}",
                do="compare the fingerprint with the one that the relay printed, then sign a record of that key",
            )
        if record.value.cosigner not in {None, self.cosigner}:
            raise ConflictError(
                "record_other_cosigner",
                expected=f"a record of this relay's cosigning key {self.cosigner.short}",
                got="another cosigning key",
                do="sign a record with the cosigner that GET /v1/relay tells",
            )
        if record.value.origin != self.origin:
            raise ConflictError(
                "record_other_log",
                expected=f"the log {self.origin}",
                got="another log's name",
                do="sign a record with the origin that GET /v1/relay tells",
            )
        return record


def _create(path: Path, seed: bytes) -> None:
    """Write the key whole or not at all; a half-written one would look like a damaged relay."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        os.write(handle, seed)
        os.fsync(handle)
    finally:
        os.close(handle)
    draft.replace(path)


def _bad_key(expected: str, got: str, do: str) -> StartError:
    return StartError("relay_key", expected=expected, got=got, do=do)
