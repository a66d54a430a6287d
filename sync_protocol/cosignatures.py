"""Cosignatures of checkpoints: timestamped statements that a log is what its cosigner saw it to be.

Owns the two kinds that C2SP has, type 0x04 by Ed25519 and type 0x06 by ML-DSA-44. The relay cosigns its own log with
the latter once a day, under its log's name: so its past stays provable when Ed25519 does not hold any more. Type 0x04
is verified for witnesses' sake and never made here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Final

from sync_protocol.checkpoints import Checkpoint, NoteVerifyKey
from sync_protocol.errors import forged, malformed, over_limit
from sync_protocol.notes import (
    TYPE_COSIGNER,
    TYPE_ED25519,
    TYPE_WITNESS,
    NoteVerifier,
    TypedKey,
    open_note,
    signature_line,
    split_verifier,
)
from sync_protocol.signing import (
    CosigningKey,
    CosignSignature,
    CosignVerifyKey,
    Ed25519Signature,
    VerifyKey,
    verify_cosignature,
    verify_note,
)

_LABEL: Final = b"subtree/v1\n\0"
"""A text that Ed25519 signs as a note has no NUL, so no message of the one kind is ever one of the other."""
_TIME_S_MAX: Final = 2**63 - 1
_TIME: Final = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class WitnessKey(TypedKey[VerifyKey]):
    """The public side of a witness's Ed25519 key, type 0x04: its lines carry a time."""

    KIND: ClassVar[bytes] = TYPE_WITNESS

    def verify(self, text: str, signature: bytes) -> int:
        """See `notes.NoteVerifier`. Source: C2SP tlog-cosignature, section Ed25519 signed message."""
        time_s, signed = _timestamped(signature, Ed25519Signature.SIZE)
        message = f"cosignature/v1\ntime {time_s}\n{text}".encode()
        verify_note(self.public, message, Ed25519Signature(signed))
        return time_s


@dataclass(frozen=True, slots=True)
class CosignerKey(TypedKey[CosignVerifyKey]):
    """The public side of a cosigner's ML-DSA-44 key, type 0x06: its lines carry a time and cover checkpoints only."""

    KIND: ClassVar[bytes] = TYPE_COSIGNER

    def verify(self, text: str, signature: bytes) -> int:
        """See `notes.NoteVerifier`. Source: C2SP tlog-cosignature, section ML-DSA-44 signed message."""
        time_s, signed = _timestamped(signature, CosignSignature.SIZE)
        message = cosigned_message(self.name, time_s, Checkpoint.parse(text))
        verify_cosignature(self.public, message, CosignSignature(signed))
        return time_s


class Cosigner:
    """A cosigner's own key: a name and an ML-DSA-44 key."""

    __slots__ = ("_key", "public")

    def __init__(self, name: str, key: CosigningKey) -> None:
        """Put both together.

        Raises:
            MalformedError: a name that no note can carry.
            LimitError: the name is too long.
        """
        self._key = key
        self.public: Final = CosignerKey(name, key.public)

    def sign(self, checkpoint: Checkpoint, *, time_s: int) -> bytes:
        """The cosignature line to append to a checkpoint's note.

        Says that at this time, in seconds since 1970, it is the largest state of its log that the cosigner knows, and
        consistent with all that it saw before. Whoever calls this has checked that.

        Raises:
            MalformedError, LimitError: no such time.
        """
        message = cosigned_message(self.public.name, time_s, checkpoint)
        return signature_line(self.public, _TIME.pack(time_s) + self._key.sign(message))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """A checkpoint that its log and the log's cosigner signed, and when the cosigner did, in seconds since 1970."""

    checkpoint: Checkpoint
    time_s: int


def open_cosigned(note: bytes, log: NoteVerifyKey, cosigner: CosignerKey) -> Cosigned:
    """Verify a cosigned checkpoint; of several cosignatures by that key the newest counts.

    Raises:
        LimitError, MalformedError: see `open_checkpoint`.
        ForgedError: a line of either key is missing or does not hold, or it is another log's checkpoint.
    """
    opened = open_note(note, (log, cosigner))
    times = [line.time_s for line in opened.vouched if line.time_s is not None]
    if not times or len(times) == len(opened.vouched):
        raise forged(f"signatures by both keys of {log.name}", "one of them alone")
    checkpoint = Checkpoint.parse(opened.text)
    if checkpoint.origin != log.name:
        raise forged(f"a checkpoint of {log.name}", "one of another log")
    return Cosigned(checkpoint=checkpoint, time_s=max(times))


def parse_verifier(text: str) -> NoteVerifier:
    """Read a verifier key of any kind that is known here: types 0x01, 0x04 and 0x06.

    Raises:
        MalformedError: another form or type, or a key id that is not its own.
        LimitError: the name is too long.

    Source: C2SP signed-note, sections Verifier keys and Signature types.
    """
    name, typed = split_verifier(text)
    kind, public = typed[:1], typed[1:]
    if kind == TYPE_ED25519:
        return NoteVerifyKey(name, VerifyKey(public))
    if kind == TYPE_WITNESS:
        return WitnessKey(name, VerifyKey(public))
    if kind == TYPE_COSIGNER:
        return CosignerKey(name, CosignVerifyKey(public))
    raise malformed("a verifier key of type 1, 4 or 6", f"type {kind[0]}")


def cosigned_message(name: str, time_s: int, checkpoint: Checkpoint) -> bytes:
    """What a type 0x06 cosignature of a whole tree covers.

    Args:
        name: the cosigner's.
        time_s: seconds since 1970.
        checkpoint: the tree from leaf 0 to its size.

    Raises:
        MalformedError, LimitError: no such time.

    Source: C2SP tlog-cosignature, section ML-DSA-44 signed message.
    """
    _check_time(time_s)
    return b"".join(
        (
            _LABEL,
            _with_length(name),
            _TIME.pack(time_s),
            _with_length(checkpoint.origin),
            struct.pack(">QQ", 0, checkpoint.size),
            checkpoint.root,
        )
    )


def _with_length(name: str) -> bytes:
    """A name behind its length, which NOTE_NAME_BYTES_MAX keeps within a byte."""
    data = name.encode()
    return bytes([len(data)]) + data


def _timestamped(blob: bytes, signature_bytes: int) -> tuple[int, bytes]:
    """Take a timestamped signature apart. Source: C2SP tlog-cosignature, section Format."""
    if len(blob) != _TIME.size + signature_bytes:
        raise forged(f"a time and a signature of {signature_bytes} bytes", f"{len(blob)} bytes")
    (time_s,) = _TIME.unpack_from(blob)
    _check_time(time_s)
    return time_s, blob[_TIME.size :]


def _check_time(time_s: int) -> None:
    if time_s < 0:
        raise malformed("a time in seconds since 1970", "a negative number")
    if time_s > _TIME_S_MAX:
        raise over_limit("a time", _TIME_S_MAX, time_s, "seconds")
