"""A chart's members, documents and epochs: a pure function of the set of its control entries.

The order of arrival plays no part. A record counts when its author is the chart's creator or was made a member by one
whose record counts. A member grants what it may read itself, the creator everything; nobody reads more than a role
allows, and of a ledger nobody more than its audit stream. Judging an epoch looks at the causal past of the epoch's own
entry; choosing one to write under looks at everything known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sync_protocol.control import (
    AddMember,
    Control,
    CreateChart,
    CreateDocument,
    MintEpoch,
    Rewrap,
    UnknownControl,
    chart_id,
    ledger_id,
    unpack_control,
)
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash
from sync_protocol.limits import CONTROL_HEADS_MAX
from sync_protocol.roles import Compartment, Role, entitled

_ALL: Final = frozenset(Compartment)
_Grant = tuple[CertificateHash, AddMember]
"""Who added whom; the same addition made again is the same grant."""
_Members = dict[CertificateHash, frozenset[Compartment]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlEntry:
    """A control entry with its decoded record and its author.

    Attributes:
        record: None when the body does not decode: kept, never acted upon.
    """

    hash: EntryHash
    parents: tuple[EntryHash, ...]
    author: CertificateHash
    record: Control | UnknownControl | None


def read_control(entry: VerifiedEntry, author: CertificateHash) -> ControlEntry:
    """Decode a control entry; an undecodable body is void alone and keeps its place in the causal order."""
    try:
        record: Control | UnknownControl | None = unpack_control(entry.body)
    except PeerError:
        record = None
    return ControlEntry(hash=entry.hash, parents=entry.header.parents, author=author, record=record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One key of one compartment.

    Attributes:
        id: the hash of the entry that minted it.
        wraps: the wrapped key by recipient, those of later rewraps included, each with who wrapped.
        heads: the parents of that entry: what the minter had seen.
        valid: in the causal past of its own entry its recipients are the compartment's readers, and the minter is one.
    """

    id: EntryHash
    minter: CertificateHash
    record: MintEpoch
    heads: tuple[EntryHash, ...]
    wraps: Mapping[CertificateHash, tuple[tuple[CertificateHash, bytes], ...]]
    valid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a chart's control entries add up to.

    Attributes:
        members: who belongs to the chart, and what each may read.
        documents: the chart document, then the others in ascending order.
        epochs: every epoch that a member minted, by its id.
        heads: members' entries that no other of them follows, ascending, the first CONTROL_HEADS_MAX: what an author
            names as seen.
    """

    chart: ChartId
    creator: CertificateHash
    members: Mapping[CertificateHash, frozenset[Compartment]]
    documents: tuple[DocumentId, ...]
    epochs: Mapping[EntryHash, Epoch]
    heads: tuple[EntryHash, ...]

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

    def writing_candidates(self, compartment: Compartment) -> tuple[Epoch, ...]:
        """Valid epochs whose recipients equal today's readers, lowest hash first.

        A writer takes the first that it can open, and mints a new one where there is none.
        """
        readers = self.readers(compartment)
        return tuple(
            epoch
            for epoch in self.epochs_of(compartment)
            if epoch.valid and frozenset(name for name, _ in epoch.record.wraps) == readers
        )

    def epoch_tips(self, compartment: Compartment) -> tuple[EntryHash, ...]:
        """Epochs that no other epoch names as its parent: the parents of the next."""
        epochs = self.epochs_of(compartment)
        named = {parent for epoch in epochs for parent in epoch.record.parents}
        return tuple(epoch.id for epoch in epochs if epoch.id not in named)


def founding(entry: ControlEntry) -> ChartId | None:
    """The chart that an entry creates, or None when it creates none."""
    return chart_id(entry.author, entry.record.nonce) if isinstance(entry.record, CreateChart) else None


def replay(entries: Iterable[ControlEntry], chart: ChartId, roles: Mapping[CertificateHash, Role]) -> Membership | None:
    """Add up a chart's control entries.

    Args:
        entries: control entries of the chart's control stream, in any order.
        chart: the chart.
        roles: the role of every certificate that is known; others are no members yet.

    Returns:
        The membership, or None while the record that creates the chart is missing.
    """
    known = {entry.hash: entry for entry in entries}
    births = {
        entry.hash: entry.record
        for entry in known.values()
        if isinstance(entry.record, CreateChart) and founding(entry) == chart
    }
    if not births:
        return None
    birth = min(births)
    creator = known[birth].author
    rights = _Rights(creator=creator, ledger=chart == ledger_id(creator), roles=roles)
    members = _members((_grant_of(entry) for entry in known.values()), rights)
    counted = {name: known[name] for name in sorted(known) if known[name].author in members}
    first = births[birth].document
    further = {entry.record.document for entry in counted.values() if isinstance(entry.record, CreateDocument)}
    further.update(record.document for record in births.values())  # a creator who contradicts itself loses nothing
    named = {parent for entry in counted.values() for parent in entry.parents}
    return Membership(
        chart=chart,
        creator=creator,
        members=members,
        documents=(first, *sorted(further - {first})),
        epochs=_epochs(counted, _valid_epochs(known, counted, rights)),
        heads=tuple(name for name in counted if name not in named)[:CONTROL_HEADS_MAX],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rights:
    """What bounds every grant of one chart."""

    creator: CertificateHash
    ledger: bool
    roles: Mapping[CertificateHash, Role]

    def allow(self, name: CertificateHash, asked: frozenset[Compartment]) -> frozenset[Compartment]:
        """As much of what is asked for a device as its role entitles it to; nothing while that is not known."""
        role = self.roles.get(name)
        if role is None:
            return frozenset()
        return asked & entitled(role, ledger=self.ledger, creator=name == self.creator)


def _members(grants: Iterable[_Grant | None], rights: _Rights) -> _Members:
    """The least set that holds the creator and everybody whom a member added, with what it was granted."""
    by_author: dict[CertificateHash, list[AddMember]] = {}
    for author, record in filter(None, grants):
        by_author.setdefault(author, []).append(record)
    members = {rights.creator: rights.allow(rights.creator, _ALL)}
    grown = [rights.creator]
    while grown:
        author = grown.pop()
        own = _ALL if author == rights.creator else members[author]
        for record in by_author.get(author, ()):
            name = record.certificate
            granted = rights.allow(name, own.intersection(record.compartments))
            before = members.get(name)
            if name in rights.roles and (before is None or not granted <= before):
                members[name] = granted | (before or frozenset())
                grown.append(name)  # at most once a compartment and once for being added
    return members


def _epochs(counted: Mapping[EntryHash, ControlEntry], valid: Collection[EntryHash]) -> dict[EntryHash, Epoch]:
    wraps: dict[EntryHash, dict[CertificateHash, list[tuple[CertificateHash, bytes]]]] = {}
    minted: list[tuple[ControlEntry, MintEpoch]] = []
    for entry in counted.values():
        record = entry.record
        if isinstance(record, MintEpoch):
            minted.append((entry, record))
        if isinstance(record, MintEpoch | Rewrap):
            target = wraps.setdefault(entry.hash if isinstance(record, MintEpoch) else record.epoch, {})
            for recipient, wrapped in record.wraps:
                target.setdefault(CertificateHash(recipient), []).append((entry.author, wrapped))
    return {
        entry.hash: Epoch(
            id=entry.hash,
            minter=entry.author,
            record=record,
            heads=entry.parents,
            wraps={name: tuple(found) for name, found in wraps[entry.hash].items()},
            valid=entry.hash in valid,
        )
        for entry, record in minted
    }


def _valid_epochs(
    known: Mapping[EntryHash, ControlEntry],
    counted: Mapping[EntryHash, ControlEntry],
    rights: _Rights,
) -> set[EntryHash]:
    """Judge each epoch by the causal past of its own entry, so that everybody reaches the same verdict.

    A minter knows the key, so it must be among those who may. Sets of grants are bits of integers, and epochs that
    share a past share its membership: a chart of n records and e epochs would otherwise cost n times e.
    """
    grants: dict[_Grant, int] = {}
    past = _past_grants(known, grants)
    memberships: dict[int, _Members] = {}
    valid: set[EntryHash] = set()
    for entry in counted.values():
        if not isinstance(entry.record, MintEpoch):
            continue
        seen = _union(past, entry.parents)
        if seen not in memberships:
            chosen = (grant for grant, bit in grants.items() if seen >> bit & 1)
            memberships[seen] = _members(chosen, rights)
        members, compartment = memberships[seen], entry.record.compartment
        readers = {name for name, reads in members.items() if compartment in reads}
        if entry.author in readers and {name for name, _ in entry.record.wraps} == readers:
            valid.add(entry.hash)
    return valid


def _past_grants(known: Mapping[EntryHash, ControlEntry], grants: dict[_Grant, int]) -> dict[EntryHash, int]:
    """For each entry the grants at and before it, as bits; parents first. Fills `grants` with the bit of each."""
    waiting = {name: {parent for parent in entry.parents if parent in known} for name, entry in known.items()}
    children: dict[EntryHash, list[EntryHash]] = {}
    for name, parents in waiting.items():
        for parent in parents:
            children.setdefault(parent, []).append(name)
    ready = [name for name, parents in waiting.items() if not parents]
    past: dict[EntryHash, int] = {}
    for name in ready:  # grows while it is walked
        past[name] = _union(past, known[name].parents)
        grant = _grant_of(known[name])
        if grant is not None:
            past[name] |= 1 << grants.setdefault(grant, len(grants))
        for child in children.get(name, ()):
            waiting[child].discard(name)
            if not waiting[child]:
                ready.append(child)
    return past


def _union(past: Mapping[EntryHash, int], parents: Iterable[EntryHash]) -> int:
    result = 0
    for parent in parents:
        result |= past.get(parent, 0)
    return result


def _grant_of(entry: ControlEntry) -> _Grant | None:
    return (entry.author, entry.record) if isinstance(entry.record, AddMember) else None
