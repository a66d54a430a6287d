"""Writing a change: one seal over all its entries, one durable transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edge_runtime.errors import StoreError
from edge_runtime.events import Changed, Events
from edge_runtime.identity import Clock, Entropy, Identity
from edge_runtime.keyring import CHART, Keyring
from edge_runtime.recorder.batch import Batch
from edge_runtime.recorder.drafts import Desk
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from edge_runtime.store.writing import DeviceWriter
from sync_protocol.entries import VerifiedEntry, seal_batch
from sync_protocol.errors import over_limit
from sync_protocol.ids import ChartId, SealHash
from sync_protocol.limits import SEAL_ENTRIES_MAX
from sync_protocol.store import Outcome


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
    ) -> None:
        """Write into `store` as `identity`; `events` hears of every change that was written."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._clock = clock
        self._entropy = entropy
        self._events = Events() if events is None else events

    def begin(self) -> Batch:
        """Begin a change on what is stored now."""
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
            StoreError: the store is full, damaged, or changed since `begin`.
        """
        if len(batch.drafts) > SEAL_ENTRIES_MAX:
            raise over_limit("one change", SEAL_ENTRIES_MAX, len(batch.drafts), "entries")
        if not batch.drafts and also is None:
            return ()
        with self._store.writing() as writer:
            entries = self._append(batch, writer) if batch.drafts else ()
            if also is not None:
                also(writer)
        self._keyring.learn(batch.created)
        charts = self._keyring.charts_of(entry.header.stream for entry in entries)
        if charts:
            self._events.publish(Changed(charts))
        return entries

    def mend(self, charts: Iterable[ChartId]) -> int:
        """Wrap what this device can open for members who lack it: keys that somebody minted without knowing of them.

        Returns:
            How many entries that took.
        """
        written = 0
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
        return entries


def _changed() -> StoreError:
    return StoreError(
        "store_changed",
        expected="a store that nobody else writes to",
        got="entries that came in between",
        do="try again; if it happens again, run 'fieldward doctor'",
    )
