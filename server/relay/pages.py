"""One page of a feed in the making: entries up to its limits, and exactly the proofs that its reader lacks.

Proofs travel once a connection: a certificate, a session's record, its seals without a gap. What a page would change of
what its reader holds is kept apart until the page is whole, so that one which could not be finished leaves no trace.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from server.relay.directory import Directory
from server.relay.stretches import Holdings, PageLimits, Segment
from server.relay.window import SealPlace, Source
from sync_protocol.certificates import Trust
from sync_protocol.control import unpack_control
from sync_protocol.entries import Seal
from sync_protocol.ids import SessionId
from sync_protocol.intake import Proofs
from sync_protocol.revocation import Revocation, Revoke
from sync_protocol.signed import Verified
from sync_protocol.store import Arrived

PAGE_SEALS_MAX: Final = 2048
"""Seals on one page; a session with more comes in pages of seals alone, before its entries."""
_REVOKE: Final = bytes([0x82, 9])
"""How the body of a revocation begins: an array of two, and the tag."""
_CHUNK_ENTRIES: Final = 128
"""Entries read at once, of which a page may take a part."""


class PageDraft:
    """Collects a page."""

    def __init__(
        self, holdings: Holdings, source: Source, directory: Directory, trust: Trust, limits: PageLimits
    ) -> None:
        """Begin an empty page.

        Args:
            holdings: of the page's reader; changed by `keep` alone.
            source: where to read.
            directory: says what is withheld.
            trust: the certificates of sessions.
            limits: of the page.
        """
        self._holdings = holdings
        self._source = source
        self._directory = directory
        self._trust = trust
        self._limits = limits
        self._size = 0
        self._strangers: set[SessionId] = set()
        self._added = Holdings(streams=(), below=0)
        self._ready: dict[SessionId, deque[Verified[Seal]]] = {}
        self._unread: set[SessionId] = set()
        self._certificates: list[bytes] = []
        self._sessions: list[bytes] = []
        self._seals: list[bytes] = []
        self.entries: list[Arrived] = []
        self.full = False

    @property
    def proofs(self) -> Proofs:
        """What goes before the entries."""
        return Proofs(certificates=tuple(self._certificates), sessions=tuple(self._sessions), seals=tuple(self._seals))

    def keep(self) -> None:
        """Write down what the reader holds once the page is sent; who was looked up and not met stays a stranger."""
        met = {name: seal for name, seal in self._added.next_seals.items() if name not in self._strangers}
        self._holdings.next_seals.update(met)
        self._holdings.forks.update(self._added.forks)
        self._holdings.certificates.update(self._added.certificates)

    def fill(self, segment: Segment) -> Segment:
        """Take from a stretch what the page has room for.

        Returns:
            What remains of the stretch.

        Raises:
            Absent: the window does not reach that far.
            StorageError: the store cannot be read.
        """
        while segment.start < segment.until and not self.full:
            found = self._source.entries(
                after=segment.start, until=segment.until, streams=segment.streams, limit=_CHUNK_ENTRIES
            )
            items = [item for item in found if self._is_due(item, segment)]
            self._prepare(items)
            for item in items:
                if not self._add(item):
                    self.full = True
                    return replace(segment, start=item.index)
            whole = len(found) < _CHUNK_ENTRIES
            segment = replace(segment, start=segment.until if whole else found[-1].index + 1)
        return segment

    def _is_due(self, item: Arrived, segment: Segment) -> bool:
        """Whether an entry is to be sent: not what came from the reader, nor what nobody could verify any more.

        A revocation goes to who holds it, too: the seals that lead to its cuts come by no other way.
        """
        entry = item.entry
        held = self._holdings.has(item) and not segment.again
        cuts = entry.header.stream == self._directory.organisation and bool(_cuts(item))
        if not segment.wants(item) or (held and not cuts):
            return False
        return not (entry.is_stripped or self._directory.withholds(entry.header))

    def _prepare(self, items: Iterable[Arrived]) -> None:
        """Meet the sessions of some entries and fetch the seals that the reader lacks of them."""
        last: defaultdict[SessionId, int] = defaultdict(int)
        for item in items:
            for name, number in self._needs(item):
                last[name] = max(last[name], number)
        self._meet([name for name in last if self._next_seal(name) is None])
        room = PAGE_SEALS_MAX + 1  # the page ends where more are needed, and the next one goes on from there
        for name, number in last.items():
            first = self._from_fork(name)
            if first <= number:
                found = self._source.seals(name, first=first, last=number, limit=room) if room else ()
                self._ready[name] = deque(found)
                self._unread.update(() if room else (name,))
                room -= len(found)

    def _needs(self, item: Arrived) -> list[SealPlace]:
        """Up to which seals of which sessions an entry can be judged: its own, and where a revocation cuts.

        Members hold what a cut session wrote below its cut's number against the seals that lead to the cut.
        """
        header = item.entry.header
        places = [(header.session, header.seal)]
        if header.stream == self._directory.organisation:
            places += [place for place in _cuts(item) if self._source.knows(place[0])]
        return places

    def _meet(self, sessions: Collection[SessionId]) -> None:
        holdings = self._holdings
        known: Mapping[SessionId, int] = {}
        if holdings.below and sessions:
            known = self._source.seals_known(sessions, holdings.streams, before=holdings.below)
        for name in sessions:
            self._added.next_seals[name] = known.get(name, -1) + 1
            if name not in known:
                self._strangers.add(name)

    def _next_seal(self, session: SessionId) -> int | None:
        added = self._added.next_seals.get(session)
        return self._holdings.next_seals.get(session) if added is None else added

    def _from_fork(self, session: SessionId) -> int:
        """The first seal to send; after news of a fork, from the fork on and both branches, without a gap in either."""
        first = self._next_seal(session)
        assert first is not None, "the session was met"
        fork = self._source.forks.get(session)
        if fork is not None:
            number, count = fork
            if self._added.forks.get(session, self._holdings.forks.get(session)) != count:
                self._added.forks[session] = count
                first = self._added.next_seals[session] = min(first, number)
        return first

    def _add(self, item: Arrived) -> bool:
        """Take an entry with the seals that it needs; False where the page has no room."""
        wire = item.entry.wire
        size = len(wire.header) + len(wire.body) + 34 * len(wire.path) + 32
        if self.entries and (len(self.entries) >= self._limits.entries or self._size + size > self._limits.size_bytes):
            return False
        needs = self._needs(item)
        room = PAGE_SEALS_MAX - len(self._seals)
        if sum(self._lacking(*place) for place in needs) > room and self.entries:
            return False
        for session, number in needs:
            lacking = self._lacking(session, number)
            self._introduce(session)
            ready = self._ready.get(session, deque())
            for _ in range(min(lacking, room, len(ready))):
                self._seal(ready.popleft())
            if lacking > room:
                return False
            room -= lacking
        self.entries.append(item)
        self._size += size
        return True

    def _lacking(self, session: SessionId, number: int) -> int:
        """How many seals of a session the reader lacks up to a number; too many where they were not even read."""
        if session in self._unread:
            return PAGE_SEALS_MAX + 1
        return sum(1 for seal in self._ready.get(session, ()) if seal.value.number <= number)

    def _introduce(self, session: SessionId) -> None:
        if session not in self._strangers:
            return
        self._strangers.discard(session)
        record = self._source.session(session)
        for certificate in self._trust.chain(record.value.certificate):
            if certificate.hash not in self._holdings.certificates and certificate.hash not in self._added.certificates:
                self._added.certificates.add(certificate.hash)
                self._certificates.append(certificate.wire)
                self._size += len(certificate.wire)
        self._sessions.append(record.wire)
        self._size += len(record.wire)

    def _seal(self, seal: Verified[Seal]) -> None:
        self._seals.append(seal.wire)
        self._size += len(seal.wire)
        self._added.next_seals[seal.value.session] = seal.value.number + 1


def _cuts(item: Arrived) -> list[SealPlace]:
    """Where a revocation cuts sessions, if an entry of the organisation carries one; admission decoded it before."""
    if not item.entry.body.startswith(_REVOKE):
        return []
    record = unpack_control(item.entry.body)
    assert isinstance(record, Revoke), "the tag says so"
    revocation = Verified.from_store(Revocation, record.record).value
    return [(session, number) for session, (number, _) in revocation.cuts.items()]
