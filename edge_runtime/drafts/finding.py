"""Finding the drafts of an opened chart, what each was made from, and whether that has changed since.

Owns how a person names a draft, and the comparison. Refuses nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.attested import written_since
from edge_runtime.clinical.draft_payloads import SEEN_MAX
from edge_runtime.clinical.draft_reading import DraftText, read_draft
from edge_runtime.clinical.drafts import Draft, DraftStatus
from edge_runtime.errors import RefusedError
from edge_runtime.facts import FactId
from edge_runtime.opened import OpenChart
from edge_runtime.recorder.naming import PREFIX_MIN
from sync_protocol.ids import DocumentId, EntryHash
from sync_protocol.roles import Compartment

_SHOWN_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class Found:
    """One draft of a chart.

    Attributes:
        document: where it stands.
        draft: with the decisions about it.
        text: what it says.
    """

    document: DocumentId
    draft: Draft
    text: DraftText

    @property
    def id(self) -> FactId:
        """Its fact."""
        return self.draft.fact.id

    @property
    def open(self) -> bool:
        """Whether it waits for a decision."""
        return self.draft.status is DraftStatus.OPEN

    @property
    def apart(self) -> bool:
        """Whether it is kept apart, as what it was made from."""
        return self.draft.fact.compartment is Compartment.SENSITIVE


def drafts_of(opened: OpenChart) -> tuple[Found, ...]:
    """Every draft of a chart that this device reads, by document, then in order."""
    return tuple(
        Found(state.document, draft, read_draft(draft.fact.fact))
        for state in opened.state.documents
        for draft in state.drafts.items
    )


def draft_named(opened: OpenChart, text: str) -> Found:
    """The draft of a chart whose id begins with `text`.

    Raises:
        RefusedError: none, or several.
    """
    wanted = text.lower()
    found = [one for one in drafts_of(opened) if len(wanted) >= PREFIX_MIN and str(one.id).startswith(wanted)]
    if len(found) != 1:
        raise RefusedError(
            "ambiguous_draft" if found else "no_such_draft",
            expected=f"the id of one draft of this chart, or at least its first {PREFIX_MIN} digits",
            got=f"{text[:_SHOWN_MAX]!r}, which fits {len(found)}",
            do=f"list them with 'fieldward draft list {opened.chart.short}'",
        )
    return found[0]


def frontier(opened: OpenChart, documents: Iterable[DocumentId] | None = None) -> tuple[EntryHash, ...]:
    """The newest entries of some documents as they are shown: what a draft that is made from them has seen.

    Those that are kept apart come first, so that of very many none is left out: by them the draft is kept apart too.

    Args:
        opened: the chart.
        documents: those that it is made from; None for all.
    """
    chosen = opened.documents if documents is None else documents
    heads = {
        (compartment is not Compartment.SENSITIVE, head)
        for name in chosen
        for compartment, newest in opened.found(name).newest.items()
        for head in newest
    }
    return tuple(head for _, head in sorted(heads)[:SEEN_MAX])


def places_of(opened: OpenChart, seen: Iterable[EntryHash]) -> frozenset[Compartment]:
    """The compartments, in any document, in which some entries stand."""
    known = frozenset(seen)
    return frozenset(
        compartment
        for document in opened.documents.values()
        for compartment, graph in document.graphs.items()
        if any(entry in graph for entry in known)
    )


def changed_since(opened: OpenChart, found: Found) -> int:
    """How many entries that say something of the patient came to the documents a draft was made from, after it.

    What was written by somebody who had not seen it counts as well. Drafts and what was decided about them do not.
    """
    seen, count = found.text.seen, 0
    for document in opened.documents.values():
        if any(entry in graph for entry in seen for graph in document.graphs.values()):
            since = written_since(document.facts, document.graphs, dict.fromkeys(document.graphs, seen))
            count += sum(map(len, since.values()))
    return count
