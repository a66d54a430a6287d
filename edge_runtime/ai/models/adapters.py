"""Specialty adapters: small files that bend a base model towards a specialty, signed by somebody who answers for them.

Owns the record, the file that carries it, and who may sign. An adapter changes what a model says to a clinician, so an
unsigned one is nothing, and neither is one for another base model: the engine would take it silently and ignore it.

The file: the line `fieldward adapter 1`, a line feed, the length of the signed record (4 bytes, big endian), the record
in its envelope, the adapter's bytes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.manifest import NAME
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, Hash
from sync_protocol.labels import Label
from sync_protocol.limits import RECORD_BYTES_MAX, WALL_MS_MAX
from sync_protocol.records import identifier, key, optional, string, uint
from sync_protocol.roles import Role
from sync_protocol.signed import Signed, Verified, sign
from sync_protocol.signing import SigningKey, VerifyKey

MAGIC: Final = b"fieldward adapter 1\n"
ADAPTER_BYTES_MAX: Final = 512 * 1024 * 1024
RANK_MAX: Final = 256
SIGNER_ROLES: Final = frozenset({Role.ADMIN, Role.CLINICAL_ADMIN})
"""Who may sign an adapter for the organisation."""
_LENGTH_BYTES: Final = 4
_NAME_BYTES_MAX: Final = 64
_WORDS_BYTES_MAX: Final = 240
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+ -]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """What is signed.

    Attributes:
        name: what it is called, a word as a model's name is.
        title: for people.
        specialty: such as "paediatrics".
        base: SHA-256 of the file of the model that it belongs to.
        file: SHA-256 of the adapter's bytes.
        size: how many they are.
        rank: of its low-rank matrices; the engine takes 16 and 32.
        licence: an SPDX identifier or a word.
        signer: the Ed25519 key that signs this.
        certificate: of the signer in their organisation; absent where a bare key signs.
        signed_ms: the signer's clock.
    """

    name: str = key(1, string(_NAME_BYTES_MAX))
    title: str = key(2, string(_WORDS_BYTES_MAX))
    specialty: str = key(3, string(_NAME_BYTES_MAX))
    base: Hash = key(4, identifier(Hash))
    file: Hash = key(5, identifier(Hash))
    size: int = key(6, uint(ADAPTER_BYTES_MAX))
    rank: int = key(7, uint(RANK_MAX))
    licence: str = key(8, string(_NAME_BYTES_MAX))
    signer: VerifyKey = key(9, identifier(VerifyKey))
    signed_ms: int = key(10, uint(WALL_MS_MAX))
    certificate: CertificateHash | None = key(11, optional(identifier(CertificateHash)))


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """A file that was taken apart and is not yet believed.

    Attributes:
        signed: the record in its envelope.
        data: the adapter's bytes.
    """

    signed: Signed[Adapter]
    data: bytes


def sign_adapter(adapter: Adapter, data: bytes, signer: SigningKey) -> bytes:
    """Make an adapter's file.

    Raises:
        ModelError: `adapter_malformed`: the record does not say what is there.
    """
    _check(adapter)
    if (adapter.file, adapter.size, adapter.signer) != (Hash.of(data), len(data), signer.public):
        raise malformed_adapter("another file or key than its record says")
    wire = sign(adapter, signer, Label.ADAPTER).wire
    return MAGIC + len(wire).to_bytes(_LENGTH_BYTES) + wire + data


def read_adapter_file(data: bytes) -> AdapterFile:
    """Take a file apart.

    Raises:
        ModelError: `adapter_unsigned`: no file of this form, such as a bare adapter. `adapter_malformed`.
    """
    if not data.startswith(MAGIC):
        raise ModelError(
            "adapter_unsigned",
            expected="a signed adapter, as 'fieldward model adapter sign' writes it",
            got="a file without a signature",
            do="have an administrator of your organisation sign it; it was not imported",
        )
    start = len(MAGIC) + _LENGTH_BYTES
    length = int.from_bytes(data[len(MAGIC) : start])
    wire = data[start : start + length]
    if not 0 < length <= RECORD_BYTES_MAX or len(wire) < length:
        raise malformed_adapter("a file that is cut short")
    try:
        return AdapterFile(Signed(Adapter, wire), data[start + length :])
    except PeerError:
        raise malformed_adapter("a record in no envelope") from None


def claimed_signer(signed: Signed[Adapter]) -> Adapter:
    """What a record says of itself, to find out whose key must have signed it; decide nothing else by it.

    Raises:
        ModelError: `adapter_malformed`.
    """
    try:
        return signed.claimed()
    except PeerError:
        raise malformed_adapter("a record of another form") from None


def open_adapter(signed: Signed[Adapter], signer: VerifyKey) -> Verified[Adapter]:
    """Believe a record that a trusted key signed.

    Raises:
        ModelError: `adapter_forged`: it did not. `adapter_malformed`.
    """
    try:
        verified = signed.verify(signer, Label.ADAPTER)
    except PeerError:
        raise ModelError(
            "adapter_forged",
            expected="a signature that holds",
            got="one that does not",
            do="do not use this adapter; ask whoever made it for the original file",
        ) from None
    _check(verified.value)
    if verified.value.signer != signer:
        raise malformed_adapter("a record that names another key than the one that signed it")
    return verified


def check_parts(adapter: Adapter, data: bytes, base: str) -> None:
    """Compare a believed record with the adapter's bytes and the base model that it is to go to.

    Raises:
        ModelError: `adapter_damaged` or `adapter_base`.
    """
    if len(data) != adapter.size or Hash.of(data) != adapter.file:
        raise ModelError(
            "adapter_damaged",
            expected="the adapter's bytes as they were signed",
            got=f"others, {len(data):,} of {adapter.size:,} bytes",
            do="copy the file anew",
        )
    if adapter.base.hex() != base:
        raise ModelError(
            "adapter_base",
            expected=f"an adapter for the model with digest {base[:12]}...",
            got=f"one for {adapter.base.hex()[:12]}...",
            do="import the model that it was made for, or get the adapter for this one",
        )


def check_member(adapter: Adapter, key_of_member: VerifyKey, roles: Collection[Role], *, standing: bool) -> None:
    """Whether a member of the organisation may sign adapters, and signed this one.

    Args:
        adapter: the record.
        key_of_member: of the member's certificate.
        roles: in force; where several bind at once, each has to allow it.
        standing: neither revoked nor past the certificate's end.

    Raises:
        ModelError: `adapter_signer`.
    """
    wanted = " or ".join(sorted(role.value for role in SIGNER_ROLES))
    if not standing:
        raise untrusted_signer(
            "a signer who is still in the organisation", "one who was revoked, or whose time is over"
        )
    if not roles or not SIGNER_ROLES.issuperset(roles):
        raise untrusted_signer(f"the signature of an {wanted}", "another member's")
    if key_of_member != adapter.signer:
        raise untrusted_signer("the signature of the certificate's own key", "another key's")


def untrusted_signer(expected: str, got: str) -> ModelError:
    """The error for an adapter that is signed, but by nobody who counts."""
    return ModelError(
        "adapter_signer",
        expected=expected,
        got=got,
        do="have an administrator sign it; or, knowing whose key it is, give it with --signer",
    )


def malformed_adapter(got: str) -> ModelError:
    """The error for a file that is none."""
    return ModelError(
        "adapter_malformed",
        expected="an adapter's file as docs/models.md describes it",
        got=got,
        do="get the file again from whoever made it; nothing was imported",
    )


def _check(adapter: Adapter) -> None:
    if NAME.fullmatch(adapter.name) is None or adapter.rank == 0 or adapter.size == 0:
        raise malformed_adapter("a name, rank or size that none can have")
    for words in (adapter.specialty, adapter.licence):
        if _WORD.fullmatch(words) is None:
            raise malformed_adapter("a specialty or licence that is no word")
    if not adapter.title.isprintable():
        raise malformed_adapter("a title that cannot be shown")
