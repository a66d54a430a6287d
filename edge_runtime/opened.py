"""A chart opened: what of it this device may read, for a purpose that the patient permits, and what that adds up to.

Owns what an opened chart is, and what keeps one closed: without the consent that a purpose takes nothing is read at
all. Refuses to change anything. `cache` says when what was opened before is shown again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from edge_runtime.clinical.chart import ChartState, derive_chart
from edge_runtime.clinical.deriving import Derivation
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.text_reviews import with_text_reviews
from edge_runtime.destroyed import Destroyed
from edge_runtime.documents import OpenDocument
from edge_runtime.errors import RefusedError
from edge_runtime.facts import CausalGraph, PlacedFact
from sync_protocol.audit import Purpose
from sync_protocol.chart_records import Purpose as Consent
from sync_protocol.consent import lacking
from sync_protocol.ids import CertificateHash, ChartId, DocumentId
from sync_protocol.membership import Membership
from sync_protocol.roles import CONTENT, Compartment


@dataclass(frozen=True, slots=True)
class OpenChart:
    """A chart opened: who is in it, what its documents hold, what they add up to.

    Attributes:
        reads: the compartments of content that this device may read; none without the consent that it takes.
        lacks: the consent for want of which nothing was read; None where nothing is wanting.
        destroyed: that its content is destroyed here; None for a chart that stands.
    """

    chart: ChartId
    membership: Membership
    reads: frozenset[Compartment]
    documents: dict[DocumentId, OpenDocument]
    state: ChartState
    lacks: Consent | None = None
    destroyed: Destroyed | None = None

    @property
    def sealed(self) -> bool:
        """Whether this device may read nothing of what is written there, as a compliance officer's."""
        return not self.reads

    def states(self) -> list[DocumentState]:
        """The state of every document, the chart document first; those in which nothing was stated yet, too."""
        return [self.document(document) for document in self.documents]

    def document(self, document: DocumentId) -> DocumentState:
        """The state of one document; an empty one where nothing was written yet."""
        for state in self.state.documents:
            if state.document == document:
                return state
        return empty(document)

    def authored(self, document: DocumentId) -> DocumentState:
        """The state of one document by what an author's next entry follows: without what came before its time.

        Who replaced a statement that the own entry does not follow would claim an order that nobody can check. Both
        stand, and a person is asked, once what is missing came.
        """
        if not any(found.early for found in self.documents.values()):
            return self.document(document)
        facts = [fact for found in self.documents.values() for fact in found.facts]
        graphs = [graph for found in self.documents.values() for graph in found.graphs.values()]
        state = derive_chart(self.membership.chart_document, (fact for fact in facts if not fact.held), graphs)
        return replace(self, state=state).document(document)

    def found(self, document: DocumentId) -> OpenDocument:
        """What was read of one document.

        Raises:
            RefusedError: the chart has no such document.
        """
        found = self.documents.get(document)
        if found is None:
            raise missing("document", document.short)
        return found


def why_closed(membership: Membership, own: CertificateHash, purpose: Purpose) -> Consent | None:
    """The consent for want of which a device may open nothing of a chart for a purpose; None where nothing is wanting.

    Args:
        membership: of the chart.
        own: the device's principal.
        purpose: for what.
    """
    broke_glass = any(access.author == own for access in membership.broken)
    return lacking(membership.consents, purpose, broke_glass=broke_glass)


def closed_chart(membership: Membership, lacks: Consent | None, note: Destroyed | None) -> OpenChart:
    """A chart of which nothing is read."""
    unread = {name: OpenDocument(name) for name in membership.documents}
    state = derive_chart(membership.chart_document, (), ())
    return OpenChart(membership.chart, membership, frozenset(), unread, state, lacks, note)


def open_chart(
    membership: Membership,
    documents: dict[DocumentId, OpenDocument],
    own: CertificateHash,
    *,
    stated: ChartState | None = None,
) -> OpenChart:
    """What the documents of a chart add up to.

    Args:
        membership: of the chart.
        documents: every one of it, as this device can read it.
        own: the device's principal.
        stated: what `stated_by` says of them, where that is known.
    """
    base = stated_by(membership, documents.values()) if stated is None else stated
    state = with_text_reviews(base, {name: document.text_reviews() for name, document in documents.items()})
    reads = membership.members.get(own, frozenset()).intersection(CONTENT)
    return OpenChart(membership.chart, membership, reads, documents, state)


def stated_by(membership: Membership, documents: Collection[OpenDocument]) -> ChartState:
    """What the facts of a chart's documents say, without what its texts add."""
    return derive_chart(membership.chart_document, _facts(documents), graphs_of(documents))


def kept_up(membership: Membership, documents: Collection[OpenDocument]) -> Derivation:
    """The same, to go on from when more facts come."""
    return Derivation(membership.chart_document, _facts(documents), graphs_of(documents))


def graphs_of(documents: Collection[OpenDocument]) -> tuple[CausalGraph, ...]:
    """The causal graphs of some documents, in their order."""
    return tuple(graph for document in documents for graph in document.graphs.values())


def _facts(documents: Collection[OpenDocument]) -> Iterator[PlacedFact]:
    return (fact for document in documents for fact in document.facts)


def empty(document: DocumentId) -> DocumentState:
    """The state of a document where nothing was written yet."""
    return derive_chart(document, (), ()).documents[0]


def missing(what: str, name: str) -> RefusedError:
    """Make the refusal of what is not on this device."""
    return RefusedError(
        f"no_such_{what}", expected=f"a {what} on this device", got=f"{what} {name}", do="sync, then try again"
    )
