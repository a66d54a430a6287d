"""Checkpoints of the transparency log: C2SP signed notes with a tlog-checkpoint in them.

Owns the strict text forms of a checkpoint, a note and a verifier key. Refuses whatever has a second form: another
base64, leading zeros, control characters, extension lines. The log's origin is its key's name, so a key that serves two
logs cannot pass the one's checkpoint for the other's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

from sync_protocol.errors import forged, malformed, over_limit
from sync_protocol.ids import Hash
from sync_protocol.limits import LOG_SIZE_MAX, NOTE_BYTES_MAX, NOTE_NAME_BYTES_MAX, NOTE_SIGNATURES_MAX
from sync_protocol.signing import Ed25519Signature, SigningKey, VerifyKey, verify_note

_TYPE_ED25519: Final = b"\x01"
_KEY_ID_BYTES: Final = 4
_DASH: Final = "\N{EM DASH} "
_FIRST_PRINTABLE: Final = " "
_LINES: Final = 3
"""Of a checkpoint; extension lines are refused."""
_DECIMAL: Final = re.compile(rf"0|[1-9][0-9]{{0,{len(str(LOG_SIZE_MAX)) - 1}}}")


def _check_name(name: str) -> None:
    """Key names, and here origins too: not empty, no space, no plus, no control character.

    Raises:
        MalformedError: otherwise.
        LimitError: too long.
    """
    if not name or "+" in name or any(letter.isspace() or letter < _FIRST_PRINTABLE for letter in name):
        raise malformed("a key name without spaces and plus signs", "another")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise malformed("a key name in Unicode", "a lone surrogate") from None
    if size > NOTE_NAME_BYTES_MAX:
        raise over_limit("a key name", NOTE_NAME_BYTES_MAX, size, "bytes")


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
        _check_name(self.origin)
        if self.size < 0:
            raise malformed("a tree size", "a negative number")
        if self.size > LOG_SIZE_MAX:
            raise over_limit("a tree size", LOG_SIZE_MAX, self.size, "leaves")

    @property
    def text(self) -> bytes:
        """The note's text: origin, size and root, a line each."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n".encode()

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
        return cls(origin=origin, size=int(size), root=Hash(_unbase64(root)))


@dataclass(frozen=True, slots=True)
class NoteVerifyKey:
    """The public side of a note key: a name and an Ed25519 key."""

    name: str
    public: VerifyKey

    def __post_init__(self) -> None:
        """Raise MalformedError for a name that no note can carry, LimitError for one too long."""
        _check_name(self.name)

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart; a hint, not a commitment."""
        return hashlib.sha256(self.name.encode() + b"\n" + _TYPE_ED25519 + self.public).digest()[:_KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """The verifier key as `name+hexid+base64`. Source: C2SP signed-note, section Verifier keys."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(_TYPE_ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a verifier key.

        Raises:
            MalformedError: another form, another type than Ed25519, or a key id that is not its own.
            LimitError: the name is too long.

        Source: C2SP signed-note, section Verifier keys.
        """
        name, plus, rest = text.partition("+")
        key_id, other_plus, encoded = rest.partition("+")
        typed = _unbase64(encoded)
        if not plus or not other_plus or not typed.startswith(_TYPE_ED25519):
            raise malformed("name+id+base64 of an Ed25519 key", "another form")
        result = cls(name, VerifyKey(typed[1:]))
        if result.key_id.hex() != key_id:
            raise malformed("the key id that belongs to the key", "another")
        return result


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
        blob = self.public.key_id + self._key.sign_note(text)
        return f"{_DASH}{self.public.name} {_base64(blob)}\n".encode()


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
    text, signatures = _split_note(note)
    prefix = f"{_DASH}{key.name} "
    verified = False
    for line in signatures:
        blob = _signature(line)
        if line.startswith(prefix) and blob.startswith(key.key_id):
            if len(blob) != _KEY_ID_BYTES + Ed25519Signature.SIZE:
                raise forged("an Ed25519 signature", f"{len(blob) - _KEY_ID_BYTES} bytes")
            verify_note(key.public, text.encode(), Ed25519Signature(blob[_KEY_ID_BYTES:]))
            verified = True
    if not verified:
        raise forged(f"a signature by {key.name}", "none")
    checkpoint = Checkpoint.parse(text)
    if checkpoint.origin != key.name:
        raise forged(f"a checkpoint of {key.name}", "one of another log")
    return checkpoint


def _split_note(note: bytes) -> tuple[str, list[str]]:
    """The text with its last newline, and the signature lines."""
    if len(note) > NOTE_BYTES_MAX:
        raise over_limit("a note", NOTE_BYTES_MAX, len(note), "bytes")
    try:
        whole = note.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise malformed("a note in UTF-8", "other bytes") from None
    if any(letter < _FIRST_PRINTABLE and letter != "\n" for letter in whole):
        raise malformed("a note without control characters", "one with")
    text, blank, tail = whole.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise malformed("a text, a blank line and signature lines", "another form")
    lines = tail[:-1].split("\n")
    if len(lines) > NOTE_SIGNATURES_MAX:
        raise over_limit("a note", NOTE_SIGNATURES_MAX, len(lines), "signatures")
    return text + "\n", lines


def _signature(line: str) -> bytes:
    """The key id and signature of a well-formed line, by whatever key."""
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise malformed("a signature line", "another line")
    _check_name(name)
    blob = _unbase64(encoded)
    if len(blob) <= _KEY_ID_BYTES:
        raise malformed("a key id and a signature", f"{len(blob)} bytes")
    return blob


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unbase64(text: str) -> bytes:
    """Decode the one canonical form.

    Raises:
        MalformedError: another alphabet, padding, or bits that are dropped.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise malformed("base64", "other characters") from None
    if _base64(data) != text:
        raise malformed("canonical base64", "another form")
    return data
