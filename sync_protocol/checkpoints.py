"""Checkpoints of the transparency log: C2SP signed notes with a tlog-checkpoint in them.

Owns the strict text form of a checkpoint, and the Ed25519 keys that sign and verify notes. Refuses whatever has a
second form: leading zeros, other digits, extension lines. The log's origin is its key's name, so a key that serves
two logs cannot pass the one's checkpoint for the other's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from sync_protocol.errors import forged, malformed, over_limit
from sync_protocol.ids import Hash
from sync_protocol.limits import LOG_SIZE_MAX, NOTE_BYTES_MAX
from sync_protocol.notes import (
    TYPE_ED25519,
    TypedKey,
    check_name,
    from_base64,
    open_note,
    signature_line,
    split_verifier,
    to_base64,
)
from sync_protocol.signing import Ed25519Signature, SigningKey, VerifyKey, verify_note

_LINES: Final = 3
"""Of a checkpoint; extension lines are refused."""
_DECIMAL: Final = re.compile(rf"0|[1-9][0-9]{{0,{len(str(LOG_SIZE_MAX)) - 1}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says of itself.

    Attributes:
        origin: the log's name, which is its key's name.
        size: leaves.
        root: the root over them.
    """

    origin: str
    size: int
    root: Hash

    def __post_init__(self) -> None:
        """Raise MalformedError for an origin that is no key name or a negative size, LimitError for too much."""
        check_name(self.origin)
        if self.size < 0:
            raise malformed("a tree size", "a negative number")
        if self.size > LOG_SIZE_MAX:
            raise over_limit("a tree size", LOG_SIZE_MAX, self.size, "leaves")

    @property
    def text(self) -> bytes:
        """The note's text: origin, size and root, a line each."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n".encode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a note's text.

        Raises:
            MalformedError: not exactly the three lines in their canonical form.
            LimitError: too long or too large.

        Source: C2SP tlog-checkpoint, section Note text.
        """
        lines = text.split("\n")
        if len(lines) != _LINES + 1 or lines[-1]:
            raise malformed(f"a checkpoint of {_LINES} lines", "more or fewer")
        origin, size, root, _ = lines
        if not re.fullmatch(_DECIMAL, size):
            raise malformed("a tree size in decimal", "another form or too many digits")
        return cls(origin=origin, size=int(size), root=Hash(from_base64(root)))


@dataclass(frozen=True, slots=True)
class NoteVerifyKey(TypedKey[VerifyKey]):
    """The public side of a note key: a name and an Ed25519 key."""

    KIND: ClassVar[bytes] = TYPE_ED25519

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a verifier key.

        Raises:
            MalformedError: another form, another type than Ed25519, or a key id that is not its own.
            LimitError: the name is too long.

        Source: C2SP signed-note, section Verifier keys.
        """
        name, typed = split_verifier(text)
        if not typed.startswith(cls.KIND):
            raise malformed("a verifier key of type Ed25519", f"type {typed[0]}")
        return cls(name, VerifyKey(typed[1:]))

    def verify(self, text: str, signature: bytes) -> None:
        """See `notes.NoteVerifier`. Source: C2SP signed-note, section Signatures, type 0x01."""
        if len(signature) != Ed25519Signature.SIZE:
            raise forged("an Ed25519 signature", f"{len(signature)} bytes")
        verify_note(self.public, text.encode(), Ed25519Signature(signature))


class NoteKey:
    """The log's own key: a name and an Ed25519 key that signs nothing but notes."""

    __slots__ = ("_key", "public")

    def __init__(self, name: str, key: SigningKey) -> None:
        """Put both together.

        Raises:
            MalformedError: a name that no note can carry.
            LimitError: the name is too long.
        """
        self._key = key
        self.public: Final = NoteVerifyKey(name, key.public)

    def sign(self, text: bytes) -> bytes:
        """The signature line for a note's text, newline included.

        Source: C2SP signed-note, sections Format and Signatures.
        """
        return signature_line(self.public, self._key.sign_note(text))


def sign_checkpoint(checkpoint: Checkpoint, key: NoteKey) -> bytes:
    """The signed note; further signature lines may be appended to it.

    Raises:
        MalformedError: the key's name is not the checkpoint's origin.
    """
    if key.public.name != checkpoint.origin:
        raise malformed("a key named as the checkpoint's origin", "another name")
    return checkpoint.text + b"\n" + key.sign(checkpoint.text)


def open_checkpoint(note: bytes, key: NoteVerifyKey) -> Checkpoint:
    """Verify a note under the log's key and read the checkpoint in it.

    Lines by other keys are ignored. Every line that names this key must verify, and one must be there.

    Raises:
        LimitError: too long, or too many lines.
        MalformedError: not a signed note, or its text not a checkpoint.
        ForgedError: no signature of this key, one that does not hold, or another log's origin.

    Source: C2SP signed-note, section Format; C2SP tlog-checkpoint.
    """
    checkpoint = Checkpoint.parse(open_note(note, (key,), bytes_max=NOTE_BYTES_MAX).text)
    if checkpoint.origin != key.name:
        raise forged(f"a checkpoint of {key.name}", "one of another log")
    return checkpoint
