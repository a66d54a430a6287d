"""The signatures of a document: which hold, under which text, and what was written since that they did not see.

Owns the judgement. A signature holds when its record verifies by the organisation's root, names this document, was made
by the very person whose entry carried it, and stands under the text beside it. Refuses to sign: `attesting` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edge_runtime.clinical.attested import SIGNING, written_since
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.subjects import said
from edge_runtime.documents import OpenDocument
from edge_runtime.errors import RefusedError
from edge_runtime.facts import FactId, PlacedFact
from sync_protocol.attestation import (
    Act,
    Attestation,
    check_reference,
    check_text,
    open_attestation,
)
from sync_protocol.certificates import Certificate, Trust
from sync_protocol.errors import PeerError, forged
from sync_protocol.ids import ChartId, DocumentId, EntryHash
from sync_protocol.roles import Compartment
from sync_protocol.signed import Verified


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature of a document.

    Attributes:
        fact: what carried it.
        attestation: the signed record.
        signer: the certificate that made it.
        text: what stands under it.
        of: the signature that it stands beside, replaces or adds to.
    """

    fact: PlacedFact
    attestation: Verified[Attestation]
    signer: Certificate
    text: str
    of: FactId | None

    @property
    def act(self) -> Act:
        """Why it was signed."""
        return self.attestation.value.act


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsound:
    """Something that claims to be a signature and is none.

    Attributes:
        fact: what carried it.
        expected, got: why it is none.
    """

    fact: PlacedFact
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Signatures:
    """What is signed in a document.

    Attributes:
        sound: the signatures that hold, each after what it refers to.
        unsound: what claims to be one.
    """

    sound: tuple[Signature, ...]
    unsound: tuple[Unsound, ...]

    def of(self, name: FactId) -> Signature | None:
        """The signature that a fact carried."""
        return next((one for one in self.sound if one.fact.id == name), None)

    def named(self, text: str) -> Signature:
        """The one whose entry's hash, or fact id, begins with a text.

        Raises:
            RefusedError: none, or several.
        """
        wanted = text.lower()
        found = [one for one in self.sound if wanted and str(one.fact.id).startswith(wanted)]
        if len(found) != 1:
            got = "several that begin so" if found else "none of that name"
            raise _no_signature("a signature of this document that holds, by the beginning of its name", got)
        return found[0]

    @property
    def last(self) -> Signature:
        """The text that was signed last and stands.

        Raises:
            RefusedError: nothing is signed.
        """
        found = list(newest(self))
        if not found:
            raise _no_signature("a document that somebody signed", "one without a signature that holds")
        return found[-1]

    @property
    def amended(self) -> frozenset[FactId]:
        """Those in whose place another text was signed; they stay what they are."""
        return frozenset(one.of for one in self.sound if one.act is Act.AMENDMENT and one.of is not None)


def signatures_of(chart: ChartId, document: OpenDocument, trust: Trust) -> Signatures:
    """Judge what claims to be a signature in a document, of what counts there.

    Args:
        chart: whose document.
        document: as this device reads it.
        trust: the organisation's certificates.
    """
    carried = [fact for fact in document.facts if fact.fact.kind in SIGNING and fact.verdict.counts]
    sound: dict[FactId, Signature] = {}
    unsound: list[Unsound] = []
    for fact in sorted(carried, key=lambda one: (one.lamport, one.id)):
        try:
            sound[fact.id] = _judge(fact, chart, document.document, trust, sound)
        except PeerError as error:
            unsound.append(Unsound(fact=fact, expected=error.expected, got=error.got))
    return Signatures(tuple(sound.values()), tuple(unsound))


def changed_since(document: OpenDocument, signature: Signature) -> Mapping[Compartment, tuple[EntryHash, ...]]:
    """The entries that are to be read beside a signed text: later and concurrent ones, none of them under it."""
    return written_since(document.facts, document.graphs, signature.attestation.value.frontier)


def _judge(
    fact: PlacedFact, chart: ChartId, document: DocumentId, trust: Trust, known: Mapping[FactId, Signature]
) -> Signature:
    wire = fact.fact.payload.get("signed")
    attestation = open_attestation(wire if isinstance(wire, bytes) else b"", trust)
    value = attestation.value
    signer = trust.certificate(value.certificate)
    assert signer is not None, "its record was verified by it"
    if (value.chart, value.document) != (chart, document):
        raise forged("a signature in this document", "one in another")
    if (signer.value.user, signer.value.device) != (fact.author.user, fact.author.device):
        raise forged("a signature by the author of its entry", "somebody else's")
    if (value.act is Act.ADDENDUM) != (fact.fact.kind == Kind.ADDENDUM):
        raise forged(f"an act that a fact of kind {fact.fact.kind} carries", value.act.value)
    earlier = next((one for one in known.values() if one.attestation.hash == value.of), None)
    if value.of is not None:
        if earlier is None:
            raise forged("a signature that refers to one that is here", "a reference to none")
        check_reference(attestation, earlier.attestation)
    text = said(fact.fact, "text")
    if text is None and value.act is Act.COSIGNATURE and earlier is not None:
        text = earlier.text
    check_text(value, text or "")
    return Signature(
        fact=fact,
        attestation=attestation,
        signer=signer.value,
        text=text or "",
        of=None if earlier is None else earlier.fact.id,
    )


def newest(signatures: Signatures) -> Iterator[Signature]:
    """The texts that stand: an author's own and amendments, in whose place none was signed."""
    for one in signatures.sound:
        if one.act in {Act.AUTHOR, Act.AMENDMENT} and one.fact.id not in signatures.amended:
            yield one


def _no_signature(expected: str, got: str) -> RefusedError:
    return RefusedError("no_such_signature", expected=expected, got=got, do="see 'fieldward workflow show CHART'")
