"""Who is trusted no longer: judged from the stored records as every device judges them, and asked at every door.

A judgement takes the organisation's certificates and the few records on which it depends, and is made anew when one of
these comes. `sync_protocol.revoked` owns the rules.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sync_protocol.certificates import Trust
from sync_protocol.control_entry import read_control, written
from sync_protocol.ids import CertificateHash, SessionId
from sync_protocol.organisation import Organisation, View

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from server.relay.directory import Directory
    from server.relay.store import SqlStore


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
        self.changed: Callable[[], None] = lambda: None
        """Told after a judgement, in the thread that made it."""

    def judge(self) -> bool:
        """Judge again, after a record came.

        Returns:
            Whether what was derived from the log has to be derived again: records that counted do so no longer.

        Raises:
            StorageError: the store cannot be read.
        """
        with self._lock:
            directory, before = self._directory, self._directory.revoked
            known = frozenset(bytes(one.hash) for one in directory.trust.certificates())
            view = judge(self._store, directory.trust, directory.judging)
            directory.judged(view)
            self._known = known
        self.changed()
        return not before <= view.revoked or self._wrote_outside(view, view.revoked - before)

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

    def _wrote_outside(self, view: View, principals: Collection[CertificateHash]) -> bool:
        """Whether control entries of these are stored that a revocation excludes."""
        directory, store = self._directory, self._store
        for session in store.sessions():
            author = directory.principal(session.value.certificate)
            if author not in principals:
                continue
            for index in store.control_of(session.value.session, directory.is_control):
                (item,) = store.at([index])
                if view.excludes(written(item.entry, author, store)) is not None:
                    return True
        return False
