"""What entries say of other chains: predecessors seen, control heads, epochs, heads that meetings recorded.

Whoever names an entry had it, so where the holder reads its stream, an entry that is named and not there was removed;
elsewhere it is awaited. A name is also a witness: a chain cannot lose what another device's chain names. Kept in
memory: the newest RECENT_MAX entries and as many names that were found or are to come, SOUGHT_MAX entries of which
records of meetings speak, a number a chain, and what is missing, at most as many as findings are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from sync_protocol.clock_checks import Clocks, Point
from sync_protocol.entries import Header
from sync_protocol.evidence import Witness
from sync_protocol.finding_list import FindingList
from sync_protocol.findings import FindingKind
from sync_protocol.identity_checks import Author
from sync_protocol.ids import DeviceId, EntryHash, SessionId, StreamId

RECENT_MAX: Final = 32_768
SOUGHT_MAX: Final = 65_536
"""Entries that records of meetings speak of: those beyond are looked up, but count for no witness."""
Chain = tuple[StreamId, SessionId]
"""One session's writings in one stream."""
K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """An entry that is named and not there.

    Attributes:
        by: the entry that names it.
        device, session, seq: the place of the entry that names it, where that was read.
        due: whether the holder should have it.
    """

    by: EntryHash
    device: DeviceId | None
    session: SessionId | None
    seq: int | None
    due: bool


class References:
    """Looks up what entries name."""

    def __init__(
        self,
        *,
        has: Callable[[EntryHash], bool],
        reads: Callable[[StreamId], bool],
        authors: Mapping[SessionId, Author],
        organisation: StreamId,
        clocks: Clocks,
        findings: FindingList,
        kept_max: int,
    ) -> None:
        """Look up by `has`; `reads` says what the holder should have; `organisation` is its control stream."""
        self._has = has
        self._reads = reads
        self._authors = authors
        self._organisation = organisation
        self._clocks = clocks
        self._findings = findings
        self._kept_max = kept_max
        self._recent: dict[EntryHash, Point] = {}
        self._found: dict[EntryHash, None] = {}
        self._claims: dict[EntryHash, tuple[Chain, int]] = {}
        self._sought: dict[EntryHash, Point | None] = {}
        self._readable: dict[StreamId, bool] = {}
        self._missing: dict[tuple[Chain, int, EntryHash], Missing] = {}
        self._missing_heads: dict[EntryHash, Missing] = {}
        self.covered: dict[Chain, int] = {}

    def take(self, point: Point, header: Header) -> None:
        """Look up everything that an entry names, and remember it for those that name it."""
        for session, (seq, name) in header.deps.items():
            self._named_place(point, (header.stream, session), seq, name)
        for name in header.organisation_heads:
            self._named_head(point, name, self._organisation)
        for name in header.chart_heads:
            self._named_head(point, name, header.stream)
        if header.epoch is not None:
            self._named_head(point, header.epoch, header.stream)
        if self._claims and self._claims.pop(point.name, None) == ((point.stream, point.author.session), point.seq):
            self.cover((point.stream, point.author.session), point.seq)
        if point.name in self._sought:
            self._sought[point.name] = point
        _remember(self._recent, point.name, point)

    def seek(self, witnesses: Iterable[Witness]) -> None:
        """Hear which entries records of meetings speak of, before the entries are read."""
        for witness in witnesses:
            for name in (witness.by, witness.entry):
                if len(self._sought) < SOUGHT_MAX:
                    self._sought.setdefault(name, None)

    def witnessed(self, witness: Witness) -> None:
        """Judge what the record of a meeting says, after the entries were read."""
        chain = witness.stream, witness.session
        by, entry = self._sought.get(witness.by), self._sought.get(witness.entry)
        if by is None and not self.exists(witness.by):
            return  # the record is gone, and the chain that held it says so
        if entry is None and not self.exists(witness.entry):
            missing = Missing(by=witness.by, device=None, session=None, seq=None, due=self._due(witness.stream))
            if by is not None:
                missing = self._from(by, witness.stream)
            self._keep(self._missing, (chain, witness.seq, witness.entry), missing)
        elif by is not None and entry is not None and by.author.device != entry.author.device:
            self.cover((entry.stream, entry.author.session), entry.seq)

    def recent(self, name: EntryHash) -> Point | None:
        """An entry that was read lately."""
        return self._recent.get(name)

    def exists(self, name: EntryHash) -> bool:
        """Whether the holder has an entry."""
        if name in self._recent or name in self._found:
            return True
        found = self._has(name)
        if found:
            _remember(self._found, name, None)
        return found

    def cover(self, chain: Chain, seq: int) -> None:
        """Somebody else knows of a chain up to there."""
        if seq > self.covered.get(chain, -1):
            self.covered[chain] = seq

    def finish(
        self,
        reached: Mapping[Chain, int],
        broken: Callable[[Chain, int], bool],
        explained: Collection[EntryHash],
    ) -> None:
        """Report what is missing.

        Args:
            reached: the last number of each chain.
            broken: whether a place of a chain was found damaged and reported.
            explained: entries that were reported as missing from their chains.
        """
        tails: dict[Chain, tuple[int, EntryHash, Missing]] = {}
        for (chain, seq, name), missing in self._missing.items():
            if seq > reached.get(chain, -1):
                if chain not in tails or tails[chain][0] < seq:
                    tails[chain] = seq, name, missing
            elif missing.due and not broken(chain, seq):
                self._report(FindingKind.FORK, chain, seq, name, missing, got="another entry there")
        for chain, (seq, name, missing) in tails.items():
            first = reached.get(chain, -1) + 1
            kind = FindingKind.GAP if missing.due else FindingKind.AWAITED
            if not broken(chain, first):
                got = f"none from {first} on"
                self._report(kind, chain, first, name, missing, got=got, through=seq)
        for name, missing in self._missing_heads.items():
            if name not in explained:
                self._findings.add(  # nobody's place: a hash does not say whose entry it is, and its namer is innocent
                    FindingKind.GAP if missing.due else FindingKind.AWAITED,
                    expected="a control entry that another entry names",
                    got="none",
                    missing=name,
                    named_by=missing.by,
                    named_by_device=missing.device,
                    named_by_session=missing.session,
                    named_by_seq=missing.seq,
                )

    def _named_place(self, point: Point, chain: Chain, seq: int, name: EntryHash) -> None:
        known = self._recent.get(name)
        if known is not None:
            self._clocks.follows(point, known)
            if known.author.device != point.author.device:
                self.cover((known.stream, known.author.session), known.seq)
        elif self.exists(name):
            author = self._authors.get(chain[1])
            if author is not None and author.device != point.author.device and len(self._claims) < RECENT_MAX:
                self._claims[name] = chain, seq  # believed once the entry is read and stands there
        else:
            self._keep(self._missing, (chain, seq, name), self._from(point, chain[0]))

    def _named_head(self, point: Point, name: EntryHash, stream: StreamId) -> None:
        known = self._recent.get(name)
        if known is not None:
            if known.author is not point.author:
                self._clocks.follows(point, known)
            if known.author.device != point.author.device:
                self.cover((known.stream, known.author.session), known.seq)
        elif not self.exists(name):
            self._keep(self._missing_heads, name, self._from(point, stream))

    def _from(self, point: Point, stream: StreamId) -> Missing:
        author = point.author
        return Missing(
            by=point.name, device=author.device, session=author.session, seq=point.seq, due=self._due(stream)
        )

    def _due(self, stream: StreamId) -> bool:
        found = self._readable.get(stream)
        if found is None:
            found = self._readable[stream] = self._reads(stream)
        return found

    def _keep(self, kept: dict[K, Missing], what: K, missing: Missing) -> None:
        if what not in kept and len(kept) < self._kept_max:
            kept[what] = missing

    def _report(
        self,
        kind: FindingKind,
        chain: Chain,
        seq: int,
        name: EntryHash,
        missing: Missing,
        *,
        got: str,
        through: int | None = None,
    ) -> None:
        author = self._authors.get(chain[1])
        self._findings.add(
            kind,
            device=None if author is None else author.device,
            session=chain[1],
            seq=seq,
            stream=chain[0],
            expected=f"entry {seq if through is None else through} of the chain, which another entry names",
            got=got,
            through=through,
            missing=name,
            named_by=missing.by,
            named_by_device=missing.device,
        )


def _remember(kept: dict[EntryHash, T], name: EntryHash, what: T) -> None:
    """Keep the newest RECENT_MAX."""
    kept[name] = what
    if len(kept) > RECENT_MAX:
        del kept[next(iter(kept))]
