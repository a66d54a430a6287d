"""A chart opened: what of it this device may read, for a purpose that the patient permits, and what that adds up to.

Owns the order: consents first, then bodies, then the rules. Without the consent that a purpose takes nothing is read at
all. Refuses to change anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge_runtime.clinical.chart import ChartState, derive_chart
from edge_runtime.clinical.document import DocumentState
from edge_runtime.clinical.text_reviews import with_text_reviews
from edge_runtime.destroyed import Destroyed
from edge_runtime.documents import DocumentReader, OpenDocument
from edge_runtime.errors import RefusedError
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
        facts = [fact for found in self.documents.values() for fact in found.facts]
        if not any(fact.held for fact in facts):
            return self.document(document)
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


def open_chart(
    membership: Membership,
    reader: DocumentReader,
    own: CertificateHash,
    *,
    purpose: Purpose,
    note: Destroyed | None = None,
) -> OpenChart:
    """Open a chart as far as a device can read it, and may for this purpose by the patient's consents.

    Args:
        membership: of the chart.
        reader: of the device.
        own: its principal.
        purpose: for what.
        note: that the chart is destroyed here: then nothing is read.
    """
    broke_glass = any(access.author == own for access in membership.broken)
    lacks = lacking(membership.consents, purpose, broke_glass=broke_glass)
    if lacks is not None or note is not None:
        unread = {name: OpenDocument(name) for name in membership.documents}
        state = derive_chart(membership.chart_document, (), ())
        return OpenChart(membership.chart, membership, frozenset(), unread, state, lacks, note)
    documents = {name: reader.document(membership.chart, name, membership) for name in membership.documents}
    facts = [fact for document in documents.values() for fact in document.facts]
    graphs = [graph for document in documents.values() for graph in document.graphs.values()]
    state = derive_chart(membership.chart_document, facts, graphs)
    state = with_text_reviews(state, {name: document.text_reviews() for name, document in documents.items()})
    reads = membership.members.get(own, frozenset()).intersection(CONTENT)
    return OpenChart(membership.chart, membership, reads, documents, state)


def empty(document: DocumentId) -> DocumentState:
    """The state of a document where nothing was written yet."""
    return derive_chart(document, (), ()).documents[0]


def missing(what: str, name: str) -> RefusedError:
    """Make the refusal of what is not on this device."""
    return RefusedError(
        f"no_such_{what}", expected=f"a {what} on this device", got=f"{what} {name}", do="sync, then try again"
    )
