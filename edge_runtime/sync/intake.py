"""Taking what comes: verified, stored in one transaction with all that follows from it, and made known.

The same door for what the relay feeds and for what another device hands over; the latter is admitted first, and waits
for the relay like what this device wrote itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from edge_runtime.destroyed import await_purge
from edge_runtime.identity import SESSION, Identity, take_renewal
from edge_runtime.keyring import Keyring
from edge_runtime.memberships import CHART, created_chart
from edge_runtime.store import values
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.streams import HELD, causal_order, stream_entries
from edge_runtime.sync.emergencies import glass_records
from edge_runtime.sync.progress import charts_to_mend, load_fed, save_charts_to_mend, save_fed
from sync_protocol.certificates import Certificate, Session
from sync_protocol.chart_records import ConfirmPurge
from sync_protocol.control import Certify, unpack_control
from sync_protocol.emergency_records import AnnounceBreakGlass, AnnounceRecovery, GrantRecovered
from sync_protocol.entries import VerifiedEntry, WireEntry
from sync_protocol.errors import BrokenChainError, PeerError
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, SessionId, StreamId, TeamId
from sync_protocol.intake import Checked, Intake, Proofs, Refusal
from sync_protocol.roles import Role
from sync_protocol.signed import Signed, Verified
from sync_protocol.store import Outcome
from sync_protocol.team_records import AddToTeam, MintTeamEpoch


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch.

    Attributes:
        stored: how many entries are new here.
        streams: the streams that they are in.
        unsound: how many items did not verify, may not stand there or did not continue their chain; nothing of those
            was stored.
        refused: which, and why.
        chains: those of the new entries, stream and session.
        glass: new entries that break a chart's glass.
    """

    stored: int
    streams: frozenset[StreamId]
    unsound: int
    refused: tuple[Refusal, ...] = ()
    chains: frozenset[tuple[StreamId, SessionId]] = frozenset()
    glass: frozenset[EntryHash] = frozenset()


class Receiver:
    """Verifies and stores what the relay, or another device, sends, for one connection."""

    def __init__(
        self,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        *,
        fresh: Callable[[Verified[Certificate]], Verified[Session]] | None = None,
    ) -> None:
        """Judge by the organisation's certificates; store into `store`.

        Args:
            store: the device's.
            identity: who it is.
            keyring: hears of new charts.
            fresh: opens another session of this device, under a certificate of its own; None keeps the one that there
                is, and leaves a renewal that comes to the next connection.
        """
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._fresh = fresh
        self._intake = Intake(identity.trust, store)
        self.fed = load_fed(store)
        """From where on entries came whose checkpoint did not."""

    def take(
        self,
        proofs: Proofs,
        entries: Sequence[WireEntry],
        *,
        state: UploadState = UploadState.RECEIPTED,
        admit: Callable[[Checked], None] | None = None,
    ) -> Taken:
        """Verify and store a batch.

        Args:
            proofs: what the entries need to be verified.
            entries: as they came.
            state: RECEIPTED for what the relay sent, PENDING for what a device handed over.
            admit: moves what may not stand where it claims from the batch's entries to what was refused; nothing where
                the relay has admitted them.

        Raises:
            StoreError: the store is full or damaged; nothing of the batch was stored.
        """
        checked = self._intake.check(proofs, entries)
        if admit is not None:
            admit(checked)
        renewal: Verified[Certificate] | None = None
        session: Verified[Session] | None = None
        with self._store.writing() as writer:
            for certificate in checked.certificates:
                writer.put_certificate(certificate)
            for record in checked.sessions:
                writer.put_session(record)
            for seal in checked.seals:
                writer.put_seal(seal)
            outcomes = writer.append(checked.entries, state=state)
            found = zip(checked.entries, outcomes, strict=True)
            new = {index: entry for entry, (outcome, index) in found if outcome in {Outcome.STORED, Outcome.FORK}}
            fed = min(new, default=None) if self.fed is None and state is UploadState.RECEIPTED else self.fed
            if fed != self.fed:
                save_fed(writer, fed)
            charts = self._learn(new.values(), writer)
            _mark_held(new.values(), writer)
            own = self._identity.session.value.session
            renewal = None if self._fresh is None else self._identity.renewal()
            if self._fresh is not None and renewal is not None:
                session = self._fresh(renewal)
                take_renewal(writer, self._identity.trust, renewal, session)
            elif self._fresh is not None and any(entry.header.session == own for entry in new.values()):
                # It wrote elsewhere too: this store is an older state that was restored, or a copy of it lives.
                session = self._fresh(self._identity.chain[-1])
                writer.put_value(SESSION, session.wire)
        self.fed = fed
        self._keyring.learn(charts)
        if session is not None:
            self._identity.renewed(renewal or self._identity.chain[-1], session)
        gaps = [entry for entry, (outcome, _) in zip(checked.entries, outcomes, strict=True) if outcome is Outcome.GAP]
        refused = (*checked.refused, *(Refusal(entry.hash, _gap()) for entry in gaps))
        chains = frozenset((entry.header.stream, entry.header.session) for entry in new.values())
        streams, glass = frozenset(stream for stream, _ in chains), glass_records(new.values())
        return Taken(len(new), streams, len(refused), refused, chains, glass)

    def _learn(self, entries: Iterable[VerifiedEntry], writer: DeviceWriter) -> set[ChartId]:
        """Make known the charts and certificates that control entries bring; the charts are returned."""
        organisation = self._identity.root.value.control
        created: set[ChartId] = set()
        changed: set[StreamId] = set()
        officers = reaching = False
        teams: set[TeamId] = set()
        for entry in entries:
            if entry.header.epoch is not None:
                continue
            if _confirms_purge(entry):
                await_purge(writer, entry.header.stream)
            if entry.header.stream == organisation:
                officers |= self._learn_certificate(entry, writer) is Role.COMPLIANCE_OFFICER
                reaching |= _reaches_every_chart(entry)
                teams |= _team_that_changes(entry)
                continue
            changed.add(entry.header.stream)
            chart = created_chart(entry, self._author(entry, writer))
            if chart is not None:
                created.add(chart)
                writer.put_value(CHART + chart.hex(), b"\x01")
        mend = created | self._keyring.controlled(changed) | (self._keyring.created() if officers else frozenset())
        mend |= set(self._keyring.charts()) if reaching else self._shared_with(teams)
        if mend:
            save_charts_to_mend(writer, charts_to_mend(self._store) | mend)
        return created

    def _shared_with(self, teams: Collection[TeamId]) -> set[ChartId]:
        found = {chart: self._keyring.membership(chart) for chart in self._keyring.charts()} if teams else {}
        return {chart for chart, known in found.items() if known is not None and known.teams.keys() & set(teams)}

    def _learn_certificate(self, entry: VerifiedEntry, writer: DeviceWriter) -> Role | None:
        """Keep the certificate that an entry brings, if any; the role is its holder's."""
        try:
            record = unpack_control(entry.body)
            if not isinstance(record, Certify):
                return None
            certificate = self._identity.trust.admit(Signed(Certificate, record.certificate))
        except PeerError:
            return None  # an undecodable or unsound record is void alone; the entry stays, for the audit
        for one in self._identity.trust.chain(certificate.hash):
            writer.put_certificate(one)
        return certificate.value.role

    def _author(self, entry: VerifiedEntry, writer: DeviceWriter) -> CertificateHash:
        session = writer.reader.session(entry.header.session)
        assert session is not None, "a stored entry has a stored session"
        return self._identity.trust.principal(session.value.certificate)


def _confirms_purge(entry: VerifiedEntry) -> bool:
    try:
        return isinstance(unpack_control(entry.body), ConfirmPurge)
    except PeerError:
        return False


def _reaches_every_chart(entry: VerifiedEntry) -> bool:
    """Whether a record of the organisation names somebody to whom the keys of every chart are to be wrapped."""
    try:
        return isinstance(unpack_control(entry.body), AnnounceBreakGlass | AnnounceRecovery | GrantRecovered)
    except PeerError:
        return False


def _team_that_changes(entry: VerifiedEntry) -> set[TeamId]:
    """The team that a record lets somebody into, or gives a key that may have missed somebody."""
    try:
        record = unpack_control(entry.body)
    except PeerError:
        return set()
    return {record.team} if isinstance(record, AddToTeam | MintTeamEpoch) else set()


def _gap() -> BrokenChainError:
    return BrokenChainError("gap", expected="the entry before it first", got="a gap", do="send what comes before")


def _mark_held(entries: Iterable[VerifiedEntry], writer: DeviceWriter) -> None:
    """Remember which streams have entries that wait for others, and forget those that have none any more."""
    reader = writer.reader
    lacking: dict[StreamId, bool] = {}
    for entry in entries:
        stream = entry.header.stream
        lacks = any(reader.index(parent) is None for parent in entry.header.parents)
        lacking[stream] = lacks or lacking.get(stream, False)
    for stream, lacks in lacking.items():
        known = values.get(reader, HELD + stream.hex()) is not None
        held = lacks
        if known and not lacks:  # what came may be what the others waited for
            held = bool(causal_order(arrived.entry for arrived in stream_entries(reader, stream))[1])
        if held != known:
            writer.put_value(HELD + stream.hex(), b"\x01" if held else None)
