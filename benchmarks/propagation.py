"""From an edit on one device to durable on another: two devices, a relay, each a process of its own, over WebSocket.

The baseline is the same path with nothing in it: the same library, the same sizes and pace, a relay that hands every
message on. What lies between is sealing, signing, three durable commits, verification on both sides and the log.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from websockets.sync.client import connect

from benchmarks.devices import observation, opened
from benchmarks.measuring import Case, Options, Report, Series, interleaved
from benchmarks.propagation_peers import Peer, echo, peer, read_bare, read_durably
from benchmarks.propagation_stage import POLL_S, TIMEOUT_S, Stage, enrol
from edge_runtime.facts import Content
from edge_runtime.runtime import TICK_S, Runtime, entropy
from edge_runtime.sync.client import Run, load_cursor
from edge_runtime.transports.websocket import WebSocketLink
from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.limits import HASH_BYTES
from sync_protocol.roles import Compartment

RATE_S: Final = 20
"""Edits a second."""
_EDITS: Final = 40
"""In a round."""


class _Writer:
    """The device that writes, and what it knows of the others."""

    def __init__(self, device: Runtime, stage: Stage, reader: Peer, *, edits: int) -> None:
        self._device = device
        self._stage = stage
        self._reader = reader
        self._edits = edits
        self._number = 0
        self._size, _ = self._told()
        self.entry_bytes = 0
        self.after_commit: list[list[float]] = []
        """Milliseconds from durable here to durable there, by round."""

    def pushed(self) -> list[float]:
        """Push each edit at once; milliseconds from its beginning to durable there."""
        live = _Live(self._device, self._stage.address)
        began, committed = self._paced(lambda: self._record(live), wait=live.until)
        live.settle()
        arrived = self._arrived()
        self.after_commit.append(_ms(committed, arrived))
        return _ms(began, arrived)

    def ticking(self) -> list[float]:
        """Let the sync client find the edits itself, as it ships: it looks when nothing came for a tick."""
        stop = threading.Event()
        beside = Runtime(self._device.home, self._device.store)
        link = WebSocketLink(self._stage.address, timeout_s=TIMEOUT_S)
        client = beside.sync_client()
        thread = threading.Thread(
            target=lambda: client.live(link, self._stage.address, stopped=stop.is_set, tick_s=TICK_S)
        )
        thread.start()
        began, _ = self._paced(lambda: self._record(None), wait=_sleep)
        arrived = self._arrived()
        stop.set()
        thread.join()
        return _ms(began, arrived)

    def warm_up(self) -> None:
        """One edit, so that everybody is connected and every cache is warm."""
        edits, self._edits = self._edits, 1
        self.pushed()
        self._edits = edits
        self.after_commit.clear()

    def _record(self, live: _Live | None) -> int:
        """Record an observation; when it was durable."""
        batch = self._device.recorder.begin()
        self._number += 1
        content = Content(facts=(observation(self._number),), text=None)
        batch.content(self._stage.chart, self._stage.document, Compartment.CLINICAL, content)
        entries = self._device.recorder.write(batch)
        now_ns = time.monotonic_ns()
        self.entry_bytes = sum(len(entry.wire.header) + len(entry.wire.body) for entry in entries)
        if live is not None:
            live.push()
        return now_ns

    def _paced(self, record: Callable[[], int], *, wait: Callable[[float], None]) -> tuple[list[int], list[int]]:
        """Record at the pace; when each began and when it was durable here."""
        began: list[int] = []
        committed: list[int] = []
        start = time.monotonic() + 1 / RATE_S
        for number in range(self._edits):
            wait(start + number / RATE_S)
            began.append(time.monotonic_ns())
            committed.append(record())
        return began, committed

    def _arrived(self) -> list[int]:
        """When each of the last edits was durable there."""
        found: list[int] = []
        size, at = self._size, 0
        for wanted in range(self._size + 1, self._size + self._edits + 1):
            while size < wanted:
                size, at = self._told()
            found.append(at)
        self._size += self._edits
        return found

    def _told(self) -> tuple[int, int]:
        told: tuple[int, int] = self._reader.receive()
        return told


class _Live:
    """A connection to the relay that pushes when it is told to, in the thread that writes."""

    def __init__(self, device: Runtime, address: str) -> None:
        self._link = WebSocketLink(address, timeout_s=TIMEOUT_S)
        identity, store = device.identity, device.store
        self._run = Run(store, identity, device.keyring, device.events, self._link)
        self._exchange = DeviceExchange(
            root=identity.root,
            certificates=identity.chain,
            signer=identity.keys.signer,
            address=address,
            nonce=entropy(HASH_BYTES),
            cursor=load_cursor(store),
            sessions=self._run.outbox.sessions(),
        )
        self._run.carry_out(self._exchange, self._exchange.start())
        self._until(lambda: self._run.done)

    def push(self) -> None:
        """Send what waits."""
        self._run.push(self._exchange)

    def until(self, moment_s: float) -> None:
        """Handle what comes until then."""
        while (left_s := moment_s - time.monotonic()) > 0:
            self._step(left_s)

    def settle(self) -> None:
        """Wait for every receipt, then close."""
        self._until(lambda: self._run.outbox.settled)
        self._link.close()

    def _until(self, done: Callable[[], bool]) -> None:
        ends = time.monotonic() + TIMEOUT_S
        while not done():
            if time.monotonic() > ends:
                raise RuntimeError("the relay fell silent")
            self._step(POLL_S)

    def _step(self, timeout_s: float) -> None:
        frame = self._link.receive(timeout_s=timeout_s)
        if frame is not None:
            self._run.carry_out(self._exchange, self._exchange.receive(frame))


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
        writer_device = stack.enter_context(opened(stage.writer))
        reader = stack.enter_context(peer(read_durably, stage.reader.folder, stage.address))
        writer = _Writer(writer_device, stage, reader, edits=edits)
        writer.warm_up()
        relay = stack.enter_context(peer(echo))
        bare_address = relay.receive()
        bare_reader = stack.enter_context(peer(read_bare, bare_address))
        bare_reader.receive()
        bare = _Bare(bare_address, bare_reader, edits=edits, size=writer.entry_bytes)
        stack.callback(bare.close)
        found = interleaved(
            {"pushed": writer.pushed, "ticking": writer.ticking, "bare": bare.send}, rounds=options.rounds
        )
    against = Series("ms", found["bare"])
    names = {
        "edit begins to durable there, pushed at once": found["pushed"],
        "durable here to durable there, pushed at once": writer.after_commit,
        f"edit begins to durable there, sync client's tick of {TICK_S:g} s": found["ticking"],
    }
    return Report(
        cases=[
            Case(name=name, series=Series("ms", rounds), baseline="bare WebSocket relay", against=against)
            for name, rounds in names.items()
        ],
        facts={"edits a second": RATE_S, "edits a case": options.rounds * edits, "bytes an entry": writer.entry_bytes},
        notes=["an edit is recorded without opening the chart first: `edit_durable` measures that"],
    )


def _sleep(moment_s: float) -> None:
    time.sleep(max(0.0, moment_s - time.monotonic()))


def _ms(began_ns: list[int], ended_ns: list[int]) -> list[float]:
    return [(end - begin) / 1e6 for begin, end in zip(began_ns, ended_ns, strict=True)]
