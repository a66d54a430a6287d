"""What new control records make known to a device: charts, certificates, confirmed purges, and keys to look after.

Owns the noting of it, in the transaction that stores the records: whatever follows is still known after a crash.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from edge_runtime.destroyed import await_purge
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.memberships import CHART, created_chart
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.sync.progress import charts_to_mend, save_charts_to_mend
from sync_protocol.certificates import Certificate
from sync_protocol.chart_records import ConfirmPurge
from sync_protocol.control import Certify, unpack_control
from sync_protocol.emergency_records import AnnounceBreakGlass, AnnounceRecovery, GrantRecovered
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, StreamId, TeamId
from sync_protocol.revocation import Revoke
from sync_protocol.roles import Role
from sync_protocol.signed import Signed
from sync_protocol.team_records import AddToTeam, MintTeamEpoch

_REACHING: Final = (AnnounceBreakGlass, AnnounceRecovery, GrantRecovered, Revoke)


class Learning:
    """Reads the control records among new entries."""

    def __init__(self, store: DeviceStore, identity: Identity, keyring: Keyring) -> None:
        """Learn for `identity`; `keyring` knows the charts that are here already."""
        self._store = store
        self._identity = identity
        self._keyring = keyring

    def learn(self, entries: Iterable[VerifiedEntry], writer: DeviceWriter) -> set[ChartId]:
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
                officers |= self._certificate(entry, writer) is Role.COMPLIANCE_OFFICER
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

    def _certificate(self, entry: VerifiedEntry, writer: DeviceWriter) -> Role | None:
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
    """Whether a record of the organisation may bring about somebody who lacks keys, whatever the chart.

    One names who is to have all; or a cut leaves out what took somebody out of a chart: it reads again.
    """
    try:
        return isinstance(unpack_control(entry.body), _REACHING)
    except PeerError:
        return False


def _team_that_changes(entry: VerifiedEntry) -> set[TeamId]:
    """The team that a record lets somebody into, or gives a key that may have missed somebody."""
    try:
        record = unpack_control(entry.body)
    except PeerError:
        return set()
    return {record.team} if isinstance(record, AddToTeam | MintTeamEpoch) else set()
