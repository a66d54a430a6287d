"""Letting other devices come: meetings one after the other, for as long as this device listens.

Whoever comes proves first who it is; until then it takes nobody's place. One that comes while another is being met is
asked to try again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from edge_runtime.sync.meeting import Meetings
from edge_runtime.sync.meeting_report import MeetingReport
from edge_runtime.transports.listener import listening
from edge_runtime.transports.peer_link import PeerLink
from sync_protocol.errors import ExplainedError
from sync_protocol.peer_handshake import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEvents:
    """Who hears what happens; the last three are called in threads of their own, one at a time each.

    Attributes:
        ready: hears the address once this device listens.
        progress: hears how a meeting goes.
        met: hears of each meeting that came to its end.
        failed: hears of each that did not.
    """

    ready: Callable[[str], None]
    progress: Callable[[MeetingReport], None]
    met: Callable[[MeetingReport], None]
    failed: Callable[[ExplainedError], None]


class Host:
    """Listens, and meets who comes."""

    def __init__(self, meetings: Meetings, events: HostEvents, *, once: bool) -> None:
        """Prepare to listen; `once` ends it after the first meeting that came to its end."""
        self._meetings = meetings
        self._events = events
        self._once = once
        self._meeting = threading.Lock()
        self._telling = threading.Lock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End `run`, from another thread or a signal handler; a meeting under way is cut off and loses nothing."""
        self._stopped.set()

    def run(self, host: str, port: int) -> None:
        """Listen and meet, until told to stop.

        Raises:
            InputError: that address cannot be listened on.
        """
        with listening(host, port, self._serve) as listener:
            server = threading.Thread(target=listener.serve_forever)
            server.start()
            try:
                self._events.ready(listener.address)
                self._stopped.wait()
            finally:
                listener.stop()
                server.join()

    def _serve(self, link: PeerLink, address: str) -> None:
        """One connection, in its own thread."""
        entered = False

        def enter() -> bool:
            nonlocal entered
            entered = not self._stopped.is_set() and self._meeting.acquire(blocking=False)
            return entered

        try:
            report = self._meetings.run(link, address, Part.ANSWERED, enter=enter, progress=self._events.progress)
            with self._telling:
                self._events.met(report)
            if self._once:
                self.stop()
        except Exception as error:  # noqa: BLE001 one bad meeting must not end the others, nor pass in silence
            with self._telling:
                self._events.failed(error if isinstance(error, ExplainedError) else _bug(error))
        finally:
            if entered:
                self._meeting.release()


def _bug(error: Exception) -> ExplainedError:
    """An error that nobody foresaw: its kind only, because its words may hold a patient's."""
    return ExplainedError(
        "bug", expected="a foreseen error", got=type(error).__name__, do="nothing that was stored is lost; report this"
    )
