"""What the desk has of the organisation: its certificates and control records, verified, handed over by anybody.

Owns the file in which they are kept as they came, and what they add up to now. Believes nothing of a relay: a
revocation counts from the moment at which any device handed it over, and what an entry's author had seen must be here.

Takes what the relay takes, by its rule, and of each principal so much: a certified device that hands over records
without end fills its own budget and not the disk. What is left out so, or lies outside a cut, is known by its hash:
others name it as seen, and nothing follows from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from server.desk.append_file import AppendFile
from server.desk.waiting import Waiting
from sync_protocol.certificates import Certificate, RelayRecord, Root, Trust, open_relay
from sync_protocol.control import (
    BY_MEMBERS,
    ORGANISATION_KINDS,
    AnnounceRelay,
    Certify,
    UnknownControl,
    unpack_control,
)
from sync_protocol.control_entry import ControlEntry, read_control, written
from sync_protocol.entries import VerifiedEntry, WireEntry
from sync_protocol.errors import PeerError
from sync_protocol.glass_news import GlassFrontier, GlassNews, news_of
from sync_protocol.glass_requests import Known
from sync_protocol.ids import CertificateHash, EntryHash
from sync_protocol.intake import Intake, Proofs
from sync_protocol.limits import FRONTIER_SESSIONS_MAX
from sync_protocol.memory_store import MemoryStore
from sync_protocol.organisation import Organisation, View
from sync_protocol.records import pack, unpack
from sync_protocol.revocation import Revoke
from sync_protocol.roles import Role
from sync_protocol.signed import Signed, Verified
from sync_protocol.store import Outcome

ORGANISATION_RECORDS: Final = "organisation.records"
LEFT_OUT_MAX: Final = 65_536
"""Hashes of one principal's entries that were left out."""


class Spent(NamedTuple):
    """How much of a principal's work is kept: entries, and bytes with the sessions and seals that they need."""

    entries: int
    size: int


MEMBER: Final = Spent(2_000, 16 * 1024 * 1024)
"""Of members' records, which are those of teams and of recovery: 250 epochs of a team of 50."""
ADMINISTRATOR: Final = Spent(100_000, 256 * 1024 * 1024)
"""An administrator enrols everybody."""


class OrganisationBook:
    """The organisation as the desk knows it. For one thread."""

    def __init__(self, path: Path, trust: Trust) -> None:
        """Read what was kept.

        Args:
            path: the file.
            trust: the root, and the administrator whom it certified.

        Raises:
            StartError: the file is not what was written.
        """
        self._file = AppendFile(path)
        self._trust = trust
        self._store = MemoryStore()
        self._entries: dict[EntryHash, ControlEntry] = {}
        self._relay: Verified[RelayRecord] | None = None
        self._waiting = Waiting(self._store)
        self._spent: dict[CertificateHash, Spent] = {}
        self._left_out: dict[CertificateHash, set[EntryHash]] = {}
        self._view: View | None = None
        self._view_of = 0, 0
        self._cuts: View | None = None
        self._has_news_of_cuts = False
        for payload in self._file.found:
            self._take(unpack(GlassNews, payload))

    @property
    def known(self) -> Known:
        """What requests are judged by."""
        seen = self._entries.keys() | set[EntryHash]().union(*self._left_out.values())
        return Known(trust=self._trust, people=self._people, entries=seen, relay=self._relay)

    @property
    def root(self) -> Verified[Root]:
        """The organisation's root."""
        return self._trust.root

    def frontier(self) -> GlassFrontier:
        """How far the control stream is here, of as many sessions as one frontier names."""
        heads = self._store.frontier(self._trust.root.value.control)
        found = {session: seq + 1 for session, (seq, _) in sorted(heads.items())[:FRONTIER_SESSIONS_MAX]}
        return GlassFrontier(sessions=found)

    def take(self, data: bytes) -> int:
        """Verify and keep control records.

        Args:
            data: `GlassNews`, as it came.

        Returns:
            How many entries are new here. What does not verify, continues nothing, or no relay would take, is left out.

        Raises:
            MalformedError, LimitError: no such thing.
            StorageError: it could not be kept.
        """
        kept = self._take(unpack(GlassNews, data))
        for part in news_of(kept):
            self._file.append(pack(part))  # after a crash in between whoever handed it over does so again
        return len(kept)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _people(self) -> View:
        made_of = len(self._entries), len(self._trust.certificates())  # those of requests join the trust
        if self._view is None or self._view_of != made_of:
            self._view = Organisation(self._trust, self._entries.values(), self._store).now
            self._view_of = made_of
        return self._view

    def _take(self, news: GlassNews) -> list[tuple[Proofs, WireEntry]]:
        """Verify, and store in memory what an admitted entry needs; that, in order."""
        waiting = self._waiting
        if self._has_news_of_cuts:
            self._cuts, self._has_news_of_cuts = self._people(), False
        checked = Intake(self._trust, waiting).check(news.proofs, news.entries)
        for session in checked.sessions:
            waiting.hold_session(self._trust.principal(session.value.certificate), session)
        for seal in checked.seals:
            found = waiting.session(seal.value.session)
            if found is not None:  # else there was no room for it
                waiting.hold_seal(self._trust.principal(found.value.certificate), seal)
        kept: list[tuple[Proofs, WireEntry]] = []
        for entry in checked.entries:
            session_of = waiting.session(entry.header.session)
            if session_of is None or not waiting.seals(entry.header.session, entry.header.seal):
                continue
            proofs = self._keep(entry, self._trust.principal(session_of.value.certificate))
            if proofs is not None:
                kept.append((proofs, entry.wire))
        return kept

    def _keep(self, entry: VerifiedEntry, author: CertificateHash) -> Proofs | None:
        """Store an entry with what it needs, in memory; None where it is left out or known."""
        if entry.hash in self._entries or not self._is_admitted(entry, author):
            return None
        sessions, seals = self._waiting.needed(entry)
        size = len(pack(entry.wire)) + sum(len(one.wire) for one in sessions) + sum(len(one.wire) for one in seals)
        budget = ADMINISTRATOR if self._is_administrator(author) else MEMBER
        spent = self._spent.get(author, Spent(0, 0))
        if self._is_outside(entry, author) or spent.entries >= budget.entries or spent.size + size > budget.size:
            left = self._left_out.setdefault(author, set())
            if len(left) < LEFT_OUT_MAX:
                left.add(entry.hash)
            return None
        certificates = [one for session in sessions for one in self._trust.chain(session.value.certificate)]
        with self._store.writing() as writer:
            ((outcome, _),) = writer.append([entry])
            if outcome not in {Outcome.STORED, Outcome.FORK}:
                return None  # what it follows is missing: it comes again
            for certificate in certificates:
                writer.put_certificate(certificate)
            for session in sessions:
                writer.put_session(session)
            for seal in seals:
                writer.put_seal(seal)
        self._waiting.taken(author, sessions, seals)
        self._spent[author] = Spent(spent.entries + 1, spent.size + size)
        self._learn(entry)
        return Proofs(
            certificates=tuple(one.wire for one in certificates),
            sessions=tuple(one.wire for one in sessions),
            seals=tuple(one.wire for one in seals),
        )

    def _is_admitted(self, entry: VerifiedEntry, author: CertificateHash) -> bool:
        """Whether the relay would take it from this author: a record of the organisation, by who may write it."""
        if entry.header.stream != self._trust.root.value.control or entry.header.epoch is not None:
            return False
        try:
            record = unpack_control(entry.body)
        except PeerError:
            return False
        if isinstance(record, BY_MEMBERS):
            return True
        return self._is_administrator(author) and isinstance(record, (*ORGANISATION_KINDS, UnknownControl))

    def _is_administrator(self, author: CertificateHash) -> bool:
        certificate = self._trust.certificate(author)
        return certificate is not None and certificate.value.role is Role.ADMIN

    def _is_outside(self, entry: VerifiedEntry, author: CertificateHash) -> bool:
        """Whether a revocation excludes it that was here before the part in which it came."""
        cuts = self._cuts
        if cuts is None or author not in cuts.revoked:
            return False
        return cuts.excludes(written(entry, author, self._waiting)) is not None

    def _learn(self, entry: VerifiedEntry) -> None:
        session = self._store.session(entry.header.session)
        assert session is not None, "a stored entry has a stored session"
        control = read_control(entry, self._trust.principal(session.value.certificate), self._store)
        self._entries[entry.hash] = control
        record = control.record
        try:
            if isinstance(record, AnnounceRelay):
                self._announced(open_relay(record.record, self._trust.root))
            elif isinstance(record, Revoke):
                self._has_news_of_cuts = True
            elif isinstance(record, Certify):
                self._trust.admit(Signed(Certificate, record.certificate))
        except PeerError:
            return  # an unsound record is void alone

    def _announced(self, relay: Verified[RelayRecord]) -> None:
        if self._relay is None or self._relay.value.issued_ms < relay.value.issued_ms:
            self._relay = relay
