"""Whether a verified entry from another device may stand where it claims to: what the relay would ask, asked here.

What comes from the relay was admitted there. What comes from a device may be anything that some device of the
organisation once signed; without this rule a hostile one could fill the store with entries that no relay ever takes. An
honest device hands over in an order in which each entry is admitted after those that it hangs on; one that is
refused here because of what is missing is asked for again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_runtime.destroyed import destroyed
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.memberships import created_chart
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.places import Place, Places
from sync_protocol.certificates import Certificate, Session, open_relay
from sync_protocol.chart_history import ChartHistory
from sync_protocol.control import (
    BY_MEMBERS,
    ORGANISATION_KINDS,
    AnnounceRelay,
    Certify,
    Control,
    UnknownControl,
    control_stream,
    unpack_control,
)
from sync_protocol.control_entry import ControlEntry, read_control
from sync_protocol.emergency_records import AnnounceBreakGlass, AnnounceRecovery, open_break_glass, open_recovery
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import BrokenChainError, PeerError, UntrustedError, malformed
from sync_protocol.ids import CertificateHash, ChartId, SessionId
from sync_protocol.intake import Checked, Refusal
from sync_protocol.revocation import Revoke, open_revocation
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Signed, Verified


@dataclass(slots=True)
class _Chart:
    """A chart's control records with those of the batch that were admitted, and what they make of its authors."""

    entries: list[ControlEntry]
    history: ChartHistory
    added: list[ControlEntry] = field(default_factory=list)


class Admission:
    """Judges batches from one other device. Control records go into the store before content is judged."""

    def __init__(self, store: DeviceStore, identity: Identity, keyring: Keyring) -> None:
        """Judge by what `store` then holds."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self.places = Places(keyring)

    def check(self, checked: Checked) -> None:
        """Move what may not stand there from the batch's entries to what was refused."""
        sessions = {session.value.session: session for session in checked.sessions}
        charts: dict[ChartId, _Chart] = {}
        kept: list[VerifiedEntry] = []
        for entry in checked.entries:
            try:
                self._admit(entry, self._author(entry.header.session, sessions), charts)
                kept.append(entry)
            except PeerError as error:
                checked.refused.append(Refusal(entry.hash, error))
        checked.entries[:] = kept

    def _author(self, name: SessionId, brought: dict[SessionId, Verified[Session]]) -> CertificateHash:
        session = brought.get(name) or self._store.session(name)
        assert session is not None, "a verified entry has a known session"
        return self._identity.trust.principal(session.value.certificate)

    def _admit(self, entry: VerifiedEntry, author: CertificateHash, charts: dict[ChartId, _Chart]) -> None:
        stream = entry.header.stream
        if stream == self._identity.root.value.control:
            self._organisation(entry, author)
            return
        place = self.places.find(stream)
        chart = created_chart(entry, author) if place is None else place.chart
        if place is not None and place.document is not None:
            self._content(entry, author, place)
        elif chart is not None:
            self._control(entry, author, chart, charts)
        elif not self._founded(entry, author, charts):
            raise BrokenChainError(
                "unknown_stream",
                expected="a stream of a known chart, or the record that creates one",
                got=f"stream {stream.short}",
                do="meet again once the chart's own records came",
            )

    def _founded(self, entry: VerifiedEntry, author: CertificateHash, charts: dict[ChartId, _Chart]) -> bool:
        """Admit a control record of a chart that this same batch creates, if it is one."""
        for chart in charts:
            if control_stream(chart) == entry.header.stream:
                self._control(entry, author, chart, charts)
                return True
        return False

    def _organisation(self, entry: VerifiedEntry, author: CertificateHash) -> None:
        trust, record = self._identity.trust, _record(entry)
        certificate = trust.certificate(author)
        by_members = isinstance(record, BY_MEMBERS)
        if certificate is None or (certificate.value.role is not Role.ADMIN and not by_members):
            raise _refused("not_administrator", "an administrator's record", author)
        if not isinstance(record, (*ORGANISATION_KINDS, UnknownControl)):
            raise malformed("a record of the organisation", type(record).__name__)
        match record:
            case AnnounceRelay():
                open_relay(record.record, trust.root)
            case Certify():
                trust.admit(Signed(Certificate, record.certificate))
            case Revoke():
                open_revocation(record.record, trust)
            case AnnounceBreakGlass():
                open_break_glass(record.record, trust.root)
            case AnnounceRecovery():
                open_recovery(record.record, trust.root)
            case _:
                pass

    def _control(
        self, entry: VerifiedEntry, author: CertificateHash, name: ChartId, charts: dict[ChartId, _Chart]
    ) -> None:
        if isinstance(_record(entry), ORGANISATION_KINDS):
            raise malformed("a record of a chart", "one of the organisation")
        if name not in charts:
            charts[name] = _Chart(self._keyring.control_entries(name), self._keyring.history(name))
        chart = charts[name]
        record = read_control(entry, author, self._store)
        if not chart.history.has_known(author):
            chart.entries += chart.added  # what came before it in the batch may have made its author a member
            chart.added = []
            chart.history = ChartHistory([*chart.entries, record], name, self._keyring.organisation())
        if not chart.history.has_known(author):
            raise _refused("not_member", "a member's record", author)
        chart.added.append(record)

    def _content(self, entry: VerifiedEntry, author: CertificateHash, place: Place) -> None:
        history, own = self._keyring.history(place.chart), self._identity.principal
        membership = history.now
        note = destroyed(self._store, place.chart)
        if note is not None and place.compartment is not Compartment.AUDIT:
            raise UntrustedError(
                "chart_destroyed",
                expected="nothing of a chart that was destroyed",
                got=f"content of chart {place.chart.short}",
                do=f"let that device sync: record {note.record.short} says why",
            )
        if membership is None or not history.has_known(author):
            raise _refused("not_member", "the entry of a member, present or past", author)
        if not (history.has_known(own) or own in membership.preloaded) and self._keyring.ledger_of(place.chart) is None:
            raise _refused("not_member", "entries of a chart of this device", own)
        epoch = None if entry.header.epoch is None else membership.epochs.get(entry.header.epoch)
        if epoch is None or place.compartment is not epoch.record.compartment:
            raise BrokenChainError(
                "unknown_epoch",
                expected="an epoch of the chart and compartment whose record is here",
                got="another, or none",
                do="meet again once the record that mints it came",
            )


def _record(entry: VerifiedEntry) -> Control | UnknownControl:
    """The control record of an entry.

    Raises:
        MalformedError: it names an epoch, or its body is no record: no relay would take it.
    """
    if entry.header.epoch is not None:
        raise malformed("a control entry without an epoch", "one that names an epoch")
    return unpack_control(entry.body)


def _refused(code: str, expected: str, author: CertificateHash) -> UntrustedError:
    return UntrustedError(
        code, expected=expected, got=f"certificate {author.short}", do="nothing was stored of it; ask who wrote it"
    )
