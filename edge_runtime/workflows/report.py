"""How a document stands: what it lacks, how long it took, how well it is kept, who answers for it.

Owns the gathering of what stands beside a document's facts: its texts, and which of them a signature covers. What
follows from that, `clinical.workflows` says.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_runtime.clinical.attested import written_since
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.workflows.completeness import completeness
from edge_runtime.clinical.workflows.durations import Durations, durations
from edge_runtime.clinical.workflows.needs import Beside, Completeness, Signed, Written
from edge_runtime.clinical.workflows.quality import Quality, quality
from edge_runtime.facts import FactId
from edge_runtime.opened import OpenChart
from edge_runtime.signing.signatures import Signature, Signatures, newest, signatures_of
from sync_protocol.attestation import Act
from sync_protocol.certificates import Trust
from sync_protocol.ids import DocumentId, EntryHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a document stands.

    Attributes:
        state: what its facts say.
        completeness: what it needs and lacks.
        quality: how well it is kept.
        durations: how long it should take, and took.
        signed: whether somebody answers for all of it.
        signatures: what is signed in it.
        since: how many entries were written that the text that was signed last does not cover; 0 where none was.
    """

    state: DocumentState
    completeness: Completeness
    quality: Quality
    durations: Durations
    signed: Signed
    signatures: Signatures
    since: int


def report_of(opened: OpenChart, document: DocumentId, trust: Trust) -> Report:
    """How a document stands.

    Args:
        opened: its chart.
        document: which.
        trust: the organisation's certificates.

    Raises:
        RefusedError: no such document.
    """
    found, state = opened.found(document), opened.document(document)
    signatures = signatures_of(opened.chart, found, trust)
    texts = {
        name: Written(text.text, complete=text.complete, disputed=text.disputed) for name, text in found.texts.items()
    }
    since = _since(opened, document, signatures)
    signed = _signed(signatures, since)
    done, times = completeness(state, Beside(sections=texts, signed=signed)), durations(state)
    return Report(
        state=state,
        completeness=done,
        quality=quality(state, done, times, signed=signed),
        durations=times,
        signed=signed,
        signatures=signatures,
        since=len(since),
    )


def _signed(signatures: Signatures, since: frozenset[EntryHash]) -> Signed:
    if not any(not one.attestation.value.scope for one in newest(signatures)):
        return Signed.PART if signatures.sound else Signed.NO
    return Signed.CHANGED if since else Signed.YES


def _since(opened: OpenChart, document: DocumentId, signatures: Signatures) -> frozenset[EntryHash]:
    """The entries that no signature covers, of those that say something of the patient; none where nothing is signed.

    An addendum covers what its author saw, as far as the text that it belongs under is the whole document's.
    """
    whole = frozenset(one.fact.id for one in newest(signatures) if not one.attestation.value.scope)
    covering = [one for one in signatures.sound if one.fact.id in whole or _adds_to(one, whole)]
    found = opened.found(document)
    left: frozenset[EntryHash] | None = None
    for one in covering:
        entries = written_since(found.facts, found.graphs, one.attestation.value.frontier)
        unseen = frozenset(entry for group in entries.values() for entry in group)
        left = unseen if left is None else left & unseen
    return left or frozenset()


def _adds_to(signature: Signature, whole: frozenset[FactId]) -> bool:
    return signature.act is Act.ADDENDUM and signature.of is not None and signature.of in whole
