"""What was written beside a signature: changes that the signer did not see, and those whose authors did not see it.

A text that was signed stays as it is. Whatever the document says beyond it stands beside it, and a change whose author
did not know of the signature is a review: somebody may have meant it to be under it. Within the stream of the signature
that is known from what each entry follows; of other streams only what the signer had seen is.

Owns these rules. Whether a signature holds, `signing` says: a review is raised for one whose key did not sign, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.reviews import Review, ReviewKind, ReviewValue, review_id, review_value
from edge_runtime.clinical.standing import display
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import in_order
from edge_runtime.facts import Author, CausalGraph, FactId, PlacedFact
from edge_runtime.text.section import SectionText
from sync_protocol.attestation import TEXTS, Act, Attestation
from sync_protocol.errors import PeerError
from sync_protocol.ids import DocumentId, EntryHash, Hash, SessionId, UserId
from sync_protocol.roles import Compartment
from sync_protocol.signed import Signed

SIGNING: Final = frozenset({Kind.ATTESTATION, Kind.ADDENDUM})
"""Kinds of fact that carry a signature."""
BESIDE: Final = SIGNING | {
    Kind.STATUS,
    Kind.PRIORITY,
    Kind.ASSIGNMENT,
    Kind.PLACE,
    Kind.STEP_EVENT,
    Kind.REVIEW_DECISION,
    Kind.LINK,
    Kind.DRAFT,
    Kind.DRAFT_DECISION,
}
"""Kinds that change nothing of what a signed text says of the patient."""
_REASON: Final = (
    "This was changed without knowledge of a signature. The signed text stays as it was; whoever signed says whether "
    "it is to be amended."
)


def claimed(fact: PlacedFact) -> Attestation | None:
    """What a fact says was signed; None where it carries no such record. Not verified."""
    signed = _signed(fact)
    return None if signed is None else signed.claimed()


def written_since(
    facts: Iterable[PlacedFact],
    graphs: Mapping[Compartment, CausalGraph],
    frontier: Mapping[Compartment, Sequence[EntryHash]],
) -> dict[Compartment, tuple[EntryHash, ...]]:
    """The entries that say something of the patient and are not under a frontier, later and concurrent ones alike.

    Args:
        facts: of the document.
        graphs: of its streams.
        frontier: the newest entries that a signer's device showed.
    """
    return _since(_quiet(facts), graphs, frontier)


def _since(
    quiet: frozenset[EntryHash],
    graphs: Mapping[Compartment, CausalGraph],
    frontier: Mapping[Compartment, Sequence[EntryHash]],
) -> dict[Compartment, tuple[EntryHash, ...]]:
    found: dict[Compartment, tuple[EntryHash, ...]] = {}
    for compartment, graph in graphs.items():
        seen = frontier.get(compartment, ())
        entries = tuple(
            entry
            for entry in graph
            if entry not in quiet and not any(entry == head or graph.precedes(entry, head) for head in seen)
        )
        if entries:
            found[compartment] = entries
    return found


def written_unseen(graph: CausalGraph, since: Iterable[EntryHash], signature: EntryHash) -> tuple[EntryHash, ...]:
    """Of what was written since in the stream of a signature, what does not follow it."""
    return tuple(entry for entry in since if not graph.precedes(signature, entry))


def attested_reviews(
    document: DocumentId,
    facts: Sequence[PlacedFact],
    graphs: Mapping[Compartment, CausalGraph],
    texts: Iterable[SectionText],
    authors: Mapping[SessionId, Author],
) -> Iterator[Review]:
    """The reviews of changes beside signatures, one for each signed text that nobody amended or signed anew.

    Of what one person signed of one scope, the last counts: who signs again has seen what came before. So nobody makes
    everybody else compare every signature of thousands with every change.

    Args:
        document: where.
        facts: of it.
        graphs: of its streams.
        texts: its sections.
        authors: whose each session is that wrote text.
    """
    carried = [fact for fact in facts if fact.fact.kind == Kind.ATTESTATION and fact.verdict.counts]
    if not carried:
        return
    fitting = {fact.id: record for fact in carried if (record := _fitting(document, fact)) is not None}
    amended = {record.of for record in fitting.values() if record.act is Act.AMENDMENT}
    last = {_whose(fact, fitting[fact.id]): fact.id for fact in in_order(carried) if fact.id in fitting}
    quiet = _quiet(facts)
    written = [value for text in texts for value in _text_values(document, text, authors)]
    for fact in carried:
        record, graph = fitting.get(fact.id), graphs.get(fact.compartment)
        if record is None or graph is None or _record_hash(fact) in amended or last[_whose(fact, record)] != fact.id:
            continue
        since = _since(quiet, {fact.compartment: graph}, record.frontier).get(fact.compartment, ())
        unseen = frozenset(written_unseen(graph, since, fact.id.entry))
        stated = [_value(one) for one in facts if one.id.entry in unseen]
        beside = [*stated, *(value for value in written if value.fact.entry in unseen)]
        if beside:
            values = sorted([_value(fact), *beside], key=lambda value: (value.lamport, value.fact))
            subject = str(fact.id)
            yield Review(
                id=review_id(document, ReviewKind.ATTESTED, subject),
                kind=ReviewKind.ATTESTED,
                subject=subject,
                document=document,
                values=tuple(values),
                reason=_REASON,
            )


def _fitting(document: DocumentId, fact: PlacedFact) -> Attestation | None:
    """The record of a fact under whose text it stands, and that is about this document; None for any other."""
    record, text = claimed(fact), said(fact.fact, "text")
    if record is None or record.act not in TEXTS or text is None or record.document != document:
        return None
    return record if record.text == Hash.of(text.encode()) else None


def _whose(fact: PlacedFact, record: Attestation) -> tuple[UserId, Compartment, tuple[str, ...]]:
    return fact.author.user, fact.compartment, record.scope


def _record_hash(fact: PlacedFact) -> Hash | None:
    signed = _signed(fact)
    return None if signed is None else signed.hash


def _signed(fact: PlacedFact) -> Signed[Attestation] | None:
    wire = fact.fact.payload.get("signed")
    try:
        signed = Signed(Attestation, wire if isinstance(wire, bytes) else b"")
        signed.claimed()
    except PeerError:
        return None
    return signed


def _quiet(facts: Iterable[PlacedFact]) -> frozenset[EntryHash]:
    """Entries all of whose facts leave what the document says of the patient as it is."""
    more: dict[EntryHash, bool] = {}
    for fact in facts:
        more[fact.id.entry] = more.get(fact.id.entry, False) or fact.fact.kind not in BESIDE
    return frozenset(entry for entry, says in more.items() if not says)


def _value(fact: PlacedFact) -> ReviewValue:
    words = "the signature" if fact.fact.kind == Kind.ATTESTATION else display(fact)
    return review_value(fact, words)


def _text_values(document: DocumentId, text: SectionText, authors: Mapping[SessionId, Author]) -> Iterator[ReviewValue]:
    """The newest changes of a section, each once."""
    for written in text.newest_written:
        yield ReviewValue(
            fact=FactId(written.text.entry, 0),
            document=document,
            author=authors[written.text.session],
            lamport=written.lamport,
            wall_ms=written.wall_ms,
            base=(),
            display=f"{text.section}: changed",
        )
