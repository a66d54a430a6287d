"""What a chart's control entries add up to: members, documents, consents, emergencies, retention.

`chart_history` decides which entries count; here they are added up. Nothing depends on the order in which they came.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sync_protocol.chart_grants import Compartments
from sync_protocol.chart_records import Adopt, AskKeys, ConfirmPurge, ProposePurge, Purpose, SetConsent, SetHold
from sync_protocol.chart_shape import Broken
from sync_protocol.control_entry import ControlEntry, Pasts
from sync_protocol.epochs import Epoch
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, TeamId
from sync_protocol.roles import Compartment

T = TypeVar("T")
Counting = Mapping[int, ControlEntry]
"""The entries that count, by place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a chart's control entries add up to.

    Attributes:
        members: who belongs to the chart by whatever way, and what each may read.
        direct: the same, of those who were added themselves, the creator among them.
        teams: the teams, and what each may read.
        documents: the chart document, then the others in ascending order.
        epochs: every epoch that a member minted, by its id; those outside a cut too, which open what is sealed under
            them.
        heads: members' entries that no other of them follows, ascending, CONTROL_HEADS_MAX at most, some of each
            author: what an author names as seen.
        consents: what was last said of each purpose; denial where it was contradicted concurrently.
        broken: emergency accesses that are open.
        adopters: for each adopted entry the adoptions that name it.
        asked: for each epoch whose keys were asked for again, by whom, in which record.
        preloaded: the kits that carry the chart, by the word of somebody who still belongs to it.
        held: whether a legal hold is on.
        purge: the proposal that was confirmed, with the date before which nothing is destroyed.
        refused: entries that do not count, each with a word for the reason.
    """

    chart: ChartId
    creator: CertificateHash
    members: Mapping[CertificateHash, Compartments]
    direct: Mapping[CertificateHash, Compartments]
    teams: Mapping[TeamId, Compartments]
    documents: tuple[DocumentId, ...]
    epochs: Mapping[EntryHash, Epoch]
    heads: tuple[EntryHash, ...]
    consents: Mapping[Purpose, bool]
    broken: tuple[Broken, ...]
    adopters: Mapping[EntryHash, tuple[ControlEntry, ...]]
    asked: Mapping[EntryHash, Mapping[CertificateHash, EntryHash]]
    preloaded: frozenset[CertificateHash]
    held: bool
    purge: tuple[EntryHash, int] | None
    refused: Mapping[EntryHash, str]

    @property
    def chart_document(self) -> DocumentId:
        """The document that the chart was created with."""
        return self.documents[0]

    def readers(self, compartment: Compartment) -> frozenset[CertificateHash]:
        """Who may read the compartment."""
        return frozenset(name for name, reads in self.members.items() if compartment in reads)

    def epochs_of(self, compartment: Compartment) -> tuple[Epoch, ...]:
        """The compartment's epochs in ascending order of id."""
        return tuple(
            self.epochs[name] for name in sorted(self.epochs) if self.epochs[name].record.compartment is compartment
        )

    def epoch_tips(self, compartment: Compartment) -> tuple[EntryHash, ...]:
        """Epochs that no other epoch names as its parent: the parents of the next."""
        epochs = [epoch for epoch in self.epochs_of(compartment) if epoch.counts]
        named = {parent for epoch in epochs for parent in epoch.record.parents}
        return tuple(epoch.id for epoch in epochs if epoch.id not in named)


def consents(found: Counting, pasts: Pasts) -> dict[Purpose, bool]:
    """What was last said of each purpose; denial where that was contradicted concurrently."""
    by_purpose: dict[Purpose, list[int]] = {}
    for index, entry in found.items():
        if isinstance(entry.record, SetConsent):
            by_purpose.setdefault(entry.record.purpose, []).append(index)
    return {
        purpose: all(_said(found[index], SetConsent).permitted for index in _newest(indices, pasts))
        for purpose, indices in sorted(by_purpose.items())
    }


def is_held(found: Counting, pasts: Pasts) -> bool:
    """Whether a legal hold is on: any that was not ended by one who had seen it."""
    holds = [index for index, entry in found.items() if isinstance(entry.record, SetHold)]
    return any(_said(found[index], SetHold).held for index in _newest(holds, pasts))


def confirmed_purge(found: Counting) -> tuple[EntryHash, int] | None:
    """The proposal that was confirmed, with its date; of several, the earliest."""
    confirmed = {entry.record.proposal for entry in found.values() if isinstance(entry.record, ConfirmPurge)}
    proposals = [
        (entry.record.not_before_ms, entry.hash)
        for entry in found.values()
        if isinstance(entry.record, ProposePurge) and entry.hash in confirmed
    ]
    return (min(proposals)[1], min(proposals)[0]) if proposals else None


def adopters(found: Counting) -> dict[EntryHash, tuple[ControlEntry, ...]]:
    """For each adopted entry the adoptions that name it, in ascending order."""
    adopted: dict[EntryHash, list[ControlEntry]] = {}
    for entry in sorted(found.values(), key=lambda one: one.hash):
        if isinstance(entry.record, Adopt):
            for name in entry.record.entries:
                adopted.setdefault(name, []).append(entry)
    return {name: tuple(some) for name, some in adopted.items()}


def asked(found: Counting) -> dict[EntryHash, dict[CertificateHash, EntryHash]]:
    """For each epoch whose keys were asked for again, by whom, in which record."""
    result: dict[EntryHash, dict[CertificateHash, EntryHash]] = {}
    for _, entry in sorted(found.items()):
        if isinstance(entry.record, AskKeys):
            for epoch in entry.record.epochs:
                result.setdefault(epoch, {})[entry.author] = entry.hash
    return result


def _newest(indices: Collection[int], pasts: Pasts) -> list[int]:
    """Those of some records that no other of them follows."""
    seen = 0
    for index in indices:
        seen |= pasts.before(index)
    return [index for index in indices if not seen >> index & 1]


def _said(entry: ControlEntry, kind: type[T]) -> T:
    assert isinstance(entry.record, kind), "chosen by kind"
    return entry.record
