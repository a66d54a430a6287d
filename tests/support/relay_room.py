"""A relay inside the test's process: its store, directory, window and committer, without sockets or threads.

`Bench.commit` stores what sessions wrote, as a group commit does, in the calling thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from server.relay.batches import Batch, Written
from server.relay.committer import Committer, Done, Result
from server.relay.database import migrate, open_engine
from server.relay.directory import Directory
from server.relay.errors import RelayError
from server.relay.fanout import Fanout
from server.relay.recall import recall_directory, recall_forks, recall_trust
from server.relay.revocations import Revocations
from server.relay.seen import Policy, Watch
from server.relay.store import SqlStore
from server.relay.window import Archive, Commit, Tip, Window
from sync_protocol.checkpoints import sign_checkpoint
from sync_protocol.control import Certify
from sync_protocol.entries import VerifiedEntry
from sync_protocol.intake import Checked
from tests.support.people import Device, DeviceSession, Organisation


class Bench:
    """A relay's parts on a store."""

    def __init__(self, organisation: Organisation, store: SqlStore, directory: Directory, forks: dict) -> None:
        self.organisation = organisation
        self.store = store
        self.directory = directory
        self.trust = directory.trust
        self.sign = lambda checkpoint: sign_checkpoint(checkpoint, organisation.note_key)
        self.origin = organisation.relay.value.origin
        with store.writing() as writer:
            tip = Tip(*writer.commit_log(self.sign, self.origin))
        self.window = Window(tip, forks)
        self.archive = Archive(store, self.window.forks)
        self.fanout = Fanout(directory)
        self.revocations = Revocations(store, directory)
        self.revocations.changed = self.fanout.enforce
        self.watch = Watch(self.trust, {}, Policy(unseen_after_days=14, since_ms=0))
        self.committer = Committer(
            store=store,
            directory=directory,
            sign=self.sign,
            origin=self.origin,
            publish=self._published,
            entries_max=512,
            now_ms=organisation.clock,
            watch=self.watch,
            revocations=self.revocations,
            recall=lambda streams: recall_directory(store, store._engine, self.trust, streams=streams),
        )
        self.commits: list[Commit] = []

    def commit(self, *sessions: DeviceSession, entries: Iterable[VerifiedEntry]) -> Written:
        """Store entries with all records of these sessions, in one transaction.

        Raises:
            RelayError: nothing was stored.
        """
        results: list[Result] = []
        self.committer._settle([(self.batch(*sessions, entries=entries), results.append)])
        (result,) = results
        if isinstance(result, RelayError):
            raise result
        return result[1]

    def certify(self, *devices: Device) -> None:
        """Have the administrator put devices on record: only then do others know them for certain."""
        session = self.organisation.admin.session()
        records = [Certify(certificate=device.certificate.wire) for device in devices]
        entries = session.write_control(self.organisation.root.value.control, records)[1]
        assert self.commit(session, entries=entries).refused == []

    def batch(self, *sessions: DeviceSession, entries: Iterable[VerifiedEntry]) -> Batch:
        """What verification would hand to the committer."""
        checked = Checked(
            certificates=[certificate for session in sessions for certificate in session.device.chain],
            sessions=[session.record for session in sessions],
            seals=[seal for session in sessions for seal in session.seals],
            entries=list(entries),
        )
        for certificate in checked.certificates:
            self.trust.restore(certificate)
        seals: dict = {}
        for seal in checked.seals:
            place = (seal.value.session, seal.value.number)
            known = self.store.seals(*place)
            seals[place] = (*(s for s in known if s.hash != seal.hash), *seals.get(place, ()), seal)
        return Batch(checked=checked, sessions={session.id: session.record for session in sessions}, seals=seals)

    def _published(self, commit: Commit | None, settled: Sequence[tuple[Done, Result]]) -> None:
        if commit is not None:
            self.commits.append(commit)
            self.window.extend(commit)
        for done, result in settled:
            done(result)
        if commit is not None:
            self.fanout.wake(commit)


Reopen = Callable[[], AbstractContextManager[Bench]]
"""Opens one relay, at each call the same data."""


@contextmanager
def open_bench(folder: Path, organisation: Organisation, *, url: str | None = None) -> Iterator[Bench]:
    """Open a bench on an SQLite file, or another database; the same again is a restart."""
    engine = open_engine(url or f"sqlite:///{folder / 'relay.sqlite3'}")
    try:
        migrate(engine)
        store = SqlStore(engine)
        trust = recall_trust(store, organisation.root, organisation.admin.certificate)
        yield Bench(organisation, store, recall_directory(store, engine, trust), recall_forks(engine))
    finally:
        engine.dispose()
