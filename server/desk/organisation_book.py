"""What the desk has of the organisation: its certificates and control records, verified, handed over by anybody.

Owns the file in which they are kept as they came, and what they add up to now. Believes nothing of a relay: a
revocation counts from the moment at which any device handed it over, and what an entry's author had seen must be here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from server.desk.append_file import AppendFile
from sync_protocol.certificates import Certificate, RelayRecord, Root, Trust, open_relay
from sync_protocol.control import AnnounceRelay, Certify
from sync_protocol.control_entry import ControlEntry, read_control
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.glass_news import GlassFrontier, GlassNews
from sync_protocol.glass_requests import Known
from sync_protocol.ids import EntryHash
from sync_protocol.intake import Intake
from sync_protocol.limits import FRONTIER_SESSIONS_MAX
from sync_protocol.memory_store import MemoryStore
from sync_protocol.organisation import Organisation, View
from sync_protocol.records import unpack
from sync_protocol.signed import Signed, Verified
from sync_protocol.store import Outcome

ORGANISATION_RECORDS: Final = "organisation.records"


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
        for payload in self._file.found:
            self._take(unpack(GlassNews, payload))

    @property
    def known(self) -> Known:
        """What requests are judged by."""
        return Known(trust=self._trust, people=self._people, entries=self._entries.keys(), relay=self._relay)

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
            How many entries are new here. What does not verify, or continues nothing, is left out.

        Raises:
            MalformedError, LimitError: no such thing.
            StorageError: it could not be kept.
        """
        news = unpack(GlassNews, data)
        before = len(self._entries)
        if self._take(news):
            self._file.append(data)  # after a crash in between whoever handed it over does so again
        return len(self._entries) - before

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _people(self) -> View:
        return Organisation(self._trust, self._entries.values(), self._store).now

    def _take(self, news: GlassNews) -> bool:
        """Verify and store in memory; whether anything was new."""
        checked = Intake(self._trust, self._store).check(news.proofs, news.entries)
        control = self._trust.root.value.control
        entries = [entry for entry in checked.entries if entry.header.stream == control]
        new = bool(checked.sessions or checked.seals)
        with self._store.writing() as writer:
            for certificate in checked.certificates:
                writer.put_certificate(certificate)
            for session in checked.sessions:
                writer.put_session(session)
            for seal in checked.seals:
                writer.put_seal(seal)
            outcomes = writer.append(entries)
        for entry, (outcome, _) in zip(entries, outcomes, strict=True):
            if outcome in {Outcome.STORED, Outcome.FORK}:
                self._learn(entry)
                new = True
        return new

    def _learn(self, entry: VerifiedEntry) -> None:
        session = self._store.session(entry.header.session)
        assert session is not None, "a stored entry has a stored session"
        control = read_control(entry, self._trust.principal(session.value.certificate), self._store)
        self._entries[entry.hash] = control
        record = control.record
        try:
            if isinstance(record, AnnounceRelay):
                self._announced(open_relay(record.record, self._trust.root))
            elif isinstance(record, Certify):
                self._trust.admit(Signed(Certificate, record.certificate))
        except PeerError:
            return  # an unsound record is void alone

    def _announced(self, relay: Verified[RelayRecord]) -> None:
        if self._relay is None or self._relay.value.issued_ms < relay.value.issued_ms:
            self._relay = relay
