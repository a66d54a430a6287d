"""The one writer: takes verified batches from all connections and stores them, many in one transaction.

A commit costs a disk's flush, so batches that wait while one is under way share the next. Admission is judged here, in
the order of the log, on what stands before an entry in this very transaction; whether an entry continues its chain is
the store's to say. Nobody is answered and nobody is shown anything before the commit has returned.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from server.relay.batches import Batch, Written, write_batch
from server.relay.directory import Directory
from server.relay.errors import BusyError, RelayError, StartError, StorageError
from server.relay.models import RequestState
from server.relay.revocations import Revocations
from server.relay.seen import Arrival, Watch
from server.relay.store import SqlStore
from server.relay.window import Commit, SealPlace, Tip
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.entries import Seal
from sync_protocol.ids import CertificateHash, StreamId
from sync_protocol.signed import Verified

_LOG: Final = logging.getLogger("fieldward.relay")


Result = tuple[Tip, Written] | RelayError
Done = Callable[[Result], None]
"""Told of a batch's end; in the event loop's thread, see `Publish`."""
Publish = Callable[[Commit | None, Sequence[tuple[Done, Result]]], None]
"""Told of a commit that brought entries, and of the batches that it settled, in the writer's thread."""


class Committer:
    """A thread that stores batches."""

    def __init__(
        self,
        *,
        store: SqlStore,
        directory: Directory,
        sign: Callable[[Checkpoint], bytes],
        origin: str,
        publish: Publish,
        entries_max: int,
        now_ms: Callable[[], int],
        watch: Watch,
        revocations: Revocations,
        recall: Callable[[frozenset[StreamId] | None], Directory],
        confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare the thread; `start` starts it.

        Args:
            store: where to write; nobody else writes entries there.
            directory: drafted and adopted here alone.
            sign: makes a checkpoint's note.
            origin: the log's name.
            publish: told, in this thread, of each commit and of the batches that it settles.
            entries_max: how many entries a transaction collects; a single larger batch is one transaction too.
            now_ms: the relay's clock, in Unix milliseconds: when what a transaction stores has arrived.
            watch: told after each commit whose entries came.
            revocations: judges again where a commit may have changed who is revoked.
            confirmed: told after a commit that brought what a purge may have waited for.
            recall: works the directory out from the store, where a revocation undoes what counted before: all of it,
                or the charts with these control streams.
        """
        self._store = store
        self._directory = directory
        self._sign = sign
        self._origin = origin
        self._publish = publish
        self._entries_max = entries_max
        self._now_ms = now_ms
        self._watch = watch
        self._revocations = revocations
        self._recall = recall
        self._confirmed = confirmed
        self._unjudged = False
        self._queue: queue.SimpleQueue[tuple[Batch, Done] | None] = queue.SimpleQueue()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="fieldward-writer", daemon=True)
        self.trouble: RelayError | None = None
        """Why the last transaction failed; None when it went well."""

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to store."""
        self._thread.start()

    def stop(self) -> None:
        """Store what was submitted before this call, then end."""
        self._queue.put(None)
        self._thread.join()

    def submit(self, batch: Batch, done: Done) -> None:
        """Store a batch when its turn comes, and tell by `done` through `publish`."""
        self._queue.put((batch, done))

    def _run(self) -> None:
        while not self._ended:
            group = self._collect()
            if group:
                self._settle(group)
        left = self._collect_rest()
        stopped = BusyError("stopping", expected="a running relay", got="one that stops", do="connect again later")
        if left:
            self._publish(None, [(done, stopped) for _, done in left])

    def _collect(self) -> list[tuple[Batch, Done]]:
        """Wait for a batch; take what else is there, up to the limit."""
        group: list[tuple[Batch, Done]] = []
        entries = 0
        item = self._queue.get()
        while item is not None:
            group.append(item)
            entries += len(item[0].checked.entries)
            if entries >= self._entries_max:
                return group
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group
        self._ended = True
        return group

    def _collect_rest(self) -> list[tuple[Batch, Done]]:
        left: list[tuple[Batch, Done]] = []
        while not self._queue.empty():
            item = self._queue.get()
            if item is not None:
                left.append(item)
        return left

    def _settle(self, group: Sequence[tuple[Batch, Done]]) -> None:
        """Commit a group; whatever goes wrong, everybody in it hears of it and the thread goes on."""
        purging = frozenset(self._directory.to_purge)
        try:
            commit, written = self._commit([batch for batch, _ in group])
        except Exception as error:  # noqa: BLE001 - a writer that ends would leave everybody waiting for ever
            if not isinstance(error, RelayError) and len(group) > 1:
                for alone in group:  # a bug that one batch meets must not cost its neighbours
                    self._settle([alone])
                return
            trouble = error if isinstance(error, RelayError) else _internal(error)
            _LOG.error("a transaction was undone: %s (%s)", trouble.code, trouble.got)
            self.trouble = trouble
            self._publish(None, [(done, trouble) for _, done in group])
            return
        self.trouble = None
        settled = [(done, (commit.tip, what)) for (_, done), what in zip(group, written, strict=True)]
        self._publish(commit if commit.arrived else None, settled)
        if self._directory.to_purge - purging:
            self._confirmed()

    def _commit(self, group: Sequence[Batch]) -> tuple[Commit, list[Written]]:
        self._revocations.meet(c.hash for batch in group for c in batch.checked.certificates)
        draft = self._directory.draft()
        arrived_ms = self._now_ms()
        with self._store.writing(arrived_ms=arrived_ms) as writer:
            written = [write_batch(batch, writer, draft) for batch in group]
            tip = Tip(*writer.commit_log(self._sign, self._origin))
        self._directory.adopt(draft)
        self._unjudged = self._unjudged or draft.changes_revocations
        self._judge()
        self._watch.note(_arrivals(group, written, arrived_ms))
        for device in draft.certified:
            try:
                self._store.mark_request(device, RequestState.APPROVED)
            except StorageError as error:  # it is marked again at the next start
                _LOG.warning("an approved request could not be marked: %s", error.code)
        commit = Commit(
            tip=tip,
            arrived=tuple(item for what in written for item in what.arrived),
            sessions={name: session for batch in group for name, session in batch.sessions.items()},
            seals=_merged(batch.seals for batch in group),
        )
        return commit, written

    def _judge(self) -> None:
        """Judge who is revoked; what is stored is stored, so a store that fails now is asked again after the next."""
        if not (self._unjudged or self._revocations.stale):
            return
        try:
            if self._unjudged:
                self._revocations.judge()
            self._derive(self._revocations.stale)
        except (StorageError, StartError) as error:
            _LOG.error("revocations could not be judged: %s (%s)", error.code, error.got)
            return
        self._unjudged = False

    def _derive(self, streams: frozenset[StreamId]) -> None:
        """Derive again what depends on these; the organisation's own records bear on every chart."""
        if self._directory.organisation in streams:
            self._directory.replace(self._recall(None))
        elif streams:
            self._directory.renew(self._recall(streams))
        self._revocations.derived(streams)


def _internal(error: Exception) -> RelayError:
    _LOG.exception("a bug in the relay", exc_info=error)
    return RelayError("internal", expected="no bug", got=type(error).__name__, do="report this, with the relay's log")


def _arrivals(group: Sequence[Batch], written: Sequence[Written], arrived_ms: int) -> dict[CertificateHash, Arrival]:
    """Of each author the newest entry among those that came."""
    return {
        batch.sessions[item.entry.header.session].value.certificate: Arrival(item.index, arrived_ms)
        for batch, what in zip(group, written, strict=True)
        for item in what.arrived
    }


def _merged(
    all_seals: Iterable[Mapping[SealPlace, tuple[Verified[Seal], ...]]],
) -> dict[SealPlace, tuple[Verified[Seal], ...]]:
    """Of each place every seal that some batch saw."""
    merged: dict[SealPlace, tuple[Verified[Seal], ...]] = {}
    for seals in all_seals:
        for place, found in seals.items():
            known = merged.get(place)
            if known is None:
                merged[place] = found
            else:
                names = {seal.hash for seal in known}
                merged[place] = known + tuple(seal for seal in found if seal.hash not in names)
    return merged
