"""What of a chart is about to be shown, as its audit record names it: fields by name, the state by its newest entries.

Owns the names of fields. Refuses values: nothing here holds a word of what was read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from edge_runtime.clinical.drafts import DRAFTING
from edge_runtime.clinical.layout import home
from edge_runtime.clinical.reviews import ReviewKind
from sync_protocol.ids import ChartId, DocumentId, EntryHash
from sync_protocol.limits import AUDIT_CHARTS_MAX, AUDIT_FIELDS_MAX, AUDIT_SEEN_MAX
from sync_protocol.roles import Compartment

if TYPE_CHECKING:
    from edge_runtime.clinical.reviews import Review
    from edge_runtime.documents import OpenDocument
    from edge_runtime.opened import OpenChart

MEMBERSHIP: Final = "membership"
"""The device was found to be a member by the chart's own records."""
CONSENT: Final = "consent"
"""The patient's consents, by the chart's own records, permit the purpose of the act, or its author broke the glass."""
EPOCH_KEYS: Final = "epoch_keys"
"""The key of every entry that was opened held what its epoch commits to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A chart or a part of it, without any value.

    Attributes:
        fields: kinds of facts, and `text.<section>`, that there was something of.
        compartments: those of which something was opened.
        documents: those that were shown whole.
        seen: the newest entries of the streams that were opened, as many as a record names.
        checks: the checks that ran and passed.
    """

    chart: ChartId
    fields: tuple[str, ...]
    compartments: tuple[Compartment, ...]
    documents: tuple[DocumentId, ...]
    seen: tuple[EntryHash, ...]
    checks: tuple[str, ...]


def shown_whole(opened: OpenChart) -> Shown:
    """The whole chart, its texts included."""
    return shown_documents(opened, opened.documents)


def shown_documents(opened: OpenChart, documents: Iterable[DocumentId]) -> Shown:
    """Some documents, whole."""
    chosen = [opened.documents[name] for name in documents]
    fields = {kind for document in chosen for kind in document.kinds}
    fields |= {f"text.{section}" for document in chosen for section in document.texts}
    return _shown(opened, fields, chosen, tuple(document.document for document in chosen))


def shown_summary(opened: OpenChart) -> Shown:
    """What a chart adds up to: who the patient is, the safety list, which documents there are, what is to decide."""
    every = list(opened.documents.values())
    fields = {kind for document in every for kind in document.kinds}
    summed = {kind for kind in fields if home(kind) is Compartment.SAFETY}
    summed |= {"review"} if opened.state.reviews else set()
    return _shown(opened, summed, every, ())


def shown_reviews(opened: OpenChart, reviews: Iterable[Review]) -> Shown:
    """Some reviews, with the statements that contradict each other."""
    chosen = tuple(reviews)
    names = {review.document for review in chosen} | {value.document for one in chosen for value in one.values}
    documents = [opened.documents[name] for name in sorted(names & opened.documents.keys())]
    facts = {value.fact for review in chosen for value in review.values}
    stated = {fact.fact.kind for document in documents for fact in document.facts if fact.id in facts}
    texts = {f"text.{text.section}" for document in documents for text in document.texts.values() if text.disputed}
    held = texts if any(review.kind == ReviewKind.TEXT for review in chosen) else frozenset[str]()
    return _shown(opened, {"review", *stated, *held}, documents, ())


def shown_drafts(opened: OpenChart, documents: Iterable[DocumentId]) -> Shown:
    """The drafts of some documents, with what was decided about them."""
    chosen = [opened.documents[name] for name in sorted(set(documents))]
    kinds = {kind for document in chosen for kind in document.kinds}
    return _shown(opened, kinds & DRAFTING, chosen, ())


def _shown(
    opened: OpenChart, fields: Collection[str], documents: list[OpenDocument], whole: tuple[DocumentId, ...]
) -> Shown:
    read = [
        (compartment, document.newest[compartment])
        for document in documents
        for compartment in sorted(opened.reads.intersection(document.newest))
    ]
    seen = (head for _, heads in read for head in sorted(heads))
    checks = ((MEMBERSHIP, CONSENT) if opened.reads else ()) + ((EPOCH_KEYS,) if read else ())
    return Shown(
        chart=opened.chart,
        fields=tuple(sorted(fields))[:AUDIT_FIELDS_MAX],
        compartments=tuple(sorted({compartment for compartment, _ in read})),
        documents=tuple(sorted(whole))[:AUDIT_CHARTS_MAX],
        seen=tuple(islice(seen, AUDIT_SEEN_MAX)),
        checks=checks,
    )
