"""Destroys the content of charts whose purge is confirmed: bodies of content, and the wrapped keys to it.

Headers, seals and the log stay, and so does the audit trail with its keys: what was there, when and by whom remains
provable. A purge is judged as every device judges it, by the chart's and the organisation's signed records; the relay's
clock says whether its date is past, and whether its confirmation came PURGE_WAIT_MS ago. First it is noted durably, so
that nothing of the chart is fed or stored any more; then bodies go, some hundred in a transaction; whatever stops that
in between, the next run goes on.

The chains in which the purge was proposed and confirmed keep their bodies, keys included, up to there: a device that
was away must still be able to verify why it is to destroy its own copy, and a chain verifies from its beginning.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from server.relay.database import slices
from server.relay.errors import RelayError
from server.relay.stored import destroys
from sync_protocol.certificates import Trust
from sync_protocol.chart_history import ChartHistory
from sync_protocol.chart_records import ConfirmPurge
from sync_protocol.control import content_stream, control_stream, unpack_control
from sync_protocol.control_entry import ControlEntry, read_control
from sync_protocol.organisation import Organisation
from sync_protocol.purge_wait import purge_from_ms
from sync_protocol.roles import CONTENT

if TYPE_CHECKING:
    from server.relay.charts import Chart
    from server.relay.directory import Directory
    from server.relay.store import SqlStore
    from sync_protocol.ids import CertificateHash, ChartId, EntryHash, SessionId, StreamId
    from sync_protocol.store import Arrived

BATCH_ENTRIES: Final = 256
"""Bodies that one transaction destroys: the writer waits for no more."""
_PAGE: Final = 512
_LOG: Final = logging.getLogger("fieldward.relay")


class Purger:
    """Looks for purges that are due, and carries them out. One run at a time, in whatever thread."""

    def __init__(self, store: SqlStore, directory: Directory, *, now_ms: Callable[[], int]) -> None:
        """Work on `store` by the relay's clock; `directory` says which charts to look at."""
        self._store = store
        self._directory = directory
        self._now_ms = now_ms
        self._one_run = threading.Lock()
        self._stopped = threading.Event()
        self.destroyed: Callable[[Collection[int]], None] = lambda _: None
        """Told which log indices have lost their bodies, in the thread of the run: whoever has copies lets them go."""

    def run(self) -> int:
        """Carry out what is due, and go on with what was interrupted.

        Returns:
            How many charts were finished.

        Raises:
            StorageError: the store cannot do its part; the next run goes on.
        """
        with self._one_run:
            for chart in self._due():
                self._store.begin_purge(chart, self._now_ms(), partial(self._directory.purging, chart))
                _LOG.warning("the content of chart %s is being destroyed, as was confirmed", chart.short)
            finished = 0
            for chart in sorted(self._store.purges(unfinished=True)):
                self._destroy(chart)
                if self._stopped.is_set():
                    break
                self._store.end_purge(chart, self._now_ms())
                finished += 1
            return finished

    def stop(self) -> None:
        """End the run that is under way after its present transaction; the next one goes on, in another process."""
        self._stopped.set()

    def try_run(self) -> None:
        """The same, where nobody waits for it: a failure is logged, and the next run goes on."""
        try:
            self.run()
        except RelayError as error:
            _LOG.error("a purge could not be finished: %s (%s)", error.code, error.got)

    def _due(self) -> list[ChartId]:
        waiting = sorted(self._directory.to_purge - self._store.purges())
        if not waiting:
            return []
        organisation = self._organisation()
        return [chart for chart in waiting if self._is_due(chart, organisation)]

    def _is_due(self, chart: ChartId, organisation: Organisation) -> bool:
        entries = self._read(control_stream(chart), organisation.trust)
        found = ChartHistory(entries, chart, organisation).now
        if found is None or found.held:
            return False
        from_ms = purge_from_ms(entries, found, self._heard_ms)
        return from_ms is not None and from_ms <= self._now_ms()

    def _heard_ms(self, entry: ControlEntry) -> int:
        """When the last came of a record and what it says that its author had seen: before, it may not have counted."""
        return max(self._store.arrived_ms([entry.hash, *entry.predecessors]))

    def _organisation(self) -> Organisation:
        shared = self._directory.trust
        trust = Trust(shared.root)
        for certificate in shared.certificates():
            trust.restore(certificate)
        return Organisation(trust, self._read(self._directory.organisation, trust), self._store)

    def _read(self, stream: StreamId, trust: Trust) -> list[ControlEntry]:
        authors: dict[SessionId, CertificateHash] = {}
        found: list[ControlEntry] = []
        for item in self._entries({stream}):
            name = item.entry.header.session
            if name not in authors:
                session = self._store.session(name)
                assert session is not None, "an entry's session is stored with it"
                authors[name] = trust.principal(session.value.certificate)
            found.append(read_control(item.entry, authors[name], self._store))
        return found

    def _destroy(self, name: ChartId) -> None:
        chart = self._directory.chart(name)
        assert chart is not None, "a chart that is purged is known"
        content = {content_stream(name, document, one) for document in chart.documents for one in CONTENT}
        for batch in slices([*self._keys(chart), *self._indices(content)], BATCH_ENTRIES):
            if self._stopped.is_set():
                return
            self._store.destroy_bodies(batch)
            self.destroyed(frozenset(batch))
        self._directory.cut_off(name, self._cut_off(name))

    def _indices(self, streams: Collection[StreamId]) -> Iterator[int]:
        return (item.index for item in self._entries(streams) if item.entry.body)

    def _keys(self, chart: Chart) -> list[int]:
        """The wrapped keys, but for those in chains that lead to the purge."""
        items = list(self._entries({control_stream(chart.id)}))
        kept = _leading(items)
        found: list[int] = []
        for item in items:
            place = self._directory.place(item.entry.header.stream)
            assert place is not None, "a chart's stream is known"
            if item.entry.header.session in kept or item.entry.is_stripped:
                continue
            if destroys(chart, place, unpack_control(item.entry.body)):
                found.append(item.index)
        return found

    def _cut_off(self, name: ChartId) -> dict[SessionId, int]:
        """Of each chain of control records where it lost a body: what follows cannot be verified from its beginning."""
        found: dict[SessionId, int] = {}
        for item in self._entries({control_stream(name)}):
            header = item.entry.header
            if item.entry.is_stripped:
                found[header.session] = min(header.seq, found.get(header.session, header.seq))
        return found

    def _entries(self, streams: Collection[StreamId]) -> Iterator[Arrived]:
        after = 0
        while True:
            page = self._store.arrivals(after=after, limit=_PAGE, streams=streams)
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].index + 1


def _leading(items: Collection[Arrived]) -> frozenset[SessionId]:
    """The sessions in whose chains a purge was confirmed, or proposed that was."""
    confirming = {
        item.entry.header.session: record.proposal
        for item in items
        if not item.entry.is_stripped and isinstance(record := unpack_control(item.entry.body), ConfirmPurge)
    }
    proposals: set[EntryHash] = set(confirming.values())
    proposing = {item.entry.header.session for item in items if item.entry.hash in proposals}
    return frozenset(proposing | confirming.keys())
