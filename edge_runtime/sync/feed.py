"""What the relay feeds over one connection: stored as it comes, and how far that reaches.

Owns what is known of the place in the relay's log: the cursor moves only once everything below it is durable; what came
without its checkpoint is noted, and where it neither comes again nor is found at the relay, the relay has lost it.
"""

from __future__ import annotations

from collections.abc import Callable

from edge_runtime.events import Changed, Events, GlassBroken
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync import safety
from edge_runtime.sync.beyond import Beyond
from edge_runtime.sync.emergencies import newly_broken
from edge_runtime.sync.intake import Receiver, Taken
from edge_runtime.sync.log_keeping import LogKeeper
from edge_runtime.sync.outbox import Outbox
from edge_runtime.sync.progress import CURSOR, UNSOUND, SyncReport, forget_fed, save_checkpoint, save_fed
from sync_protocol.ids import ChartId, EntryHash
from sync_protocol.steps import Advance, Take


class Feed:
    """One connection's.

    Attributes:
        uncounted: the arrival index from which on entries came, before this connection, whose checkpoint did not; None
            where there are none, or both sides compare everything.
        twice: entries that came though they were here.
        refused: entries that came and do not verify.
        reached: the size of the log up to which the relay claims to have fed everything, whether it verified or not.
    """

    def __init__(
        self,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        events: Events,
        *,
        receiver: Receiver,
        log: LogKeeper,
        report: SyncReport,
        alarm: Callable[[str], None],
    ) -> None:
        """Begin with nothing fed.

        Args:
            store: the device's.
            identity: who it is.
            keyring: its charts.
            events: hears of charts that changed, and of a glass that somebody broke.
            receiver: verifies and stores.
            log: keeps the checkpoints that come.
            report: counts what comes.
            alarm: hears of what does not verify.
        """
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._events = events
        self._receiver = receiver
        self._log = log
        self._report = report
        self._alarm = alarm
        self.uncounted = receiver.fed
        self.twice = 0
        self.refused = 0
        self.reached = report.checkpoint
        self._end_before = store.size()
        self._again: set[EntryHash] = set()
        self._page_first: int | None = None
        self._glass: frozenset[EntryHash] = frozenset()
        self._glass_charts: frozenset[ChartId] = frozenset()

    def take(self, step: Take) -> Taken:
        """Store what came; what became of it."""
        safety.overtaken(self._store, (EntryHash(entry.hash) for entry in step.entries))
        size = self._store.size()
        taken = self._receiver.take(step.proofs, step.entries)
        if taken.stored and self._page_first is None:
            self._page_first = size
        new = taken.stored - taken.released + taken.held + taken.deferred
        self.twice += max(0, len(step.entries) - new - taken.unsound)
        if self.uncounted is not None:
            self._again.update(entry.hash for entry in step.entries)
        self._report.received += taken.stored
        self._report.held += taken.held
        self._report.deferred += taken.deferred
        self._report.unsound += taken.unsound
        self.refused += sum(one.what is not None for one in taken.refused)
        if taken.unsound:
            self._alarm(UNSOUND)
        charts = self._keyring.charts_of(taken.streams)
        if charts:
            self._events.publish(Changed(charts))
        if taken.glass:
            self._glass |= taken.glass
            self._glass_charts |= charts
        return taken

    def advance(self, step: Advance) -> None:
        """Move the cursor over what came, unless something of it was not stored."""
        self.reached = step.checkpoint.size
        if self._report.unsound:
            return  # ask for the same again next time; nothing may be skipped
        first = None if step.whole else self._page_first  # what came before this page is below the checkpoint
        covered = self._store.size() if first is None else first
        with self._store.writing() as writer:
            save_checkpoint(writer, CURSOR, step.checkpoint)
            self._log.keep(writer, step.newest, step.held)
            safety.reached(self._store, writer, arrivals=covered, size=step.checkpoint.size)
            if self.uncounted is None:
                save_fed(writer, first)
                self._receiver.fed = first
        self._page_first = None
        self._report.checkpoint = step.checkpoint.size

    def tell_broken(self) -> None:
        """Tell of a glass that was broken, now that what may have closed it since has come, too."""
        broken = newly_broken(self._keyring, self._glass_charts, self._glass, self._identity.principal)
        self._glass, self._glass_charts = frozenset(), frozenset()
        if broken:
            self._report.broken |= broken
            self._events.publish(GlassBroken(broken))

    def confirm(self, outbox: Outbox, beyond: Beyond) -> None:
        """What once came without its checkpoint, and did not come again nor was found at the relay, it has lost."""
        if self.uncounted is not None:
            outbox.unconfirmed(
                self.uncounted,
                self._end_before,
                confirmed=lambda entry: entry.hash in self._again or beyond.confirms(entry.header),
            )
            self.uncounted = None
        if self._receiver.fed is not None:
            forget_fed(self._store)
            self._receiver.fed = None
