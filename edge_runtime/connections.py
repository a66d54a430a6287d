"""What a device exchanges with others: with the relay, with devices that it meets, with files.

Owns whom it asks for what, which of its rooms take part, and that what came in is settled. How one exchange goes is
`sync`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Final

from edge_runtime.blobs.sharing import BlobSharing
from edge_runtime.blobs.transfer import BlobTransfer
from edge_runtime.enrolment.renewal import fetch_renewal
from edge_runtime.errors import RefusedError
from edge_runtime.events import Synced
from edge_runtime.identity import RELAY_ADDRESS, stored_invitation
from edge_runtime.rooms import Rooms
from edge_runtime.sync.again import ask_again
from edge_runtime.sync.budget import UNLIMITED, Budget
from edge_runtime.sync.bundles import Bundles
from edge_runtime.sync.client import RELAY, SyncClient, SyncReport
from edge_runtime.sync.hosting import Host, HostEvents
from edge_runtime.sync.log_keeping import LogKeeper
from edge_runtime.sync.log_shelf import HELD
from edge_runtime.sync.meeting import Meetings
from edge_runtime.sync.meeting_report import MeetingReport
from edge_runtime.sync.meeting_run import Gossip
from edge_runtime.sync.retry import retrying
from edge_runtime.transports.http import HttpClient, HttpLink
from edge_runtime.transports.link import Link, address_of
from sync_protocol.certificates import open_relay
from sync_protocol.peer_handshake import Part

TIMEOUT_S: Final = 20.0
"""How long the relay, and whoever is dialled, may take to answer."""
TICK_S: Final = 0.2
"""How often a live connection looks whether there is something to push."""
MEETING_S: Final = 60.0
"""How long another device may take to look through what it holds."""


class Connections:
    """One device's exchanges with others. Keeps nothing itself."""

    def __init__(self, rooms: Rooms) -> None:
        """Exchange what is in `rooms`."""
        self._rooms = rooms
        self._around = rooms.surroundings

    def relay_address(self, given: str | None) -> str:
        """The relay's address: the one given, else the one last used, else the one in the relay's record.

        Raises:
            RefusedError: none is known.
            InputError: the one given is no address.
        """
        rooms = self._rooms
        if given is not None:
            return address_of(given)
        stored = rooms.store.get_value(RELAY_ADDRESS)
        if stored is not None:
            return stored.decode()
        invitation = stored_invitation(rooms.store)
        if invitation is not None:
            return address_of(invitation.address)
        record = rooms.store.get_value(RELAY)
        if record is not None:
            addresses = open_relay(record, rooms.identity.root).value.addresses
            if addresses:
                return addresses[0]
        raise RefusedError(
            "no_relay", expected="a relay's address", got="none known on this device", do="name it with --relay URL"
        )

    def keep_address(self, address: str) -> None:
        """Remember the relay's address for the next time."""
        if self._rooms.store.get_value(RELAY_ADDRESS) != address.encode():
            with self._rooms.store.writing() as writer:
                writer.put_value(RELAY_ADDRESS, address.encode())

    def http(self, address: str) -> HttpClient:
        """Plain requests to a relay."""
        return self._around.http(address)

    def sync_client(self) -> SyncClient:
        """What syncs this device.

        How far the relay's log was known here before is recorded when it is clear that this store is the newest of its
        session, to go up with the rest.
        """
        rooms = self._rooms
        known = rooms.store.get_value(HELD)
        return SyncClient(
            rooms.store,
            rooms.identity,
            rooms.keyring,
            events=rooms.events,
            clock=self._around.clock,
            entropy=self._around.entropy,
            timeout_s=TIMEOUT_S,
            mend=rooms.recorder.mend,
            settled=rooms.settle,
            accused=rooms.auditor.accused,
            compared=lambda: rooms.auditor.met_relay(known),
            lacking=lambda: ask_again(rooms.store),
            blobs=lambda: BlobTransfer(rooms.attachments.stock),
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
        rooms = self._rooms
        self.stay_certified(address)
        client = self.sync_client()

        def once() -> SyncReport:
            with closing(self.dial(address, over_http=over_http)) as link:
                return client.run(link, address, progress=progress, budget=budget)

        report = retrying(once, attempts=attempts, entropy=self._around.entropy, sleep=self._around.pause)
        self.keep_address(address)
        rooms.settle()
        pending = rooms.store.waiting()
        rooms.events.publish(Synced(received=report.received, receipted=report.receipted, pending=pending))
        return report

    def stay_certified(self, address: str) -> None:
        """Where this device's certificate has ended, ask the relay whether somebody renewed it.

        Raises:
            RefusedError: nobody has; the relay would not sync with it.
            RemoteError: the relay does not answer.
        """
        rooms = self._rooms
        if rooms.identity.certificate.not_after_ms < self._around.clock():
            with closing(self.http(address)) as http:
                fetch_renewal(
                    rooms.store,
                    rooms.identity,
                    http,
                    now_ms=self._around.clock(),
                    entropy=self._around.entropy,
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
        rooms = self._rooms
        return LogKeeper(rooms.store, rooms.identity, events=rooms.events, accused=rooms.auditor.accused)

    def meetings(self) -> Meetings:
        """What meets other devices without the relay."""
        rooms = self._rooms
        keeper = self.log_keeper()
        return Meetings(
            rooms.store,
            rooms.identity,
            rooms.keyring,
            events=rooms.events,
            clock=self._around.clock,
            entropy=self._around.entropy,
            timeout_s=MEETING_S,
            record=rooms.auditor.met_peer,
            mend=rooms.recorder.mend,
            gossip=Gossip(known=keeper.known, hear=keeper.gossip),
            blobs=lambda: BlobSharing(rooms.attachments.stock),
        )

    @property
    def bundles(self) -> Bundles:
        """What carries its entries in files."""
        rooms = self._rooms
        return Bundles(
            store=rooms.store,
            identity=rooms.identity,
            keyring=rooms.keyring,
            events=rooms.events,
            clock=self._around.clock,
            entropy=self._around.entropy,
            record=rooms.auditor,
            mend=rooms.recorder.mend,
            stock=lambda: rooms.attachments.stock,
            settled=rooms.settle,
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
        self._rooms.settle()
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
