"""Tampering with evidence: what was changed, where it must be found, and whom nobody may accuse of it.

    tampering = removed_from_the_middle(source, world, random.Random(7))
    assert tampering.problem(verify(tampering.source)) is None

Attacks are functions that say in their docstring what was done, by whom; one returns None where the evidence has
nothing that it could be done to. They are in `audit_entry_tampering`, `audit_record_tampering`, `audit_insiders`,
`audit_log_tampering` and `audit_note_tampering`; this module owns what they share.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sync_protocol.entries import Header
from sync_protocol.evidence import Piece
from sync_protocol.findings import Finding, FindingKind, Severity
from sync_protocol.ids import DeviceId, Hash, SessionId
from sync_protocol.records import pack
from sync_protocol.verification import Report
from tests.support.audit_source import Chain, MemorySource
from tests.support.audit_world import World

T = TypeVar("T")
Place = tuple[SessionId, int]
K = FindingKind


@dataclass(frozen=True, kw_only=True)
class Tampering:
    """Changed evidence, and what must be found in it.

    Attributes:
        kinds: any of these will do.
        places: session and number of what was changed; a finding names one of them. Without any, it need not.
        sessions: sessions that a finding may name without a number: records and seals have none.
        names: entries; evidence that names one of them tells the place too, where nothing else is left that could.
        indices: places of the log, likewise.
        guilty: devices that findings may name; a finding that names another accuses an innocent. None: any.
    """

    name: str
    source: MemorySource
    kinds: frozenset[FindingKind]
    places: frozenset[Place] = frozenset()
    sessions: frozenset[SessionId] = frozenset()
    names: frozenset[Hash] = frozenset()
    indices: frozenset[int] = frozenset()
    guilty: frozenset[DeviceId] | None = None

    def problem(self, report: Report) -> str | None:
        """What is wrong with a report on this evidence; None where the tampering was found and nobody else accused."""
        damage = [finding for finding in report.findings if finding.severity is Severity.DAMAGE]
        if report.ok or not damage:
            return "not found"
        right = [finding for finding in damage if finding.kind in self.kinds]
        if not right:
            return f"found as {sorted({finding.kind.value for finding in damage})}"
        if not any(map(self._names_place, right)):
            return f"found elsewhere: {[_words(finding) for finding in right[:3]]}"
        wrong = [f for f in damage if self.guilty is not None and f.device is not None and f.device not in self.guilty]
        return f"accuses an innocent: {[_words(finding) for finding in wrong[:3]]}" if wrong else None

    def _names_place(self, finding: Finding) -> bool:
        if not (self.places or self.sessions or self.names or self.indices):
            return True
        if finding.session is not None and finding.seq is not None and (finding.session, finding.seq) in self.places:
            return self.guilty is None or finding.device in {*self.guilty, None}
        if finding.session in self.sessions:
            return True
        evidence = finding.evidence
        named = {evidence.get("missing"), evidence.get("entry")}
        at = evidence.get("log_index", evidence.get("index"))
        return bool(named & {str(name) for name in self.names}) or at in self.indices


Attack = Callable[[MemorySource, World, random.Random], Tampering | None]


def _words(finding: Finding) -> str:
    place = (finding.device and finding.device.short, finding.session and finding.session.short, finding.seq)
    return f"{finding.kind.value} at {place}, {finding.evidence.get('expected')}"


# ------------------------------------------------------------------------------------------------- for all attacks


def exchanged(items: Sequence[T], index: int, item: T) -> tuple[T, ...]:
    """The items with another one at `index`."""
    return (*items[:index], item, *items[index + 1 :])


def without(items: Sequence[T], indices: Iterable[int]) -> tuple[T, ...]:
    """The items but those at `indices`."""
    gone = set(indices)
    return tuple(item for index, item in enumerate(items) if index not in gone)


def header_at(source: MemorySource, index: int) -> Header:
    """The honest header of the piece at `index`."""
    return source.book[source.hashes[index]]


def whose(world: World, *sessions: SessionId) -> frozenset[DeviceId]:
    """The devices of these sessions."""
    return frozenset(world.owner[session] for session in sessions)


def settled(world: World, header: Header) -> bool:
    """Whether an entry's session has one history: attacks on forked ones would be found as forks anyway."""
    return header.session not in world.forked


def some_piece(source: MemorySource, world: World, rng: random.Random) -> int:
    """A random piece of a session that did not fork."""
    while True:
        index = rng.randrange(source.size())
        if settled(world, header_at(source, index)):
            return index


def some_chain(
    source: MemorySource, world: World, rng: random.Random, fits: Callable[[Chain, list[int]], bool]
) -> tuple[Chain, list[int]] | None:
    """A random chain that fits."""
    found = [
        (chain, indices)
        for chain, indices in source.chains.items()
        if chain[1] not in world.forked and fits(chain, indices)
    ]
    return rng.choice(found) if found else None


def edited(source: MemorySource, index: int, header: Header) -> MemorySource:
    """The piece at `index` with another header; path and body as they were."""
    return replace(source, piece_list=exchanged(source.piece_list, index, forge(source.piece_list[index], header)))


def forge(piece: Piece, header: Header) -> Piece:
    """A piece with another header."""
    return replace(piece, header=pack(header))


def cut(source: MemorySource, world: World, name: str, indices: Sequence[int]) -> Tampering:
    """Remove the pieces at `indices`, all of one session; the first of them, or any by its name, is what is missing."""
    headers = [header_at(source, index) for index in indices]
    return Tampering(
        name=name,
        source=replace(source, piece_list=without(source.piece_list, indices)),
        kinds=frozenset({K.GAP}),
        places=frozenset((header.session, header.seq) for header in headers),
        names=frozenset(source.hashes[index] for index in indices),
        guilty=whose(world, headers[0].session),
    )
