"""The rooms of an open device: each is made when it is first asked for, and let go of when the device is locked.

Owns how they are put together, and when what they decided is carried out. Refuses to read a clock or to draw entropy:
it is told where to ask; and to connect to anybody.
"""

from __future__ import annotations

from contextlib import suppress

from edge_runtime.access.charts import Access
from edge_runtime.access.purging import Purging
from edge_runtime.access.teams import Teams
from edge_runtime.attaching import Attachments
from edge_runtime.audit.acts import Auditor
from edge_runtime.blobs.book import BlobBackup
from edge_runtime.blobs.stock import BlobStock
from edge_runtime.break_glass.kit import LAYERS
from edge_runtime.cache.keeping import forget_kept
from edge_runtime.charts import Charts
from edge_runtime.documents import DocumentReader
from edge_runtime.drafts.desk import Drafts
from edge_runtime.errors import StoreError
from edge_runtime.events import Events
from edge_runtime.identity import Identity, load_identity, stored_invitation
from edge_runtime.incidents.desk import Incidents
from edge_runtime.keyring import Keyring
from edge_runtime.recorder.record import Recorder
from edge_runtime.restored import Marker, watch
from edge_runtime.settings import Home
from edge_runtime.signing.attesting import Signing
from edge_runtime.signing.notes import NoteWriter
from edge_runtime.store.device import DeviceStore
from edge_runtime.surroundings import Surroundings
from edge_runtime.sync import safety
from edge_runtime.text.replica import InProcessReplica
from edge_runtime.text.worker import TextWorker
from edge_runtime.workflows.announcing import TOLD, Announcer
from edge_runtime.workflows.work import Workflows
from sync_protocol.ids import ChartId


class Rooms:
    """What one device consists of, while its home is open."""

    def __init__(
        self, home: Home, store: DeviceStore, surroundings: Surroundings, worker: TextWorker | None = None
    ) -> None:
        """Make nothing yet.

        Args:
            home: its home.
            store: its store, open.
            surroundings: what it asks for from outside.
            worker: puts together text that others wrote in; None does so in this process.
        """
        self.home = home
        self.store = store
        self.surroundings = surroundings
        self.events = Events()
        self._marker = Marker(home.marker, home.store, store, surroundings.entropy)
        self._worker = worker
        self._identity: Identity | None = None
        self._charts: Charts | None = None
        self._keyring: Keyring | None = None
        self._recorder: Recorder | None = None
        self._auditor: Auditor | None = None
        self._attachments: Attachments | None = None
        self._announcer: Announcer | None = None
        self._forgotten = False

    @property
    def identity(self) -> Identity:
        """Who this device is.

        Raises:
            RefusedError: it is not enrolled.
            StoreError: it was locked.
        """
        if self._forgotten:
            raise StoreError(
                "store_closed", expected="an unlocked device", got="a locked one", do="open the device's session again"
            )
        if self._identity is None:
            identity = load_identity(self.store, self.store)
            watch(
                self._marker,
                identity,
                self.store,
                clock=self.surroundings.clock,
                entropy=self.surroundings.entropy,
                events=self.events,
            )
            self._identity = identity
        return self._identity

    @property
    def waiting(self) -> bool:
        """Whether this device waits for its approval."""
        return self._identity is None and stored_invitation(self.store) is not None

    @property
    def keyring(self) -> Keyring:
        """The epoch keys of its charts."""
        if self._keyring is None:
            self._keyring = Keyring(self.store, self.identity)
        return self._keyring

    @property
    def recorder(self) -> Recorder:
        """What writes its changes."""
        if self._recorder is None:
            self._recorder = Recorder(
                self.store,
                self.identity,
                self.keyring,
                clock=self.surroundings.clock,
                entropy=self.surroundings.entropy,
                events=self.events,
                sealed=self._marker.sealed,
            )
        return self._recorder

    @property
    def auditor(self) -> Auditor:
        """What records what is done on it."""
        if self._auditor is None:
            self._auditor = Auditor(
                self.store, self.identity, self.keyring, self.recorder, clock=self.surroundings.clock
            )
        return self._auditor

    @property
    def charts(self) -> Charts:
        """Its charts."""
        if self._charts is None:
            shown = InProcessReplica if self._worker is None else self._worker.replica
            reader = DocumentReader(self.store, self.identity, self.keyring, shown)
            self._charts = Charts(
                store=self.store,
                identity=self.identity,
                keyring=self.keyring,
                reader=reader,
                recorder=self.recorder,
                entropy=self.surroundings.entropy,
                writable=self._writable,
                written=self._announce,
            )
        return self._charts

    @property
    def announcer(self) -> Announcer:
        """What tells of what happened in its charts."""
        if self._announcer is None:
            self._announcer = Announcer(
                self.store, self.keyring, self.charts.open, events=self.events, clock=self.surroundings.clock
            )
        return self._announcer

    @property
    def workflows(self) -> Workflows:
        """The workflows of its charts."""
        return Workflows(self.charts, self.identity, self.surroundings.clock)

    @property
    def attachments(self) -> Attachments:
        """The files that belong to its charts."""
        if self._attachments is None:
            stock = BlobStock(
                self.store,
                self.identity,
                self.keyring,
                self.home.blobs,
                clock=self.surroundings.clock,
                entropy=self.surroundings.entropy,
                backup=self._blob_backup,
                kit=bool(self.store.values(LAYERS)),
            )
            self._attachments = Attachments(self.charts, stock, entropy=self.surroundings.entropy)
        return self._attachments

    @property
    def signing(self) -> Signing:
        """The signatures of its user."""
        return Signing(self.charts, self.identity, self.surroundings.clock)

    @property
    def drafts(self) -> Drafts:
        """What models and rules proposed in its charts."""
        return Drafts(self.charts, self.auditor, self.surroundings.clock)

    @property
    def incidents(self) -> Incidents:
        """The mass-casualty incidents that it knows."""
        return Incidents(self.charts, self.identity, self.keyring)

    @property
    def notes(self) -> NoteWriter:
        """What makes files of signed texts."""
        return NoteWriter(self.store, self.identity, self.keyring, self.surroundings.clock)

    def _blob_backup(self) -> BlobBackup:
        said = safety.statement(self.store)
        return BlobBackup() if said is None else BlobBackup(said.blobs_through, said.made_ms)

    def _announce(self, chart: ChartId) -> None:
        self.announcer.look_at(chart)

    def _writable(self, kind: str) -> bool:
        return self.keyring.organisation().now.writes(self.identity.principal, kind)

    @property
    def teams(self) -> Teams:
        """The teams that it knows."""
        return Teams(self.store, self.identity, self.keyring, self.recorder)

    @property
    def access(self) -> Access:
        """Whom it lets into charts."""
        return Access(self.identity, self.keyring, self.recorder, self.surroundings.clock, self.store)

    @property
    def purging(self) -> Purging:
        """What destroys charts whose purge was confirmed."""
        return Purging(
            self.store,
            self.keyring,
            self.access,
            clock=self.surroundings.clock,
            events=self.events,
            record=self.auditor.destroyed,
            forget=self.charts.forget,
            beside=lambda chart: (LAYERS + chart.hex(), TOLD + chart.hex(), *self.charts.opened.names(chart)),
            swept=lambda: self.attachments.stock.sweep(),  # noqa: PLW0108 only made where something is destroyed
        )

    def settle(self) -> None:
        """Destroy what is to be destroyed, keep nothing open that may not be read any more, tell of what came."""
        self.purging.run()
        self.charts.opened.sweep()
        self.announcer.look()

    def forget(self) -> None:
        """Let go of keys, memberships and what was opened, and show nothing until `resume`.

        The store stays open, and with it the key of what lies at rest. Python cannot wipe memory: what is let go lives
        on until the interpreter uses its place again.
        """
        self._forgotten = True
        forget_kept(self.store)
        self.close()
        if self._recorder is not None:
            self._recorder.retire()
        self._identity = self._charts = self._keyring = self._recorder = self._auditor = self._attachments = None
        self._announcer = None

    def resume(self) -> None:
        """Be at work again; everything is read anew from the store."""
        self._forgotten = False

    def close(self) -> None:
        """End the process in which text is put together, and with it what it holds; reading text starts another."""
        if self._worker is not None:
            self._worker.close()

    def rest(self) -> None:
        """Keep large charts as they are now for the next start, as before the program ends."""
        if self._charts is not None:
            with suppress(StoreError):  # what cannot be kept is read anew
                self._charts.opened.rest()
