"""What verification hands to the writer, what the writer did with it, and how one batch is written.

Admission is judged entry by entry, on what stands before an entry in this very transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from server.relay.admission import admit
from server.relay.bodies import stripped
from server.relay.drafting import Draft
from server.relay.stored import Stored
from server.relay.window import SealPlace
from server.relay.writer import SqlWriter
from sync_protocol.certificates import Session
from sync_protocol.control_entry import written as written_at
from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.errors import BrokenChainError, PeerError
from sync_protocol.ids import CertificateHash, EntryHash, SessionId
from sync_protocol.intake import Checked, Refusal
from sync_protocol.signed import Verified
from sync_protocol.store import Arrived, Outcome, put_proofs


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Something verified that is to be stored.

    Attributes:
        sessions: the session of every entry.
        seals: all seals of the places that verifying touched, stored and new ones.
    """

    checked: Checked
    sessions: Mapping[SessionId, Verified[Session]]
    seals: Mapping[SealPlace, tuple[Verified[Seal], ...]]


@dataclass(slots=True)
class Written:
    """What became of a batch.

    Attributes:
        places: the log index of each entry that is stored, now or since earlier.
        arrived: those that are new.
        refused: what was not taken, and why.
    """

    places: list[tuple[EntryHash, int]] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def write_batch(batch: Batch, writer: SqlWriter, draft: Draft) -> Written:
    """Store one batch's records and what is admitted of its entries, in their order."""
    checked = batch.checked
    put_proofs(writer, checked)
    written = Written(refused=list(checked.refused))
    content: list[VerifiedEntry] = []
    for entry in checked.entries:
        author = draft.principal(batch.sessions[entry.header.session].value.certificate)
        try:
            record = admit(entry, author, draft)
        except PeerError as error:
            written.refused.append(Refusal(entry.hash, error))
            continue
        kept = draft.keeps_body(entry.header.stream, record)
        content.append(entry if kept else stripped(entry))
        if record is not None:  # what follows is judged by it, so it has to be in or out first
            index = _append(content, writer, written)
            content = []
            if index is not None and not kept:
                draft.cut_off(entry.header)
            if index is not None:
                undone = draft.base.revoked_at if _is_excluded(entry, author, batch, draft) else None
                draft.apply(
                    Stored(
                        stream=entry.header.stream,
                        record=record,
                        author=author,
                        name=entry.hash,
                        index=index,
                        saw=writer.saw,
                        heads=entry.header.organisation_heads,
                        undone=undone,
                    )
                )
    if content:
        _append(content, writer, written)
    return written


def _is_excluded(entry: VerifiedEntry, author: CertificateHash, batch: Batch, draft: Draft) -> bool:
    """Whether a revocation that was judged before excludes an entry."""
    return author in draft.base.revoked and draft.base.excludes(written_at(entry, author, _Seals(batch.seals)))


class _Seals:
    """See `sync_protocol.control_entry.SealHistory`: what verifying the batch touched."""

    def __init__(self, seals: Mapping[SealPlace, tuple[Verified[Seal], ...]]) -> None:
        self._seals = seals

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        return self._seals.get((session, number), ())


def _append(entries: Sequence[VerifiedEntry], writer: SqlWriter, written: Written) -> int | None:
    """Append entries and note the outcomes; the index of the last of them if it is new."""
    new: int | None = None
    for entry, (outcome, index) in zip(entries, writer.append(entries), strict=True):
        new = index if outcome in {Outcome.STORED, Outcome.FORK} else None
        if outcome is Outcome.GAP:
            written.refused.append(Refusal(entry.hash, _gap(entry)))
            continue
        written.places.append((entry.hash, index))
        if new is not None:
            written.arrived.append(Arrived(index, entry))
    return new


def _gap(entry: VerifiedEntry) -> BrokenChainError:
    return BrokenChainError(
        "gap",
        expected="the entry before it in its chain",
        got=f"entry {entry.header.seq} of session {entry.header.session.short}",
        do="send what comes before",
    )
