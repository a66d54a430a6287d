"""Taking in what came through another device, met or by a file: it may be anything that somebody once signed.

Owns the order: control records before content, because content is judged by them; each part is stored, and told of,
before the next is judged. What is refused, held or counted is for whoever takes in to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from edge_runtime.events import Changed, Events, GlassBroken
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from edge_runtime.sync.admission import Admission
from edge_runtime.sync.emergencies import newly_broken
from edge_runtime.sync.intake import Receiver, Taken
from sync_protocol.audit import Head
from sync_protocol.entries import WireEntry, claimed_header
from sync_protocol.errors import PeerError
from sync_protocol.ids import ChartId, SessionId, StreamId
from sync_protocol.intake import Proofs

Chain = tuple[StreamId, SessionId]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of what came together, and what became of it.

    Attributes:
        entries: as they came.
        taken: what the store has of them now.
        is_control: whether these are the ones that claim to carry control records.
    """

    entries: Sequence[WireEntry]
    taken: Taken
    is_control: bool


class Taking:
    """Takes in what one other device hands over, or what stands in one file; it waits for the relay then.

    Attributes:
        grown: the chains that got something new, stream and session.
        charts: that changed.
        elsewhere: whether somebody else has what comes.
    """

    def __init__(
        self, store: DeviceStore, identity: Identity, keyring: Keyring, events: Events, receiver: Receiver
    ) -> None:
        """Judge by what `store` then holds.

        Args:
            store: the device's.
            identity: who it is.
            keyring: its charts.
            events: hears of charts that changed, and of a glass that somebody broke.
            receiver: verifies and stores.
        """
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._events = events
        self._receiver = receiver
        self._admission = Admission(store, identity, keyring)
        self.grown: set[Chain] = set()
        self.charts: set[ChartId] = set()
        self.elsewhere = True

    def take(self, proofs: Proofs, entries: Sequence[WireEntry]) -> Iterator[Part]:
        """Take in what came together, one part as each is asked for: control records, then the rest.

        Raises:
            StoreError: the store is full or damaged; nothing of that part was stored.
        """
        control = [entry for entry in entries if _is_control(entry)]
        names = {entry.hash for entry in control}
        rest = [entry for entry in entries if entry.hash not in names]
        if control:
            yield self._part(proofs, control, is_control=True)
        if rest or (proofs and not control):
            yield self._part(Proofs() if control else proofs, rest, is_control=False)

    def heads(self, beside: Iterable[Chain] = ()) -> tuple[Head, ...]:
        """How far the chains that grew reach here now, and those beside them that are here."""
        chains = self.grown.union(beside)
        frontiers = {stream: self._store.frontier(stream) for stream in {stream for stream, _ in chains}}
        return tuple(
            (stream, (session, frontiers[stream][session]))
            for stream, session in sorted(chains)
            if session in frontiers[stream]
        )

    def _part(self, proofs: Proofs, entries: Sequence[WireEntry], *, is_control: bool) -> Part:
        admit, elsewhere = self._admission.check, self.elsewhere
        taken = self._receiver.take(proofs, entries, state=UploadState.PENDING, admit=admit, elsewhere=elsewhere)
        self._admission.places.learn(self._keyring.controlled(taken.streams))
        self.grown |= taken.chains
        charts = self._keyring.charts_of(taken.streams)
        if charts:
            self.charts |= charts
            self._events.publish(Changed(charts))
        broken = newly_broken(self._keyring, charts, taken.glass, self._identity.principal)
        if broken:
            self._events.publish(GlassBroken(broken))
        return Part(entries, taken, is_control)


def _is_control(entry: WireEntry) -> bool:
    """Whether an entry claims to carry a control record; what is no header is none, and is refused later."""
    try:
        return claimed_header(entry).epoch is None
    except PeerError:
        return False
