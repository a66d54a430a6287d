"""Writing a change: one seal over all its entries, one durable transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from edge_runtime.errors import StoreError
from edge_runtime.events import Changed, Events
from edge_runtime.identity import SESSION, Clock, Entropy, Identity, new_session
from edge_runtime.keyring import Keyring
from edge_runtime.memberships import CHART
from edge_runtime.recorder.batch import Batch
from edge_runtime.recorder.drafts import Desk
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from edge_runtime.store.writing import DeviceWriter
from sync_protocol.entries import VerifiedEntry, seal_batch
from sync_protocol.errors import over_limit
from sync_protocol.ids import ChartId, SealHash, SessionId
from sync_protocol.limits import SEAL_ENTRIES_MAX, WALL_MS_MAX
from sync_protocol.records import identifier, key, pack, uint, unpack
from sync_protocol.store import Outcome

BACKWARDS_MS: Final = 2 * 60 * 1000
"""As far as honest clocks are set back, by a time server or by hand, without a new session."""
_LAG_MS: Final = 15 * 1000
"""By as much the kept time may be behind the newest entry."""
NEWEST_MS: Final = "session/newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Newest:
    session: SessionId = key(1, identifier(SessionId))
    wall_ms: int = key(2, uint(WALL_MS_MAX))


class Recorder:
    """Writes this device's changes. One at a time: `begin`, build, `write`."""

    def __init__(
        self,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        *,
        clock: Clock,
        entropy: Entropy,
        events: Events | None = None,
        sealed: Callable[[SessionId, int], object] = lambda *_: None,
    ) -> None:
        """Write into `store` as `identity`.

        Args:
            store: the device's.
            identity: who writes.
            keyring: its charts.
            clock: dates entries.
            entropy: for nonces and sessions.
            events: hears of every change that was written.
            sealed: hears of every seal that was committed, by session and number.
        """
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._clock = clock
        self._entropy = entropy
        self._events = Events() if events is None else events
        self._sealed = sealed
        self._newest: tuple[SessionId, int] | None = None
        self._retired = False

    def retire(self) -> None:
        """Write nothing any more: whoever still holds this recorder has missed that the device was locked."""
        self._retired = True

    def begin(self) -> Batch:
        """Begin a change on what is stored now.

        Under a new session where the clock stands far behind what the present one wrote, so that within one session
        time never runs backwards by more than BACKWARDS_MS.

        Raises:
            StoreError: that session cannot be kept.
        """
        began_ms = self._clock()
        if began_ms < self._newest_ms() - BACKWARDS_MS + _LAG_MS:
            self._new_session(began_ms)
        session = self._identity.session.value.session
        last = self._store.last_seal(session)
        return Batch(
            Desk(
                store=self._store,
                values=self._store,
                identity=self._identity,
                keyring=self._keyring,
                clock=self._clock,
                entropy=self._entropy,
                session=session,
                began_ms=began_ms,
                seal=0 if last is None else last.value.number + 1,
            )
        )

    def write(self, batch: Batch, *, also: Callable[[DeviceWriter], None] | None = None) -> tuple[VerifiedEntry, ...]:
        """Seal a change and store it durably, whole or not at all.

        Args:
            batch: the change; an empty one writes only `also`.
            also: further writes of the same transaction.

        Raises:
            LimitError: more entries than one seal covers; split the change.
            StoreError: the store is full, damaged, or changed since `begin`; or the device was locked since.
        """
        if self._retired:
            raise StoreError(
                "store_closed", expected="an unlocked device", got="a locked one", do="open the device's session again"
            )
        if len(batch.drafts) > SEAL_ENTRIES_MAX:
            raise over_limit("one change", SEAL_ENTRIES_MAX, len(batch.drafts), "entries")
        if not batch.drafts and also is None:
            return ()
        with self._store.writing() as writer:
            entries = self._append(batch, writer) if batch.drafts else ()
            if also is not None:
                also(writer)
        if entries:
            self._sealed(entries[-1].header.session, entries[-1].header.seal)
        self._keyring.learn(batch.created)
        charts = self._keyring.grown(batch.changed)
        if charts:
            self._events.publish(Changed(charts))
        return entries

    def mend(self, charts: Iterable[ChartId]) -> int:
        """Wrap what this device can open for members who lack it: keys that somebody minted without knowing of them.

        Returns:
            How many entries that took.
        """
        batch = self.begin()
        batch.mend_teams()
        written = len(self.write(batch))
        for chart in charts:
            if self._keyring.membership(chart) is not None:
                batch = self.begin()
                batch.mend(chart)
                written += len(self.write(batch))
        return written

    def _append(self, batch: Batch, writer: DeviceWriter) -> tuple[VerifiedEntry, ...]:
        session = self._identity.session
        last = self._store.last_seal(session.value.session)
        number = 0 if last is None else last.value.number + 1
        if (batch.desk.session, batch.desk.seal) != (session.value.session, number):
            raise _changed()
        seal, entries = seal_batch(
            batch.drafts,
            session=session.value,
            number=number,
            previous=None if last is None else SealHash(last.hash),
            signer=self._identity.keys.signer,
        )
        for certificate in self._identity.chain:
            writer.put_certificate(certificate)
        writer.put_session(session)
        writer.put_seal(seal)
        outcomes = writer.append(entries, state=UploadState.PENDING)
        if any(outcome is not Outcome.STORED for outcome, _ in outcomes):
            raise _changed()
        batch.save(writer)
        for chart in batch.created:
            writer.put_value(CHART + chart.hex(), b"\x01")
        self._keep_newest(session.value.session, max(entry.header.wall_ms for entry in entries), writer)
        return entries

    def _newest_ms(self) -> int:
        """The newest time that the present session wrote, or up to _LAG_MS less; when it began where it wrote nothing.

        Its beginning counts, because a session may be opened by a clock that is ahead and set right before it writes.
        """
        session = self._identity.session.value
        if self._newest is None or self._newest[0] != session.session:
            data = self._store.get_value(NEWEST_MS)
            kept = None if data is None else unpack(_Newest, data)
            wrote_ms = kept.wall_ms if kept is not None and kept.session == session.session else 0
            self._newest = (session.session, max(wrote_ms, session.started_ms))
        return self._newest[1]

    def _keep_newest(self, session: SessionId, wall_ms: int, writer: DeviceWriter) -> None:
        """Remember it; only now and then, because every change would pay for it."""
        if wall_ms > self._newest_ms() + _LAG_MS:
            writer.put_value(NEWEST_MS, pack(_Newest(session=session, wall_ms=wall_ms)))
            self._newest = None  # read again, if the transaction lasts

    def _new_session(self, now_ms: int) -> None:
        identity = self._identity
        session = new_session(identity.keys, identity.chain[-1], now_ms=now_ms, entropy=self._entropy)
        with self._store.writing() as writer:
            writer.put_value(SESSION, session.wire)
        identity.session = session


def _changed() -> StoreError:
    return StoreError(
        "store_changed",
        expected="a store that nobody else writes to",
        got="entries that came in between",
        do="try again; if it happens again, run 'fieldward doctor'",
    )
