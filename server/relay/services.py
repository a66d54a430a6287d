"""What a connection needs of the relay, put together once by `app`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

from server.relay.backed import Backups
from server.relay.blobs import Blobs
from server.relay.budgets import Budgets, DiskFloor
from server.relay.directory import Directory
from server.relay.enrolment import Enrolment
from server.relay.fanout import Fanout
from server.relay.gate import Gate
from server.relay.growth import LogGrowth
from server.relay.identity import Identity
from server.relay.ingest import Ingest
from server.relay.rates import Rates
from server.relay.revocations import Revocations
from server.relay.seen import Watch
from server.relay.settings import RelaySettings
from server.relay.store import SqlStore
from server.relay.window import Archive, Window
from sync_protocol.certificates import Trust

PAGES_BYTES_MAX = 64 * 1024 * 1024
"""Pages from the store that are loaded and not yet sent, of all live connections together."""


@dataclass(slots=True, kw_only=True)
class Services:
    """The parts of a running relay.

    Attributes:
        verifiers, readers: threads for cryptography, and for the store.
        now_ms, entropy: the clock in Unix milliseconds, and random bytes of a length.
        listening: the URL under which the socket was bound; empty before.
    """

    settings: RelaySettings
    identity: Identity
    trust: Trust
    directory: Directory
    revocations: Revocations
    store: SqlStore
    window: Window
    archive: Archive
    fanout: Fanout
    growth: LogGrowth
    ingest: Ingest
    enrolment: Enrolment
    blobs: Blobs
    rates: Rates
    backups: Backups
    budgets: Budgets
    disk: DiskFloor
    watch: Watch
    verifiers: Executor
    readers: Executor
    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes]
    pages: Gate = field(default_factory=lambda: Gate(PAGES_BYTES_MAX))
    listening: str = ""

    @property
    def addresses(self) -> frozenset[str]:
        """Under which this relay may have been dialled.

        Raises:
            UnclaimedError: nobody can know yet.
        """
        own = self.settings.public_addresses or (self.listening,)
        return frozenset(address.rstrip("/") for address in (*own, *self.identity.record.value.addresses))
