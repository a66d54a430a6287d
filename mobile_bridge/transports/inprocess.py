"""In-process: a host in the same process hands over bytes and gets bytes. For embedded Python in a phone app.

Either the host takes frames when it likes, or a `Delivery` calls it, in a thread that is neither the bridge's nor the
host's own: what a callback does delays nobody but itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from mobile_bridge.dispatcher import Bridge
from mobile_bridge.errors import HostError

_log = logging.getLogger(__name__)
_THREAD: Final = "fieldward-delivery"


class InProcessHost:
    """One connection, from within the process. Its methods may be called from any thread."""

    def __init__(self, bridge: Bridge) -> None:
        """Connect; returns at once.

        Raises:
            HostError: too many hosts, or the bridge is closed.
        """
        self._changed = threading.Condition()
        self._line = bridge.connect(self._put)

    def send(self, frame: bytes) -> None:
        """Hand over one frame; returns at once.

        Raises:
            HostError: the connection is over, or too many frames wait already.
        """
        self._line.submit(frame)

    def receive(self, *, timeout_s: float | None = None) -> bytes | None:
        """Wait for the next frame; None when none came in time.

        Raises:
            HostError: "line_closed": all frames were taken, and none will come.
        """
        outbox = self._line.outbox
        with self._changed:
            self._changed.wait_for(lambda: outbox.waiting or outbox.ended, timeout_s)
        frame = outbox.take()
        if frame is None and outbox.ended:
            raise HostError("line_closed", expected="an open connection", got="one that is over", do="connect again")
        return frame

    def close(self) -> None:
        """End the connection; again is nothing."""
        self._line.hang_up()

    def _put(self) -> None:
        with self._changed:
            self._changed.notify_all()


class Delivery:
    """Calls a host with each frame, in order, in a thread of its own."""

    def __init__(self, host: InProcessHost, on_frame: Callable[[bytes], None], on_closed: Callable[[], None]) -> None:
        """Prepare; `start` begins.

        Args:
            host: whose frames; nobody else takes them.
            on_frame: gets each frame. One that fails is noted in the log and hears of the next one.
            on_closed: called once, after the last frame.
        """
        self._host = host
        self._on_frame = on_frame
        self._on_closed = on_closed
        self._thread = threading.Thread(target=self._run, name=_THREAD, daemon=True)

    def start(self) -> None:
        """Begin to call."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the connection."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            try:
                frame = self._host.receive()
            except HostError:
                self._call(self._on_closed)
                return
            if frame is not None:
                self._call(partial(self._on_frame, frame))

    @staticmethod
    def _call(callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 foreign code; its own words may quote what it was showing
            _log.error("a host's callback failed: %s", type(error).__name__)
