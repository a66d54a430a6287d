"""Tells live connections that there is something for them, and nothing more: no entry waits here for anyone.

A woken connection reads on from its own position, most often in the window. One that is slow, or was away, is behind by
a position; what it missed is in the log. The frames of a page are packed once for all who get the same page.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from server.relay.directory import Directory
from server.relay.errors import busy, revoked
from server.relay.stretches import FeedPage
from server.relay.window import Commit
from sync_protocol.ids import CertificateHash
from sync_protocol.intake import Proofs

LISTENERS_MAX: Final = 4096
LISTENERS_OF_ONE_MAX: Final = 8
"""Of one principal: one at work, and what a bad link left behind until it is noticed."""
_PACKED_MAX: Final = 64
"""Packed pages that are kept; connections that are woken together ask within milliseconds of each other."""
_PACKED_BYTES_MAX: Final = 64 * 1024
"""Of one page; a larger one is rarely the same for two."""


class Listener:
    """What one live connection waits on. In the event loop's thread alone."""

    def __init__(self) -> None:
        """Begin without news."""
        self._news = asyncio.Event()
        self.revoked = asyncio.Event()
        """Set when the device is trusted no longer: the connection must end at once, whatever it waits for."""
        self._first: int | None = None

    def wake(self, first: int) -> None:
        """There is something new, at log index `first` or after it."""
        if self._first is None:
            self._first = first
        self._news.set()

    async def wait(self) -> int:
        """Wait for news.

        Returns:
            The log index from which on there may be some; what came below it and since the last call is none of ours.
        """
        await self._news.wait()
        self._news.clear()
        first, self._first = self._first, None
        assert first is not None, "news have a place"
        return first


class Fanout:
    """The live connections, by the principal that they authenticated as. In the event loop's thread alone."""

    def __init__(self, directory: Directory) -> None:
        """Begin without a connection."""
        self._directory = directory
        self._listeners: defaultdict[CertificateHash, set[Listener]] = defaultdict(set)
        self._packed: OrderedDict[tuple[Proofs, tuple[int, ...]], tuple[bytes, ...]] = OrderedDict()
        self.count = 0

    def join(self, name: CertificateHash, listener: Listener) -> None:
        """Wake this listener from now on.

        Raises:
            BusyError: there are too many.
            RevokedError: it was revoked meanwhile.
        """
        name = self._directory.principal(name)
        if name in self._directory.revoked:
            raise revoked()
        if self.count >= LISTENERS_MAX:
            raise busy("live connections", LISTENERS_MAX, "connections")
        if len(self._listeners.get(name, ())) >= LISTENERS_OF_ONE_MAX:
            raise busy("live connections of one user on one device", LISTENERS_OF_ONE_MAX, "connections")
        self._listeners[name].add(listener)
        self.count += 1

    def leave(self, name: CertificateHash, listener: Listener) -> None:
        """Wake it no longer."""
        name = self._directory.principal(name)
        mine = self._listeners.get(name, set())
        if listener in mine:
            mine.discard(listener)
            self.count -= 1
        if not mine:
            self._listeners.pop(name, None)

    def wake(self, commit: Commit) -> None:
        """Wake everybody whom a commit concerns; it is in the directory and in the window already."""
        streams = {item.entry.header.stream for item in commit.arrived}
        concerned = self._directory.readers(streams, commit.first)
        names: Iterable[CertificateHash] = tuple(self._listeners) if concerned is None else concerned
        for name in names:
            for listener in self._listeners.get(name, ()):
                listener.wake(commit.first)

    def wake_all(self, first: int) -> None:
        """Wake everybody: there is news that is no entry."""
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.wake(first)

    def enforce(self) -> None:
        """End the connections of everybody who is revoked."""
        for name in self._directory.revoked & self._listeners.keys():
            for listener in self._listeners[name]:
                listener.revoked.set()

    def forget(self) -> None:
        """Keep no page packed: something of it was destroyed."""
        self._packed.clear()

    def packed(self, page: FeedPage, pack: Callable[[FeedPage], tuple[bytes, ...]]) -> tuple[bytes, ...]:
        """The frames of a page, made by `pack` unless somebody else just got the same page."""
        key = (page.proofs, tuple(item.index for item in page.entries))
        found = self._packed.get(key)
        if found is None:
            found = pack(page)
            if sum(map(len, found)) <= _PACKED_BYTES_MAX:
                self._packed[key] = found
                if len(self._packed) > _PACKED_MAX:
                    self._packed.popitem(last=False)
        return found
