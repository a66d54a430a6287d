"""Destroys the content of charts whose purge was confirmed: bodies of content, and the wrapped keys to it.

Owns when and in which order. Headers, seals and receipts stay, and so does the audit trail with its keys: who wrote
when remains provable. A chart goes once its date is past by this device's clock, the confirmation has counted here for
PURGE_WAIT_MS, and no legal hold is known: nothing can be undone afterwards, so there is a time to stop it. That it
goes is noted first, so that nothing of it is shown or taken any more; then bodies go, some at a time. Whatever stops
that in between, the next run goes on. What waits for the relay goes after it was sent: the log is to have all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from edge_runtime.access.charts import Access
from edge_runtime.access.retention import note_heard
from edge_runtime.destroyed import (
    Destroyed,
    all_destroyed,
    awaited,
    forget_awaited,
    heard,
    keep_destroyed,
    keep_heard,
)
from edge_runtime.events import Changed, Events
from edge_runtime.identity import Clock
from edge_runtime.keyring import Keyring
from edge_runtime.memberships import content_streams
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.streams import stream_entries
from sync_protocol.chart_records import ConfirmPurge
from sync_protocol.control import MintEpoch, Rewrap, control_stream, unpack_control
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import ChartId, EntryHash
from sync_protocol.membership import Membership
from sync_protocol.purge_wait import deciding
from sync_protocol.roles import Compartment
from sync_protocol.store import Arrived

BATCH_ENTRIES: Final = 256
"""Bodies that one transaction destroys: a change that a person makes meanwhile waits for no more."""
Record = Callable[[ChartId, int, Callable[[DeviceWriter], None]], object]
"""Puts on the audit trail how many bodies of a chart were destroyed, with further writes of the same transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a run did to one chart.

    Attributes:
        bodies: how many were destroyed now.
        left: how many wait for the relay.
    """

    chart: ChartId
    bodies: int
    left: int


class Purging:
    """Carries out confirmed purges on one device."""

    def __init__(
        self,
        store: DeviceStore,
        keyring: Keyring,
        access: Access,
        *,
        clock: Clock,
        events: Events,
        record: Record,
        forget: Callable[[Iterable[EntryHash]], None],
        beside: Callable[[ChartId], Sequence[str]] = lambda _: (),
        swept: Callable[[], None] = lambda: None,
    ) -> None:
        """Work on `store`.

        Args:
            store: the device's.
            keyring: lets go of keys.
            access: knows how long charts last.
            clock: says since when a chart is destroyed.
            events: hears of it.
            record: see Record.
            forget: lets go of what was opened of entries.
            beside: names stored values that would open the chart, such as what a kit carries for it.
            swept: removes what lies beside the store, such as attachments; called once bodies went.
        """
        self._store = store
        self._keyring = keyring
        self._access = access
        self._clock = clock
        self._events = events
        self._record = record
        self._forget = forget
        self._beside = beside
        self._swept = swept

    def run(self) -> tuple[Done, ...]:
        """Carry out what is due, go on with what was interrupted, and destroy what came late.

        Returns:
            The charts in which anything was done or is left.

        Raises:
            StoreError: the store cannot do its part; the next run goes on.
        """
        for chart in sorted(self._keyring.controlled(awaited(self._store))):
            self._watch(chart)
            if self._access.retention(chart).due:
                self._begin(chart)
        done = [self._destroy(chart, note) for chart, note in sorted(all_destroyed(self._store).items())]
        changed = frozenset(one.chart for one in done if one.bodies)
        if done:
            self._swept()
        if changed:
            self._events.publish(Changed(changed))
        return tuple(one for one in done if one.bodies or one.left)

    def _watch(self, chart: ChartId) -> None:
        """Note durably what counts for the first time: the wait runs from there, whenever it was written."""
        membership, entries = self._membership(chart), self._keyring.control_entries(chart)
        known = heard(self._store, control_stream(chart)).keys()
        if {one.hash for one in deciding(entries, membership)} != known:
            with self._store.writing() as writer:
                note_heard(writer, membership, entries, known, now_ms=self._clock())

    def _begin(self, chart: ChartId) -> None:
        """Note it durably: from here on nothing of the chart is shown, written or taken, whatever else is recorded."""
        membership = self._membership(chart)
        note = Destroyed(record=_confirming(self._keyring, membership), since_ms=self._clock(), through=0, told=False)
        with self._store.writing() as writer:
            keep_destroyed(writer, chart, note)
            control = control_stream(chart)
            forget_awaited(writer, control)
            for record in heard(self._store, control):
                keep_heard(writer, control, record, None)

    def _destroy(self, chart: ChartId, note: Destroyed) -> Done:
        membership, size = self._membership(chart), self._store.size()
        self._destroy_held(membership)
        found = sorted((one.index, one.entry.hash) for one in self._doomed(membership, note.through))
        if not found and note.told:
            return Done(chart=chart, bodies=0, left=0)
        self._forget(name for _, name in found)
        self._keyring.forget(chart)
        with self._store.writing() as writer:
            writer.strip((), values=self._beside(chart))
        gone: set[int] = set()
        waiting = iter(index for index, _ in found)
        while some := list(islice(waiting, BATCH_ENTRIES)):
            with self._store.writing() as writer:
                gone |= writer.strip(some)
        self._keyring.forget(chart)
        if gone or not note.told:  # before it is noted: a crash in between leaves it to the next run
            self._store.scrub()
        left = sorted({index for index, _ in found} - gone)
        self._tell(chart, replace(note, through=min([size, *left]), told=True), len(gone), told=note.told)
        return Done(chart=chart, bodies=len(gone), left=len(left))

    def _destroy_held(self, membership: Membership) -> None:
        """Destroy what waits outside of its chain for entries that are missing."""
        if self._store.held_use().entries:
            with self._store.writing() as writer:
                held = writer.strip_held(frozenset(content_streams(membership)))
            if held:
                self._store.scrub()

    def _tell(self, chart: ChartId, note: Destroyed, bodies: int, *, told: bool) -> None:
        """Note how far it went; the first time with a record of the act."""

        def keep(writer: DeviceWriter) -> None:
            keep_destroyed(writer, chart, note)

        if told:
            with self._store.writing() as writer:
                keep(writer)
        else:
            self._record(chart, bodies, keep)

    def _doomed(self, membership: Membership, after: int) -> Iterator[Arrived]:
        """What still has a body that must go, from an arrival index on."""
        for stream in content_streams(membership):
            yield from (one for one in stream_entries(self._store, stream, after=after) if one.entry.body)
        for one in stream_entries(self._store, control_stream(membership.chart), after=after):
            if _opens_content(one.entry, membership):
                yield one

    def _membership(self, chart: ChartId) -> Membership:
        membership = self._keyring.membership(chart)
        assert membership is not None, "a chart whose purge was confirmed has a beginning"
        return membership


def _opens_content(entry: VerifiedEntry, membership: Membership) -> bool:
    """Whether a control record carries wrapped keys to content; the keys of the audit trail stay."""
    try:
        record = unpack_control(entry.body)
    except PeerError:
        return False
    if isinstance(record, MintEpoch):
        return record.compartment is not Compartment.AUDIT
    if not isinstance(record, Rewrap):
        return False
    epoch = membership.epochs.get(record.epoch)
    return epoch is None or epoch.record.compartment is not Compartment.AUDIT


def _confirming(keyring: Keyring, membership: Membership) -> EntryHash:
    """The record by which the chart goes: of several, the lowest."""
    assert membership.purge is not None, "what is due was confirmed"
    return min(
        entry.hash
        for entry in keyring.control_entries(membership.chart)
        if isinstance(entry.record, ConfirmPurge)
        and entry.record.proposal == membership.purge[0]
        and entry.hash not in membership.refused
    )
