"""Attestations: somebody's signature under a text, as they read it, in a document as they knew it.

Owns the signed record and when it holds. It is signed by the key of the signer's certificate, so that it verifies by
the organisation's root alone, without the chain, the chart or any key that opens it. The text travels beside the
record, which names it by its hash: the stored text is the legal record, and nothing is ever put together again to
check it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sync_protocol.certificates import Trust, untrusted
from sync_protocol.errors import forged, malformed
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, Hash, OrganisationId
from sync_protocol.labels import Label
from sync_protocol.limits import (
    ATTESTED_BYTES_MAX,
    ATTESTED_HEADS_MAX,
    ATTESTED_REASON_BYTES_MAX,
    ATTESTED_SECTION_BYTES_MAX,
    ATTESTED_SECTIONS_MAX,
    WALL_MS_MAX,
)
from sync_protocol.records import Codec, choice, identifier, key, mapping, optional, ordered, string, uint
from sync_protocol.roles import Compartment
from sync_protocol.signed import Signed, Verified, sign
from sync_protocol.signing import SigningKey


class Act(StrEnum):
    """Why somebody signed."""

    AUTHOR = "author"
    """Who answers for the text."""
    COSIGNATURE = "cosignature"
    """A second person stands by a text that was signed, and by no other."""
    AMENDMENT = "amendment"
    """A text in place of one that was signed, with a reason; the earlier one stays."""
    ADDENDUM = "addendum"
    """A text that belongs under one that was signed."""


TEXTS: Final = frozenset({Act.AUTHOR, Act.AMENDMENT})
"""Acts under which the text of a document stands, and that can be amended."""
_REFERRING: Final = frozenset(Act) - {Act.AUTHOR}
_COMPARTMENT: Final[Codec[Compartment]] = choice(Compartment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """What was signed.

    Attributes:
        certificate: the signer's.
        scope: the sections that the text holds, by name; empty for the whole document.
        text: SHA-256 of the text's UTF-8.
        size: bytes of it.
        frontier: the newest entries of each compartment's stream that the signer's device showed.
        signed_ms: the signer's clock.
        of: the attestation that this one stands beside, replaces or adds to, by its hash; absent for an author's own.
        reason: why, in the signer's words; an amendment has one.
    """

    organisation: OrganisationId = key(1, identifier(OrganisationId))
    chart: ChartId = key(2, identifier(ChartId))
    document: DocumentId = key(3, identifier(DocumentId))
    certificate: CertificateHash = key(4, identifier(CertificateHash))
    act: Act = key(5, choice(Act))
    scope: tuple[str, ...] = key(6, ordered(string(ATTESTED_SECTION_BYTES_MAX), ATTESTED_SECTIONS_MAX))
    text: Hash = key(7, identifier(Hash))
    size: int = key(8, uint(ATTESTED_BYTES_MAX))
    frontier: Mapping[Compartment, tuple[EntryHash, ...]] = key(
        9, mapping(_COMPARTMENT, ordered(identifier(EntryHash), ATTESTED_HEADS_MAX), len(Compartment))
    )
    signed_ms: int = key(10, uint(WALL_MS_MAX))
    of: Hash | None = key(11, optional(identifier(Hash)))
    reason: str | None = key(12, optional(string(ATTESTED_REASON_BYTES_MAX)))


def sign_attestation(attestation: Attestation, signer: SigningKey) -> Verified[Attestation]:
    """Sign with the key of the certificate that the attestation names.

    Raises:
        MalformedError: it refers to nothing where its act refers to something, or has no reason where it takes one.
        LimitError: over a limit.
    """
    _check(attestation)
    return sign(attestation, signer, Label.ATTESTATION)


def open_attestation(wire: bytes, trust: Trust) -> Verified[Attestation]:
    """Verify an attestation by the certificate that it names.

    Raises:
        UntrustedError: that certificate is not known, or another organisation's.
        ForgedError: its key did not sign.
        MalformedError: not an attestation.
        LimitError: over a limit.
    """
    signed = Signed(Attestation, wire)
    claim = signed.claimed()
    certificate = trust.certificate(claim.certificate)
    if certificate is None:
        raise untrusted("an attestation by a known certificate", f"certificate {claim.certificate.short}")
    verified = signed.verify(certificate.value.ed25519, Label.ATTESTATION)
    if verified.value.organisation != trust.root.value.organisation:
        raise untrusted("an attestation in this organisation", "one in another organisation")
    _check(verified.value)
    return verified


def check_text(attestation: Attestation, text: str) -> None:
    """Check that a text is the one that was signed.

    Raises:
        ForgedError: it is another.
    """
    found = text.encode()
    if len(found) != attestation.size or Hash.of(found) != attestation.text:
        raise forged("the text that was signed", "another text")


def check_reference(attestation: Verified[Attestation], earlier: Verified[Attestation]) -> None:
    """Check that an attestation may refer to the one that it refers to.

    Raises:
        ForgedError: it refers to another, to one of another document, signs beside a text another text, or amends what
            is no text of the document, or another part of it.
    """
    own, other = attestation.value, earlier.value
    if own.of != earlier.hash or (own.chart, own.document) != (other.chart, other.document):
        raise forged("a reference to an attestation of the same document", "another")
    if own.act is Act.COSIGNATURE and (own.text, own.size, own.scope) != (other.text, other.size, other.scope):
        raise forged("a signature beside the same text", "one under another text")
    if own.act is Act.AMENDMENT and (other.act not in TEXTS or own.scope != other.scope):
        raise forged("an amendment of an author's text, in all of its scope", "one of something else")


def _check(attestation: Attestation) -> None:
    if (attestation.of is not None) != (attestation.act in _REFERRING):
        raise malformed("an attestation that refers to another exactly where its act does", "another")
    if attestation.act is Act.AMENDMENT and not (attestation.reason or "").strip():
        raise malformed("an amendment with a reason", "one without")
