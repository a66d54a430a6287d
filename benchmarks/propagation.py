"""From an edit on one device to durable on another: two devices, a relay, each a process of its own, over WebSocket.

The baseline is the same path with nothing in it: the same library, the same sizes and pace, a relay that hands every
message on. What lies between is sealing, signing, three durable commits, verification on both sides and the log.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from typing import Final, NamedTuple

from websockets.sync.client import connect

from benchmarks.devices import observation, opened
from benchmarks.measuring import Case, Options, Report, Series, Step, interleaved
from benchmarks.propagation_peers import Peer, echo, peer, read_bare, read_durably
from benchmarks.propagation_stage import TIMEOUT_S, Stage, enrol
from edge_runtime.connections import TICK_S
from edge_runtime.facts import Content
from edge_runtime.runtime import Runtime
from edge_runtime.transports.link import Link
from edge_runtime.transports.websocket import WebSocketLink
from sync_protocol.ids import EntryHash
from sync_protocol.roles import Compartment

RATE_S: Final = 20
"""Edits a second."""
_EDITS: Final = 40
"""In a round."""
_SETTLE_S: Final = 0.5
"""After dialling, before the pace begins."""


class Written(NamedTuple):
    """An edit that is durable here: its entry, and since when in nanoseconds."""

    entry: EntryHash
    at: int


class _Pen:
    """A link that records edits at their pace while the sync client waits on it for the relay.

    With `at_once` the client's wait ends after an edit, and it pushes; without, it waits on, as the program ships it:
    whoever records there does so beside the client, which finds the edit when its wait is over.
    """

    def __init__(self, link: Link, record: Callable[[], Written], *, edits: int, at_once: bool) -> None:
        self._link = link
        self._record = record
        self._at_once = at_once
        start = time.monotonic()
        # The first edit is unmeasured: until it is there, the connection may still be in the making.
        self._due = deque([start, *(start + _SETTLE_S + number / RATE_S for number in range(edits))])
        self.began: list[int] = []
        self.written: list[Written] = []

    @property
    def done(self) -> bool:
        """Whether every edit was recorded."""
        return not self._due

    def send(self, frame: bytes) -> None:
        """See Link."""
        self._link.send(frame)

    def receive(self, *, timeout_s: float) -> bytes | None:
        """See Link."""
        ends = time.monotonic() + timeout_s
        while (now := time.monotonic()) < ends:
            if self._due and self._due[0] <= now:
                self._due.popleft()
                self.began.append(time.monotonic_ns())
                self.written.append(self._record())
                if self._at_once:
                    return None
                continue
            until = min(ends, self._due[0]) if self._due else ends
            frame = self._link.receive(timeout_s=until - now)
            if frame is not None:
                return frame
        return None

    def close(self) -> None:
        """See Link."""
        self._link.close()


class _Writer:
    """The device that writes, and what it hears of the one that reads."""

    def __init__(self, device: Runtime, stage: Stage, reader: Peer, *, edits: int) -> None:
        self._device = device
        self._stage = stage
        self._reader = reader
        self._edits = edits
        self._number = 0
        self._told: dict[bytes, int] = dict(reader.receive())
        self.entry_bytes = 0
        self.after_commit: list[list[float]] = []
        """Milliseconds from durable here to durable there, by round, of edits that were pushed at once."""

    def write(self, *, at_once: bool) -> list[float]:
        """Record at the pace; milliseconds from the beginning of each edit to durable there."""
        address = self._stage.address
        self._told.clear()
        with closing(WebSocketLink(address, timeout_s=TIMEOUT_S)) as link:
            pen = _Pen(link, self._record, edits=self._edits, at_once=at_once)
            client = self._device.connections.sync_client()
            ends = time.monotonic() + _SETTLE_S + self._edits / RATE_S + TIMEOUT_S

            def stopped() -> bool:
                for told in self._reader.rest():
                    self._told.update(told)
                if time.monotonic() > ends:
                    raise RuntimeError("the reading device fell silent")
                return pen.done and all(edit.entry in self._told for edit in pen.written)

            client.live(pen, address, stopped=stopped, tick_s=TICK_S)
        arrived = [self._told[edit.entry] for edit in pen.written]
        if at_once:
            self.after_commit.append(_ms([edit.at for edit in pen.written], arrived)[1:])
        return _ms(pen.began, arrived)[1:]

    def _record(self) -> Written:
        """Record an observation, which is one entry."""
        batch = self._device.recorder.begin()
        self._number += 1
        content = Content(facts=(observation(self._number),), text=None)
        batch.content(self._stage.chart, self._stage.document, Compartment.CLINICAL, content)
        (entry,) = self._device.recorder.write(batch)
        now_ns = time.monotonic_ns()
        self.entry_bytes = len(entry.wire.header) + len(entry.wire.body)
        return Written(entry.hash, now_ns)


class _Bare:
    """The same pace and sizes through a relay that does nothing."""

    def __init__(self, address: str, reader: Peer, *, edits: int, size: int) -> None:
        self._connection = connect(address, compression=None, proxy=None)
        self._reader = reader
        self._edits = edits
        self._filling = bytes(size)
        self._number = 0

    def send(self) -> list[float]:
        """Send at the pace; milliseconds until there."""
        sent: list[int] = []
        start = time.monotonic() + 1 / RATE_S
        for number in range(self._edits):
            _sleep(start + number / RATE_S)
            self._number += 1
            sent.append(time.monotonic_ns())
            self._connection.send(self._number.to_bytes(8, "big") + self._filling)
        told = [self._reader.receive() for _ in range(self._edits)]
        assert [number for number, _ in told] == list(range(self._number - self._edits + 1, self._number + 1))
        return _ms(sent, [at for _, at in told])

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def run(options: Options) -> Report:
    """Measure."""
    edits = options.size(_EDITS, 4)
    with ExitStack() as stack:
        stage = enrol(options.scratch, stack)
        device = stack.enter_context(opened(stage.writer))
        reader = stack.enter_context(peer(read_durably, stage.reader.folder, stage.address))
        writer = _Writer(device, stage, reader, edits=edits)
        writer.write(at_once=True)  # unmeasured: it fills caches, and tells the size of an entry
        writer.after_commit.clear()
        bare_address = stack.enter_context(peer(echo)).receive()
        bare_reader = stack.enter_context(peer(read_bare, bare_address))
        bare_reader.receive()
        bare = _Bare(bare_address, bare_reader, edits=edits, size=writer.entry_bytes)
        stack.callback(bare.close)
        steps: dict[str, Step] = {
            "at once": partial(writer.write, at_once=True),
            "ticking": partial(writer.write, at_once=False),
            "bare": bare.send,
        }
        found = interleaved(steps, rounds=options.rounds)
    against = Series("ms", found["bare"])
    names = {
        "edit begins to durable there, pushed at once": found["at once"],
        "durable here to durable there, pushed at once": writer.after_commit,
        f"edit begins to durable there, a tick of {TICK_S:g} s": found["ticking"],
    }
    return Report(
        cases=[
            Case(name=name, series=Series("ms", rounds), baseline="bare WebSocket relay", against=against)
            for name, rounds in names.items()
        ],
        facts={"edits a second": RATE_S, "edits a case": options.rounds * edits, "bytes an entry": writer.entry_bytes},
        notes=[
            "an edit is recorded without opening the chart first: `edit_durable` measures that",
            f"as it ships, the sync client looks for something to push when the relay said nothing for {TICK_S:g} s",
        ],
    )


def _sleep(moment_s: float) -> None:
    time.sleep(max(0.0, moment_s - time.monotonic()))


def _ms(began_ns: list[int], ended_ns: list[int]) -> list[float]:
    return [(end - begin) / 1e6 for begin, end in zip(began_ns, ended_ns, strict=True)]
