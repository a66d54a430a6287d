"""What waits for one host: frames in order, bounded, filled by the bridge's thread and emptied by any."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from mobile_bridge.limits import OUTBOX_BYTES_LOW, OUTBOX_FRAMES_LOW, OUTBOX_FRAMES_MAX


class Outbox:
    """Frames for one host."""

    def __init__(self, *, on_put: Callable[[], None], on_room: Callable[[], None]) -> None:
        """Start empty.

        Args:
            on_put: called in the bridge's thread when there is something to take, or the end came; returns at once.
            on_room: called in the taker's thread when there is room again.
        """
        self._on_put = on_put
        self._on_room = on_room
        self._lock = threading.Lock()
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._closed = False

    @property
    def has_room(self) -> bool:
        """Whether more should be made for this host now."""
        return len(self._frames) < OUTBOX_FRAMES_LOW and self._bytes < OUTBOX_BYTES_LOW

    @property
    def waiting(self) -> bool:
        """Whether there is something to take."""
        return bool(self._frames)

    @property
    def over(self) -> bool:
        """Whether the host takes nothing and only asks."""
        return len(self._frames) >= OUTBOX_FRAMES_MAX

    @property
    def closed(self) -> bool:
        """Whether nothing more comes in."""
        return self._closed

    @property
    def ended(self) -> bool:
        """Whether all was taken, and nothing will come."""
        return self._closed and not self._frames

    def put(self, frame: bytes) -> None:
        """Add a frame; after `close` it is dropped."""
        with self._lock:
            if self._closed:
                return
            self._frames.append(frame)
            self._bytes += len(frame)
        self._on_put()

    def take(self) -> bytes | None:
        """The oldest frame; None when there is none now."""
        with self._lock:
            if not self._frames:
                return None
            had_room = self.has_room
            frame = self._frames.popleft()
            self._bytes -= len(frame)
            room = self.has_room and not had_room
        if room:
            self._on_room()
        return frame

    def close(self) -> None:
        """Let nothing more in; what is there can be taken still."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._on_put()
