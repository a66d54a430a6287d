"""Syncing a home while its user is away: sealed bytes pass both ways, and nothing is opened, shown or written.

A tablet that was locked in its dock still brings to safety what was recorded on the round, and has the night's changes
by the morning. Owns what such a sync leaves to do: convictions of the relay wait here for the user's return; the keys
that others wait for stand in the store, and the next full sync wraps them.
"""

from __future__ import annotations

from edge_runtime.connections import TIMEOUT_S
from edge_runtime.identity import load_identity
from edge_runtime.keyring import Keyring
from edge_runtime.runtime import Runtime, clock, entropy
from edge_runtime.sync.again import ask_again
from edge_runtime.sync.client import SyncClient
from sync_protocol.accusations import Verdict


class QuietSync:
    """The sync of one locked home, over as many connections as it takes."""

    def __init__(self, runtime: Runtime) -> None:
        """Sync the store of `runtime`, and touch none of its other parts."""
        self._runtime = runtime
        self._verdicts: list[Verdict] = []

    def client(self) -> SyncClient:
        """What carries out one exchange. It holds this device's signing keys for as long, and no chart's key."""
        store = self._runtime.store
        identity = load_identity(store, store)  # the one of the Runtime was let go of
        return SyncClient(
            store,
            identity,
            Keyring(store, identity),
            events=self._runtime.events,
            clock=clock,
            entropy=entropy,
            timeout_s=TIMEOUT_S,
            mend=None,
            accused=self._verdicts.append,
            lacking=lambda: ask_again(store),
        )

    def record(self) -> None:
        """Record on the trail what it found out, now that the user is back.

        Raises:
            StoreError: it cannot be recorded; it waits.
        """
        while self._verdicts:
            self._runtime.auditor.accused(self._verdicts[0])
            del self._verdicts[0]
