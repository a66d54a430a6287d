"""The composition root of the device: opens a home, reads the clock, draws entropy, puts the rooms together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from edge_runtime.access.charts import Access
from edge_runtime.access.purging import Purging
from edge_runtime.access.teams import Teams
from edge_runtime.attaching import Attachments
from edge_runtime.audit.acts import Auditor
from edge_runtime.blobs.sharing import BlobSharing
from edge_runtime.blobs.stock import BlobStock
from edge_runtime.blobs.transfer import BlobTransfer
from edge_runtime.break_glass.kit import LAYERS
from edge_runtime.cache.keeping import forget_kept
from edge_runtime.charts import Charts
from edge_runtime.documents import DocumentReader
from edge_runtime.enrolment.renewal import fetch_renewal
from edge_runtime.errors import RefusedError, StoreError, VaultError
from edge_runtime.events import Alarmed, Events, Synced
from edge_runtime.identity import RELAY_ADDRESS, Identity, is_enrolled, load_identity, stored_invitation
from edge_runtime.keyring import Keyring
from edge_runtime.recorder.record import Recorder
from edge_runtime.restored import Marker, watch
from edge_runtime.settings import Home, home_lock
from edge_runtime.store.device import DeviceStore
from edge_runtime.surroundings import Surroundings
from edge_runtime.sync import safety
from edge_runtime.sync.budget import UNLIMITED, Budget
from edge_runtime.sync.bundles import Bundles
from edge_runtime.sync.client import RELAY, SyncClient, SyncReport
from edge_runtime.sync.hosting import Host, HostEvents
from edge_runtime.sync.lacking import lacking_chains
from edge_runtime.sync.log_keeping import LogKeeper
from edge_runtime.sync.log_shelf import HELD
from edge_runtime.sync.meeting import Meetings
from edge_runtime.sync.meeting_report import MeetingReport
from edge_runtime.sync.meeting_run import Gossip
from edge_runtime.sync.retry import retrying
from edge_runtime.text.replica import InProcessReplica
from edge_runtime.text.worker import TextWorker, is_wanted
from edge_runtime.transports.http import HttpClient, HttpLink
from edge_runtime.transports.link import Link, address_of
from edge_runtime.transports.peer_link import DialledLink
from edge_runtime.transports.websocket import WebSocketLink
from edge_runtime.vault.attempts import counting, failed_attempts, forget_attempts
from edge_runtime.vault.file import create, open_vault
from edge_runtime.vault.passphrase import DEFAULT_COST, Cost, Passphrase
from sync_protocol.certificates import open_relay
from sync_protocol.peer_handshake import Part

TIMEOUT_S: Final = 20.0
TICK_S: Final = 0.2
MEETING_S: Final = 60.0
"""How long another device may take to look through what it holds."""
ADDRESS: Final = RELAY_ADDRESS
TEXT_WORKER: Final = "FIELDWARD_TEXT_WORKER"
"""Setting: 1 or 0, whether text that others wrote in is put together in a process of its own."""
_LASTING: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


def clock() -> int:
    """The time in milliseconds since 1970, UTC; a clock before that reads 0, so that nobody is kept from writing."""
    return max(0, time.time_ns() // 1_000_000)


def awake_ms() -> int:
    """Milliseconds while the system was awake. Nobody can set it; only differences mean anything."""
    return time.monotonic_ns() // 1_000_000


def lasting_ms() -> int:
    """Milliseconds in all, sleep included. Where the system has no such clock, the one that can be set."""
    return time.clock_gettime_ns(_LASTING) // 1_000_000 if _LASTING is not None else clock()


def entropy(size: int) -> bytes:
    """That many random bytes of the operating system."""
    return os.urandom(size)


def system() -> Surroundings:
    """The system's clock, entropy and network."""
    return Surroundings(
        clock=lambda: clock(),  # noqa: PLW0108 the module's, whichever it is when it is asked
        entropy=entropy,
        pause=time.sleep,
        dial=lambda address: WebSocketLink(address, timeout_s=TIMEOUT_S),
        dial_peer=lambda address: DialledLink(address, timeout_s=TIMEOUT_S),
        http=lambda address: HttpClient(address, timeout_s=TIMEOUT_S),
    )


class Runtime:
    """One device at work. Holds its home's lock until it is closed."""

    def __init__(
        self,
        home: Home,
        store: DeviceStore,
        surroundings: Surroundings | None = None,
        *,
        text_worker: bool = False,
    ) -> None:
        """Made by `open_home`; without surroundings it stands in the system's.

        Args:
            home: its home.
            store: its store, open.
            surroundings: what it asks for from outside.
            text_worker: whether text that others wrote in is put together in a process that can be killed.
        """
        self.home = home
        self.store = store
        self._around = system() if surroundings is None else surroundings
        self.events = Events()
        self._marker = Marker(home.marker, home.store, store, self._around.entropy)
        self._worker = TextWorker(clock=awake_ms, report=self._alarm) if text_worker else None
        self._identity: Identity | None = None
        self._charts: Charts | None = None
        self._keyring: Keyring | None = None
        self._recorder: Recorder | None = None
        self._auditor: Auditor | None = None
        self._attachments: Attachments | None = None
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
                clock=self._around.clock,
                entropy=self._around.entropy,
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
                clock=self._around.clock,
                entropy=self._around.entropy,
                events=self.events,
                sealed=self._marker.sealed,
            )
        return self._recorder

    @property
    def auditor(self) -> Auditor:
        """What records what is done on it."""
        if self._auditor is None:
            self._auditor = Auditor(self.store, self.identity, self.keyring, self.recorder, clock=self._around.clock)
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
                entropy=self._around.entropy,
                writable=self._writable,
            )
        return self._charts

    @property
    def attachments(self) -> Attachments:
        """The files that belong to its charts."""
        if self._attachments is None:
            stock = BlobStock(
                self.store,
                self.identity,
                self.keyring,
                self.home.blobs,
                clock=self._around.clock,
                entropy=self._around.entropy,
                backed_up_through=self._blobs_through,
                kit=bool(self.store.values(LAYERS)),
            )
            self._attachments = Attachments(self.charts, stock, entropy=self._around.entropy)
        return self._attachments

    def _blobs_through(self) -> int:
        said = safety.statement(self.store)
        return 0 if said is None else said.blobs_through

    def _writable(self, kind: str) -> bool:
        return self.keyring.organisation().now.writes(self.identity.principal, kind)

    @property
    def teams(self) -> Teams:
        """The teams that it knows."""
        return Teams(self.store, self.identity, self.keyring, self.recorder)

    @property
    def access(self) -> Access:
        """Whom it lets into charts."""
        return Access(self.identity, self.keyring, self.recorder, self._around.clock, self.store)

    @property
    def purging(self) -> Purging:
        """What destroys charts whose purge was confirmed."""
        return Purging(
            self.store,
            self.keyring,
            self.access,
            clock=self._around.clock,
            events=self.events,
            record=self.auditor.destroyed,
            forget=self.charts.forget,
            beside=lambda chart: (LAYERS + chart.hex(), *self.charts.opened.names(chart)),
            swept=lambda: self.attachments.stock.sweep(),  # noqa: PLW0108 only made where something is destroyed
        )

    def check_passphrase(self, passphrase: str) -> None:
        """Check that somebody else who wants to use the open home knows its passphrase.

        Raises:
            VaultError: it is another, or the vault is damaged.
        """
        with counting(self.home.attempts, self._around.clock):
            open_vault(self.home.vault, Passphrase(passphrase))
        self.record_failed_attempts()

    def record_unlocked(self, by: str) -> None:
        """Record that somebody opened this home, if it is enrolled.

        Raises:
            StoreError: it cannot be recorded.
        """
        if is_enrolled(self.store):
            self.auditor.unlocked(by)

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

    def close(self) -> None:
        """End the process in which text is put together, and with it what it holds; reading text starts another."""
        if self._worker is not None:
            self._worker.close()

    def rest(self) -> None:
        """Keep large charts as they are now for the next start, as before the program ends."""
        if self._charts is not None:
            with suppress(StoreError):  # what cannot be kept is read anew
                self._charts.opened.rest()

    def _settle(self) -> None:
        """Destroy what is to be destroyed, and keep nothing open that may not be read any more."""
        self.purging.run()
        self.charts.opened.sweep()

    def _alarm(self, code: str) -> None:
        self.events.publish(Alarmed(code))

    def resume(self) -> None:
        """Be at work again; everything is read anew from the store."""
        self._forgotten = False

    def record_failed_attempts(self) -> None:
        """Record attempts to open this home that failed since it was last opened, if it is enrolled.

        A store that cannot take the record keeps nobody out: the file says so until the next opening.
        """
        attempts = failed_attempts(self.home.attempts)
        if attempts is None or not is_enrolled(self.store):
            return
        with suppress(StoreError):
            self.auditor.unlock_failed(attempts)
            forget_attempts(self.home.attempts)

    def relay_address(self, given: str | None) -> str:
        """The relay's address: the one given, else the one last used, else the one in the relay's record.

        Raises:
            RefusedError: none is known.
            InputError: the one given is no address.
        """
        if given is not None:
            return address_of(given)
        stored = self.store.get_value(ADDRESS)
        if stored is not None:
            return stored.decode()
        invitation = stored_invitation(self.store)
        if invitation is not None:
            return address_of(invitation.address)
        record = self.store.get_value(RELAY)
        if record is not None:
            addresses = open_relay(record, self.identity.root).value.addresses
            if addresses:
                return addresses[0]
        raise RefusedError(
            "no_relay", expected="a relay's address", got="none known on this device", do="name it with --relay URL"
        )

    def keep_address(self, address: str) -> None:
        """Remember the relay's address for the next time."""
        if self.store.get_value(ADDRESS) != address.encode():
            with self.store.writing() as writer:
                writer.put_value(ADDRESS, address.encode())

    def http(self, address: str) -> HttpClient:
        """Plain requests to a relay."""
        return self._around.http(address)

    def sync_client(self) -> SyncClient:
        """What syncs this device.

        How far the relay's log was known here before is recorded when it is clear that this store is the newest of its
        session, to go up with the rest.
        """
        known = self.store.get_value(HELD)
        return SyncClient(
            self.store,
            self.identity,
            self.keyring,
            events=self.events,
            clock=self._around.clock,
            entropy=self._around.entropy,
            timeout_s=TIMEOUT_S,
            mend=self.recorder.mend,
            settled=self._settle,
            accused=self.auditor.accused,
            compared=lambda: self.auditor.met_relay(known),
            lacking=lambda: lacking_chains(self.store),
            blobs=lambda: BlobTransfer(self.attachments.stock),
        )

    def sync_once(
        self,
        address: str,
        *,
        over_http: bool = False,
        attempts: int = 1,
        progress: Callable[[SyncReport], None] | None = None,
        budget: Budget = UNLIMITED,
    ) -> SyncReport:
        """Push what waits and take what is new; again after a pause where the relay does not answer.

        The budget is each attempt's; time is up for all of them at once.

        Raises:
            RemoteError: it did not go through; everything is kept.
        """
        self.stay_certified(address)
        client = self.sync_client()

        def once() -> SyncReport:
            with closing(self.dial(address, over_http=over_http)) as link:
                return client.run(link, address, progress=progress, budget=budget)

        report = retrying(once, attempts=attempts, entropy=self._around.entropy, sleep=self._around.pause)
        self.keep_address(address)
        self._settle()
        pending = self.store.waiting()
        self.events.publish(Synced(received=report.received, receipted=report.receipted, pending=pending))
        return report

    def stay_certified(self, address: str) -> None:
        """Where this device's certificate has ended, ask the relay whether somebody renewed it.

        Raises:
            RefusedError: nobody has; the relay would not sync with it.
            RemoteError: the relay does not answer.
        """
        if self.identity.certificate.not_after_ms < self._around.clock():
            with closing(self.http(address)) as http:
                fetch_renewal(
                    self.store, self.identity, http, now_ms=self._around.clock(), entropy=self._around.entropy
                )

    def token(self, http: HttpClient, address: str) -> bytes:
        """Prove who this device is to a relay, for what is asked beside a sync; the token stands for that.

        Raises:
            RefusedError: this device's certificate has ended.
            RemoteError: the relay does not answer, or does not let this device in.
        """
        self.stay_certified(address)
        return self.sync_client().token(HttpLink(http), address)

    def log_keeper(self) -> LogKeeper:
        """What keeps the relay to its word; convictions are recorded."""
        return LogKeeper(self.store, self.identity, events=self.events, accused=self.auditor.accused)

    def meetings(self) -> Meetings:
        """What meets other devices without the relay."""
        keeper = self.log_keeper()
        return Meetings(
            self.store,
            self.identity,
            self.keyring,
            events=self.events,
            clock=self._around.clock,
            entropy=self._around.entropy,
            timeout_s=MEETING_S,
            record=self.auditor.met_peer,
            mend=self.recorder.mend,
            gossip=Gossip(known=keeper.known, hear=keeper.gossip),
            blobs=lambda: BlobSharing(self.attachments.stock),
        )

    @property
    def bundles(self) -> Bundles:
        """What carries its entries in files."""
        return Bundles(
            store=self.store,
            identity=self.identity,
            keyring=self.keyring,
            events=self.events,
            clock=self._around.clock,
            entropy=self._around.entropy,
            record=self.auditor,
            mend=self.recorder.mend,
            stock=lambda: self.attachments.stock,
            settled=self._settle,
        )

    def meet(
        self,
        address: str,
        *,
        progress: Callable[[MeetingReport], None] = lambda _: None,
        budget: Budget = UNLIMITED,
    ) -> MeetingReport:
        """Dial another device that waits for this, and exchange what both may have.

        Raises:
            InputError: not an address of a device.
            RemoteError: it did not go through; what came is kept, and the next meeting goes on from there.
        """
        meetings = self.meetings()
        with closing(self._around.dial_peer(address)) as link:
            report = meetings.run(link, link.address, Part.DIALLED, progress=progress, budget=budget)
        self._settle()
        return report

    def host_meetings(self, events: HostEvents, *, once: bool = False) -> Host:
        """What waits for other devices, and meets who comes; nothing listens before its `run`."""
        return Host(self.meetings(), events, once=once)

    def dial(self, address: str, *, over_http: bool) -> Link:
        """Connect to a relay."""
        return self.http_link(address) if over_http else self._around.dial(address)

    def http_link(self, address: str) -> HttpLink:
        """Frames to a relay over plain requests."""
        return HttpLink(self.http(address))


def has_vault(home: Home) -> bool:
    """Whether a device was ever set up there; a place that cannot be is no home."""
    try:
        return home.vault.exists()
    except OSError:
        return False


@contextmanager
def open_home(folder: Path, passphrase: str, *, make: bool = False, cost: Cost = DEFAULT_COST) -> Iterator[Runtime]:
    """Open a device's home for the length of a `with` block.

    Args:
        folder: the home.
        passphrase: opens the vault.
        make: create vault and store where there are none.
        cost: what a vault that is created will ask of each attempt to open it.

    Raises:
        StoreError: another process uses the home, or the store is damaged.
        VaultError: wrong passphrase, damaged vault, or no vault there.
    """
    home, keystore = Home(folder), Passphrase(passphrase, cost=cost)
    if make:
        home.make()
    elif not has_vault(home):  # before the lock, which would make the folder
        raise VaultError(
            "no_vault",
            expected=f"a vault at {home.vault}",
            got="no file",
            do="enrol this device first, or name its home with --home",
        )
    with home_lock(home):
        with counting(home.attempts, clock):
            new = make and not has_vault(home)
            key = create(home.vault, keystore, entropy) if new else open_vault(home.vault, keystore)
        store = DeviceStore(home.store, key, entropy, create=make)
        try:
            runtime = Runtime(home, store, text_worker=is_wanted(os.environ.get(TEXT_WORKER)))
            with closing(runtime):
                runtime.record_failed_attempts()
                yield runtime
                runtime.rest()
        finally:
            store.close()
