"""What on this device is disputed: chains that fork, and work outside a revocation's cut that nobody vouched for.

Owns the sum of it, for `fieldward sync status`. Nothing is opened for it: headers and control records suffice, so what
is disputed for another reason, in one chart and one fact, is shown with that chart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.places import content_places
from sync_protocol.certificates import Session
from sync_protocol.control import content_stream, control_stream
from sync_protocol.control_entry import written
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, ChartId, SessionId, StreamId
from sync_protocol.membership import Membership
from sync_protocol.organisation import View
from sync_protocol.roles import Compartment
from sync_protocol.signed import Verified
from sync_protocol.store import walk_chain


class Kind(StrEnum):
    """Why something is disputed."""

    FORK = "fork"
    """A session wrote two entries with one number: a device was restored, or copied. Both branches are kept."""
    OUTSIDE_CUT = "outside_cut"
    """A revoked device wrote it after the cut, or on another branch: it counts once a member vouches for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """One chain that forks, or what of one chain waits for a reviewer.

    Attributes:
        chart: None for the organisation's records.
        entries: how many stand in question.
        do: the way out.
    """

    kind: Kind
    chart: ChartId | None
    stream: StreamId
    session: SessionId
    entries: int
    do: str


def disputes(store: DeviceStore, identity: Identity, keyring: Keyring) -> list[Dispute]:
    """Everything disputed, the organisation's records first, then by chart."""
    return list(_Search(store, identity, keyring.organisation().now).all(keyring))


def disputes_of(store: DeviceStore, identity: Identity, keyring: Keyring, entry: VerifiedEntry) -> list[Dispute]:
    """Those in which one entry stands in question."""
    search = _Search(store, identity, keyring.organisation().now)
    place = entry.header.stream, entry.header.session
    found = [one for one in search.all(keyring) if (one.stream, one.session) == place]
    return [one for one in found if search.concerns(one, keyring, entry)]


class _Search:
    """One look through the chains of a device."""

    def __init__(self, store: DeviceStore, identity: Identity, view: View) -> None:
        self._store = store
        self._identity = identity
        self._view = view
        self._revoked = frozenset(one.value.session for one in store.sessions() if self._is_revoked(one))

    def all(self, keyring: Keyring) -> Iterator[Dispute]:
        """Everything that is disputed."""
        yield from self._forks(None, self._identity.root.value.control)
        for chart in (*keyring.charts(), *keyring.ledgers()):
            membership = keyring.membership(chart)
            if membership is None:
                continue
            yield from self._forks(chart, control_stream(chart))
            for stream, compartment in _streams(membership):
                yield from self._forks(chart, stream)
                if compartment is not Compartment.AUDIT:
                    yield from self._outside(membership, stream)

    def concerns(self, dispute: Dispute, keyring: Keyring, entry: VerifiedEntry) -> bool:
        """Whether an entry of a disputed chain is one of those in question."""
        if dispute.kind is Kind.FORK:
            return entry.header.seq >= self._fork(dispute.stream, dispute.session)[0]
        membership = None if dispute.chart is None else keyring.membership(dispute.chart)
        return membership is not None and self._is_outside(membership, entry, self._author(dispute.session))

    def _is_revoked(self, session: Verified[Session]) -> bool:
        return self._identity.trust.principal(session.value.certificate) in self._view.revoked

    def _forks(self, chart: ChartId | None, stream: StreamId) -> Iterator[Dispute]:
        for session in sorted(self._store.forked(stream)):
            _, entries = self._fork(stream, session)
            yield Dispute(
                kind=Kind.FORK,
                chart=chart,
                stream=stream,
                session=session,
                entries=entries,
                do="nothing is lost: both branches are kept. If a device was copied, revoke one of the two",
            )

    def _outside(self, membership: Membership, stream: StreamId) -> Iterator[Dispute]:
        for name in sorted(self._revoked.intersection(self._store.frontier(stream) if self._revoked else ())):
            author = self._author(name)
            waiting = sum(
                self._is_outside(membership, arrived.entry, author) for arrived in walk_chain(self._store, stream, name)
            )
            if waiting:
                yield Dispute(
                    kind=Kind.OUTSIDE_CUT,
                    chart=membership.chart,
                    stream=stream,
                    session=name,
                    entries=waiting,
                    do=f"see it with 'fieldward chart adopt {membership.chart.short}', and vouch for what is right",
                )

    def _fork(self, stream: StreamId, session: SessionId) -> tuple[int, int]:
        """From which number on a chain forks, and how many entries that concerns."""
        numbers = Counter(arrived.entry.header.seq for arrived in walk_chain(self._store, stream, session))
        first = min(number for number, count in numbers.items() if count > 1)
        return first, sum(count for number, count in numbers.items() if number >= first)

    def _author(self, name: SessionId) -> CertificateHash:
        session = self._store.session(name)
        assert session is not None, "a stored entry has a stored session"
        return self._identity.trust.principal(session.value.certificate)

    def _is_outside(self, membership: Membership, entry: VerifiedEntry, author: CertificateHash) -> bool:
        return entry.hash not in membership.adopters and (
            self._view.excludes(written(entry, author, self._store)) is not None
        )


def _streams(membership: Membership) -> Iterator[tuple[StreamId, Compartment]]:
    for place in content_places(membership):
        if place.document is not None and place.compartment is not None:
            yield content_stream(place.chart, place.document, place.compartment), place.compartment
