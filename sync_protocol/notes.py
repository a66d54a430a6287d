"""Signed notes after C2SP: a text, a blank line, and a line for each signature.

Owns the strict form of notes, key names and verifier keys, and the rule for opening one: lines by strangers are passed
over but must be well formed, every line by a known key must verify, and one must be there. What a signature covers is
its key's affair: `checkpoints` has Ed25519 over the text, `cosignatures` the timestamped kinds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, Protocol, TypeVar

from sync_protocol.errors import forged, malformed, over_limit
from sync_protocol.limits import NOTE_NAME_BYTES_MAX, NOTE_SIGNATURES_MAX, OPEN_NOTE_BYTES_MAX

TYPE_ED25519: Final = b"\x01"
"""Ed25519 over a note's text. Source for the three: C2SP signed-note, section Signature types."""
TYPE_WITNESS: Final = b"\x04"
"""A timestamped Ed25519 cosignature."""
TYPE_COSIGNER: Final = b"\x06"
"""A timestamped ML-DSA-44 cosignature."""
KEY_ID_BYTES: Final = 4
_DASH: Final = "\N{EM DASH} "
_FIRST_PRINTABLE: Final = " "
_Public = TypeVar("_Public", bound=bytes)


class NoteVerifier(Protocol):
    """The public side of a key that signs notes."""

    @property
    def name(self) -> str:
        """The key's name."""
        ...

    @property
    def key_id(self) -> bytes:
        """See `key_id_of`."""
        ...

    def verify(self, text: str, signature: bytes) -> int | None:
        """Check what a line says behind its key id.

        Returns:
            The time that the signature states, in seconds since 1970; None for a kind that states none.

        Raises:
            ForgedError: it does not hold.
            MalformedError: a kind that signs checkpoints alone, over another text.
        """
        ...


@dataclass(frozen=True, slots=True)
class TypedKey(Generic[_Public]):
    """What every kind of verifier key has: a name and a public key, told apart from other kinds by its type.

    Attributes:
        KIND: the byte of the signature type.
        name: the key's name.
        public: the public key, without its type.
    """

    KIND: ClassVar[bytes]

    name: str
    public: _Public

    def __post_init__(self) -> None:
        """Raise MalformedError for a name that no note can carry, LimitError for one too long."""
        check_name(self.name)

    @property
    def key_id(self) -> bytes:
        """See `key_id_of`."""
        return key_id_of(self.name, self.KIND + self.public)

    @property
    def text(self) -> str:
        """See `verifier_text`."""
        return verifier_text(self.name, self.KIND + self.public)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """One line that verified: by which key, and when where the line says so, in seconds since 1970."""

    key: NoteVerifier
    time_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedNote:
    """A note under known keys.

    Attributes:
        text: with its last newline.
        vouched: the lines by known keys, in the note's order; at least one.
    """

    text: str
    vouched: tuple[Vouched, ...]


def open_note(note: bytes, keys: Sequence[NoteVerifier], *, bytes_max: int = OPEN_NOTE_BYTES_MAX) -> OpenedNote:
    """Verify a note of any text under known keys.

    Raises:
        LimitError: too long, or too many lines.
        MalformedError: not a signed note.
        ForgedError: no line by a known key, or one that does not hold.

    Source: C2SP signed-note, sections Format and Signatures.
    """
    if len(note) > bytes_max:
        raise over_limit("a note", bytes_max, len(note), "bytes")
    text, lines = _split(note)
    known = {(key.name, key.key_id): key for key in keys}
    vouched: list[Vouched] = []
    for line in lines:
        name, blob = _signature(line)
        key = known.get((name, blob[:KEY_ID_BYTES]))
        if key is not None:
            vouched.append(Vouched(key=key, time_s=key.verify(text, blob[KEY_ID_BYTES:])))
    if not vouched:
        raise forged(f"a signature by {' or '.join(key.name for key in keys)}", "none")
    return OpenedNote(text=text, vouched=tuple(vouched))


def signature_line(key: NoteVerifier, signature: bytes) -> bytes:
    """The line for a signature, newline included."""
    return f"{_DASH}{key.name} {to_base64(key.key_id + signature)}\n".encode()


def key_id_of(name: str, typed: bytes) -> bytes:
    """Four bytes that tell keys of one name apart; a hint, not a commitment.

    Args:
        name: the key's name.
        typed: the byte of the signature type, then the public key.

    Source: C2SP signed-note, section Signatures.
    """
    return hashlib.sha256(name.encode() + b"\n" + typed).digest()[:KEY_ID_BYTES]


def verifier_text(name: str, typed: bytes) -> str:
    """A verifier key as `name+hexid+base64`. Source: C2SP signed-note, section Verifier keys."""
    return f"{name}+{key_id_of(name, typed).hex()}+{to_base64(typed)}"


def split_verifier(text: str) -> tuple[str, bytes]:
    """The name and the typed public key of a verifier key.

    Raises:
        MalformedError: another form, or a key id that is not its own.
        LimitError: the name is too long.
    """
    name, plus, rest = text.partition("+")
    key_id, other_plus, encoded = rest.partition("+")
    typed = from_base64(encoded)
    if not plus or not other_plus or not typed:
        raise malformed("name+id+base64 of a key", "another form")
    check_name(name)
    if key_id_of(name, typed).hex() != key_id:
        raise malformed("the key id that belongs to the key", "another")
    return name, typed


def check_name(name: str) -> None:
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


def to_base64(data: bytes) -> str:
    """The one canonical form. Source: RFC 4648 section 4."""
    return base64.b64encode(data).decode()


def from_base64(text: str) -> bytes:
    """Decode the one canonical form.

    Raises:
        MalformedError: another alphabet, padding, or bits that are dropped.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise malformed("base64", "other characters") from None
    if to_base64(data) != text:
        raise malformed("canonical base64", "another form")
    return data


def _split(note: bytes) -> tuple[str, list[str]]:
    """The text with its last newline, and the signature lines."""
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


def _signature(line: str) -> tuple[str, bytes]:
    """The name, and the key id with the signature, of a well-formed line by whatever key."""
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise malformed("a signature line", "another line")
    check_name(name)
    blob = from_base64(encoded)
    if len(blob) <= KEY_ID_BYTES:
        raise malformed("a key id and a signature", f"{len(blob)} bytes")
    return name, blob
