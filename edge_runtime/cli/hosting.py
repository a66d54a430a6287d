"""What `fieldward sync host` shows while it waits, and how it is told to stop."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_runtime.cli.meeting_text import is_well, meeting_json, own_words, say_meeting
from edge_runtime.cli.output import EXIT_DONE, EXIT_REFUSED, print_error, print_json, say, working, write_out
from edge_runtime.sync.hosting import HostEvents

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_runtime.runtime import Runtime
    from edge_runtime.sync.meeting_report import MeetingReport
    from sync_protocol.errors import ExplainedError

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class HostScreen:
    """One device that waits for others, as a person or a machine sees it."""

    def __init__(self, runtime: Runtime, ready_file: Path | None, *, as_json: bool) -> None:
        """Show what `runtime` meets; `ready_file` is written once it listens."""
        self._runtime = runtime
        self._ready_file = ready_file
        self._as_json = as_json
        self._well = True
        self._words: Callable[[str], None] = lambda _: None

    def run(self, address: str, port: int, *, once: bool) -> int:
        """Wait until told to stop, by a signal or, with `once`, by a meeting that came to its end; the exit code."""
        events = HostEvents(ready=self._ready, progress=self._progress, met=self._met, failed=self._failed)
        host = self._runtime.connections.host_meetings(events, once=once)
        before = {number: signal.signal(number, lambda *_: host.stop()) for number in _SIGNALS}
        try:
            with working("Waiting for other devices", as_json=self._as_json) as self._words:
                host.run(address, port)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self._ready_file is not None:
            with suppress(OSError):
                self._ready_file.unlink(missing_ok=True)
        return EXIT_DONE if self._well or not once else EXIT_REFUSED

    def _ready(self, address: str) -> None:
        if self._ready_file is not None:
            write_out(self._ready_file, json.dumps({"url": address, "pid": os.getpid()}).encode())
        if not self._as_json:
            say(f"This device: {own_words(self._runtime.identity.certificate)}.")
            say(f"It waits at {address}; on the other device run 'fieldward sync meet {address}'. Ctrl-C ends it.")

    def _progress(self, report: MeetingReport) -> None:
        self._words(f"Meeting: {report.received} entries came, {report.sent} handed over")

    def _met(self, report: MeetingReport) -> None:
        self._well = is_well(report)
        pending = self._runtime.store.waiting()
        if self._as_json:
            print_json(meeting_json(report, pending=pending))
        else:
            say_meeting(report, pending=pending)

    def _failed(self, error: ExplainedError) -> None:
        print_error(error, as_json=self._as_json)
