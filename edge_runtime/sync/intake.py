"""Taking what comes: verified, stored in one transaction with all that follows from it, and made known.

The same door for what the relay feeds and for what another device hands over; the latter is admitted first, and waits
for the relay like what this device wrote itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.events import Alarmed, Events
from edge_runtime.identity import SESSION, Clock, Identity, take_renewal
from edge_runtime.keyring import Keyring
from edge_runtime.restored import RESTORED, Why, note, seals_here
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.holding import Origin
from edge_runtime.store.uploads import UploadState
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.sync.emergencies import glass_records
from edge_runtime.sync.held import Holder, Settled
from edge_runtime.sync.learning import Learning
from edge_runtime.sync.named import note_named
from edge_runtime.sync.progress import load_fed, save_fed
from sync_protocol.certificates import Certificate, Session
from sync_protocol.entries import WireEntry
from sync_protocol.errors import BrokenChainError
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.intake import Checked, Intake, Proofs, Refusal
from sync_protocol.signed import Verified
from sync_protocol.store import put_proofs

_ORIGINS: Final = {UploadState.RECEIPTED: Origin.RELAY, UploadState.PENDING: Origin.PEER}


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch.

    Attributes:
        stored: how many entries are new here.
        streams: the streams that they are in.
        unsound: how many items did not verify, may not stand there or name a predecessor that is none; nothing of
            those was stored.
        refused: which, and why.
        chains: those of the new entries, stream and session.
        glass: new entries that break a chart's glass.
        released: how many of those stored had waited here for the entries before them.
        held: entries of the batch that wait here now, for the entries before them.
        deferred: those that were not kept, because too much of their author's waits already; their chains are noted.
        gaps: the chains of held and deferred entries whose predecessor is missing, stream and session.
    """

    stored: int
    streams: frozenset[StreamId]
    unsound: int
    refused: tuple[Refusal, ...] = ()
    chains: frozenset[tuple[StreamId, SessionId]] = frozenset()
    glass: frozenset[EntryHash] = frozenset()
    released: int = 0
    held: int = 0
    deferred: int = 0
    gaps: frozenset[tuple[StreamId, SessionId]] = frozenset()


class Receiver:
    """Verifies and stores what the relay, or another device, sends, for one connection."""

    def __init__(
        self,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        *,
        fresh: Callable[[Verified[Certificate]], Verified[Session]] | None = None,
        clock: Clock | None = None,
        events: Events | None = None,
    ) -> None:
        """Judge by the organisation's certificates; store into `store`.

        Args:
            store: the device's.
            identity: who it is.
            keyring: hears of new charts.
            fresh: opens another session of this device, under a certificate of its own; None keeps the one that there
                is, and leaves a renewal that comes to the next connection.
            clock: dates what has to wait for other entries; without one, its author's clock does.
            events: hears where the device goes on in another session, because it was restored.
        """
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._fresh = fresh
        self._clock = clock
        self._events = events
        self._intake = Intake(identity.trust, store)
        self._learning = Learning(store, identity, keyring)
        self.fed = load_fed(store)
        """From where on entries came whose checkpoint did not."""

    def take(
        self,
        proofs: Proofs,
        entries: Sequence[WireEntry],
        *,
        state: UploadState = UploadState.RECEIPTED,
        admit: Callable[[Checked], None] | None = None,
        elsewhere: bool = False,
    ) -> Taken:
        """Verify and store a batch.

        Args:
            proofs: what the entries need to be verified.
            entries: as they came.
            state: RECEIPTED for what the relay sent, PENDING for what a device handed over.
            admit: moves what may not stand where it claims from the batch's entries to what was refused; nothing where
                the relay has admitted them.
            elsewhere: whether another device has what came: then none of it is on this device only.

        Raises:
            StoreError: the store is full or damaged; nothing of the batch was stored.
        """
        checked = self._intake.check(proofs, entries)
        if admit is not None:
            admit(checked)
        renewal: Verified[Certificate] | None = None
        session: Verified[Session] | None = None
        with self._store.writing() as writer:
            put_proofs(writer, checked)
            settled = Holder(writer, self._clock).append(checked.entries, _ORIGINS[state])
            if elsewhere:
                writer.mark_at_peer(settled.given)
            new = [entry for entry, _ in settled.new.values()]
            from_relay = (index for index, (_, origin) in settled.new.items() if origin is Origin.RELAY)
            fed = min(from_relay, default=None) if self.fed is None else self.fed
            if fed != self.fed:
                save_fed(writer, fed)
            note_named(writer, new)
            charts = self._learning.learn(new, writer)
            renewal = None if self._fresh is None else self._identity.renewal()
            if self._fresh is not None and renewal is not None:
                session = self._fresh(renewal)
                take_renewal(writer, self._identity.trust, renewal, session)
            elif self._fresh is not None and self._wrote_elsewhere(checked, settled):
                # It wrote elsewhere too: this store is an older state that was restored, or a copy of it lives.
                session = self._leave(writer, Why.CAME_BACK)
        self.fed = fed
        self._keyring.learn(charts)
        if session is not None:
            self._identity.renewed(renewal or self._identity.chain[-1], session)
            if renewal is None:
                self._told()
        refused = (*checked.refused, *(Refusal(entry.hash, _no_predecessor()) for entry in settled.broken))
        chains = frozenset((entry.header.stream, entry.header.session) for entry in new)
        return Taken(
            stored=len(new),
            streams=frozenset(stream for stream, _ in chains),
            unsound=len(refused),
            refused=refused,
            chains=chains,
            glass=glass_records(new),
            released=settled.released,
            held=len(settled.held),
            deferred=len(settled.deferred),
            gaps=frozenset(settled.gaps),
        )

    def known_elsewhere(self, seals: Mapping[SessionId, int], why: Why) -> None:
        """Hear how many seals of each session somebody else has; where they have more of this device's, leave it.

        Raises:
            StoreError: the new session cannot be kept; nothing may be written under the old one.
        """
        own = self._identity.session.value.session
        if self._fresh is None or seals.get(own, 0) <= seals_here(self._store, own):
            return
        self._leave_now(why)

    def shown_elsewhere(self, frontiers: Mapping[StreamId, Frontier], why: Why) -> None:
        """Hear how far somebody else's chains reach; where one of this device's session is not here, leave that.

        Raises:
            StoreError: the new session cannot be kept; nothing may be written under the old one.
        """
        own = self._identity.session.value.session
        heads = (frontier[own][1] for frontier in frontiers.values() if own in frontier)
        if self._fresh is not None and any(self._store.arrival(head) is None for head in heads):
            self._leave_now(why)

    def _leave_now(self, why: Why) -> None:
        with self._store.writing() as writer:
            session = self._leave(writer, why)
        self._identity.session = session
        self._told()

    def _leave(self, writer: DeviceWriter, why: Why) -> Verified[Session]:
        assert self._fresh is not None, "a session can be opened"
        session = self._fresh(self._identity.chain[-1])
        writer.put_value(SESSION, session.wire)
        note(self._store, writer, self._identity.session.value.session, why, session.value.started_ms)
        return session

    def _told(self) -> None:
        if self._events is not None:
            self._events.publish(Alarmed(RESTORED))

    def _wrote_elsewhere(self, checked: Checked, settled: Settled) -> bool:
        """Whether something of this device's present session came that is not here: another copy of it wrote that."""
        own = self._identity.session.value.session
        came = (*(entry for entry, _ in settled.new.values()), *settled.held, *settled.deferred)
        return any(entry.header.session == own for entry in came) or any(
            seal.value.session == own for seal in checked.seals
        )


def _no_predecessor() -> BrokenChainError:
    return BrokenChainError(
        "no_predecessor",
        expected="the entry before it in its chain",
        got="one of another chain or number",
        do="nothing was stored of it; ask who wrote it",
    )
