"""Who is trusted no longer: judged from the stored records as every device judges them, and asked at every door.

A judgement takes the organisation's certificates and the few records on which it depends, and is made anew when one of
these comes. `sync_protocol.revoked` owns the rules.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from sync_protocol.certificates import Trust
from sync_protocol.control_entry import Written, read_control, written
from sync_protocol.ids import CertificateHash, SessionId, StreamId
from sync_protocol.organisation import Organisation, View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.relay.directory import Directory
    from server.relay.store import SqlStore

_ASKED_MAX: Final = 400
"""Entries in one statement."""


def judge(store: SqlStore, trust: Trust, indices: Sequence[int]) -> View:
    """Judge who is revoked.

    Args:
        store: has the records and the seals.
        trust: the organisation's certificates.
        indices: the log indices of all revocations and of all records that certify.

    Raises:
        StorageError: the store cannot be read.
    """
    known = Trust(trust.root)  # as it is now: other threads go on to add to the shared one
    for certificate in trust.certificates():
        known.restore(certificate)
    authors: dict[SessionId, CertificateHash] = {}
    entries = []
    for item in store.at(sorted(indices)):
        entry = item.entry
        name = entry.header.session
        if name not in authors:
            session = store.session(name)
            assert session is not None, "an entry's session is stored with it"
            authors[name] = known.principal(session.value.certificate)
        entries.append(read_control(entry, authors[name], store))
    return Organisation(known, entries, store).now


class Revocations:
    """Keeps the directory's judgement up to date. Threads may share one."""

    def __init__(self, store: SqlStore, directory: Directory) -> None:
        """Judge by `store`, for `directory`, as it was recalled."""
        self._store = store
        self._directory = directory
        self._lock = threading.Lock()
        self._known: frozenset[bytes] = frozenset()
        self.stale: frozenset[StreamId] = frozenset()
        """Streams in which other records count than before: what was derived from these has to be derived again."""
        self.changed: Callable[[], None] = lambda: None
        """Told after a judgement, in the thread that made it."""

    def judge(self) -> None:
        """Judge again, after a record came.

        Raises:
            StorageError: the store cannot be read.
        """
        with self._lock:
            directory, before = self._directory, self._directory.view
            known = frozenset(bytes(one.hash) for one in directory.trust.certificates())
            view = judge(self._store, directory.trust, directory.judging)
            self.stale |= self._changed(before, view)
            directory.judged(view)
            self._known = known
        self.changed()

    def derived(self, streams: frozenset[StreamId]) -> None:
        """What depends on these was derived again."""
        with self._lock:
            self.stale -= streams

    def meet(self, names: Iterable[bytes]) -> None:
        """Judge certificates that may be new here, before anything of their devices is stored.

        Raises:
            StorageError: the store cannot be read.
        """
        if self._directory.revoked_at >= 0 and not self._known.issuperset(names):
            self.judge()

    def covers(self, name: CertificateHash) -> bool:
        """Whether a certificate, which may be new here, is not to be served.

        Raises:
            StorageError: the store cannot be read.
        """
        self.meet([name])
        directory = self._directory
        return directory.principal(name) in directory.revoked

    def _changed(self, before: View | None, view: View) -> frozenset[StreamId]:
        """The control streams with entries that one of two judgements excludes and the other does not."""
        directory, store = self._directory, self._store
        revoked = view.revoked | (frozenset() if before is None else before.revoked)
        found: set[StreamId] = set()
        for session in store.sessions():
            author = directory.principal(session.value.certificate)
            if author not in revoked:
                continue
            indices = store.control_of(session.value.session, directory.is_control)
            for start in range(0, len(indices), _ASKED_MAX):
                for item in store.at(indices[start : start + _ASKED_MAX]):
                    entry = written(item.entry, author, store)
                    if _counts(before, entry) != _counts(view, entry):
                        found.add(item.entry.header.stream)
        return frozenset(found)


def _counts(view: View | None, entry: Written) -> bool:
    return view is None or entry.author not in view.revoked or view.excludes(entry) is None
