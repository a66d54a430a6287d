"""What the audit says of drafts: which skill and model made one, and what of it a person discarded. Never a word of it.

Owns those records, and that each is written in one change with the fact that it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from edge_runtime.clinical.draft_reading import DraftText, Part
from edge_runtime.errors import RefusedError
from edge_runtime.facts import FactId
from edge_runtime.recorder.batch import Batch
from edge_runtime.recorder.record import Recorder
from sync_protocol.audit import AuditRecord, Purpose, audit_record
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import ChartId, DocumentId, EntryHash
from sync_protocol.limits import AUDIT_SEEN_MAX
from sync_protocol.records import pack
from sync_protocol.roles import Compartment


def generated(
    draft: DraftText, name: FactId, *, document: DocumentId, compartment: Compartment, purpose: Purpose
) -> AuditRecord:
    """That a draft was made: by what, from what state of the chart, and how much of it is not supported."""
    known = {
        **_origin(draft, name),
        "engine": draft.engine,
        "digest": draft.model_digest,
        "seed": None if draft.seed is None else str(draft.seed),
        "adapter": draft.adapter,
        "language": draft.language,
        "demonstration": "yes" if draft.demonstration else None,
        "cut": "yes" if draft.cut else None,
    }
    return audit_record(
        "draft_generated",
        purpose=purpose,
        fields=("draft",),
        compartments=(compartment,),
        documents=(document,),
        seen=tuple(sorted(draft.seen))[:AUDIT_SEEN_MAX],
        detail=_said(known) | _counts(draft.parts),
    )


def discarded(
    draft: DraftText,
    name: FactId,
    parts: Collection[Part],
    *,
    decision: str,
    document: DocumentId,
    compartment: Compartment,
) -> AuditRecord:
    """That a person discarded a draft, or some parts of it: how many, of which kinds, and how many marks they had."""
    return audit_record(
        "draft_discarded",
        purpose=Purpose.TREATMENT,
        fields=("draft",),
        compartments=(compartment,),
        documents=(document,),
        detail=_said({**_origin(draft, name), "decision": decision}) | _counts(parts),
    )


def write_recorded(
    recorder: Recorder, chart: ChartId, fill: Callable[[Batch], AuditRecord | None]
) -> tuple[VerifiedEntry, ...]:
    """Write a change together with the record of the act: both or neither.

    The record goes to the chart's audit stream, or to this device's ledger where that stream cannot take it.

    Args:
        recorder: of the device.
        chart: where.
        fill: puts the content into a change and says what is recorded; it may be asked twice, each time with an empty
            change.

    Raises:
        RefusedError, InputError, StoreError: the change cannot be made.
    """
    batch = recorder.begin()
    record = fill(batch)
    if record is not None:
        try:
            batch.audit(chart, record)
        except RefusedError:  # no reader of the audit stream, or too many of them: that keeps nobody from care
            batch = recorder.begin()
            again = fill(batch)
            assert again is not None, "what was to be recorded is the same"
            batch.ledger(replace(again, charts=(chart,)))
    return recorder.write(batch)


def entry_of(batch: Batch) -> EntryHash:
    """The name of the entry that was added to a change last."""
    return EntryHash.of(pack(batch.drafts[-1].header))


def _origin(draft: DraftText, name: FactId) -> dict[str, str | None]:
    return {"draft": str(name), "skill": draft.skill, "template": draft.template, "model": draft.model}


def _said(known: Mapping[str, str | None]) -> dict[str, str]:
    return {name: words for name, words in known.items() if words}


def _counts(parts: Iterable[Part]) -> dict[str, str]:
    """How many parts of each kind there are, and how many places are marked, by what they are."""
    chosen = tuple(parts)
    kinds = Counter(part.kind.value for part in chosen)
    marks = Counter(doubt.kind.value for part in chosen for doubt in part.unsupported)
    return {"parts": _counted(kinds), "unsupported": _counted(marks)}


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in sorted(counts.items())) or "none"
