"""A simulated network: links that lose, repeat, re-order, delay and cut, between devices and the relay, and in pairs.

Owns the weather of each link and the order in which the two ends of a meeting run: one at a time, handing a baton over
when they wait. While an end waits for a frame, the world may let others act: that is how syncs interleave.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from edge_runtime.errors import RemoteError
from edge_runtime.transports.link import unreachable
from sync_protocol.frames import FrameReader
from tests.simulation.clock import Time
from tests.simulation.disk import Crash
from tests.simulation.relay import ADDRESS, SimRelay, Socket

PEER_ADDRESS: Final = "ws://192.0.2.5:8731"
_CALM: Final = 0.5
_HANGS_S: Final = 120.0
"""A baton that is not handed over within this is a bug of the simulation."""


@dataclass(slots=True)
class Weather:
    """What one link does to frames.

    Attributes:
        loss, again, order: chances, a frame, that it is lost, arrives twice, or after the next one.
        latency_ms: how long each frame takes.
        cut_after: frames until the link ends; None for never.
    """

    loss: float = 0.0
    again: float = 0.0
    order: float = 0.0
    latency_ms: int = 20
    cut_after: int | None = None


def calm(rng: random.Random) -> Weather:
    """Nothing is lost, and little time."""
    return Weather(latency_ms=rng.randint(5, 80))


def chanced(rng: random.Random, fault: Callable[[str], None]) -> Weather:
    """Calm every other time; else one thing that links do."""
    if rng.random() < _CALM:
        return calm(rng)
    match rng.randrange(5):
        case 0:
            return Weather(loss=0.06)
        case 1:
            return Weather(again=0.2)
        case 2:
            return Weather(order=0.15)
        case 3:
            fault("slow_link")
            return Weather(latency_ms=rng.choice((2_000, 15_000, 60_000)))
        case _:
            return Weather(cut_after=rng.randint(1, 24))


class Sky:
    """What all links of a world share.

    Attributes:
        fault: told of each fault by its kind.
        seen: shown every frame that travels.
        meanwhile: lets others act while somebody waits; told who waits.
    """

    def __init__(
        self,
        time: Time,
        rng: random.Random,
        *,
        fault: Callable[[str], None],
        seen: Callable[[bytes], None],
        meanwhile: Callable[[Any], None],
    ) -> None:
        self.time = time
        self.rng = rng
        self.fault = fault
        self.seen = seen
        self.meanwhile = meanwhile

    def fate(self, frame: bytes, weather: Weather, held: deque[bytes]) -> list[bytes]:
        """What arrives when a frame is sent: it, perhaps twice, perhaps later, perhaps never."""
        self.seen(frame)
        self.time.passes(weather.latency_ms)
        rng = self.rng
        if weather.cut_after is not None:
            weather.cut_after -= 1
        if weather.loss and rng.random() < weather.loss:
            self.fault("frame_lost")
            return []
        if weather.order and not held and rng.random() < weather.order:
            self.fault("frame_reordered")
            held.append(frame)
            return []
        out = [frame, *held]
        held.clear()
        if weather.again and rng.random() < weather.again:
            self.fault("frame_repeated")
            out.append(frame)
        return out


class RelayLink:
    """A device's connection to the relay: see `transports.link.Link`."""

    def __init__(self, sky: Sky, device: Any, relay: SimRelay, weather: Weather) -> None:
        self._sky = sky
        self._device = device
        self._relay = relay
        self._weather = weather
        self._socket: Socket | None = relay.connect()
        self._reader = FrameReader()
        self._up: deque[bytes] = deque()
        self._late: deque[bytes] = deque()
        self._inbox: deque[bytes] = deque()

    def send(self, frame: bytes) -> None:
        """Send one frame."""
        socket = self._standing()
        for one in self._sky.fate(frame, self._weather, self._up):
            socket.feed(one)

    def receive(self, *, timeout_s: float) -> bytes | None:
        """The next frame; None when none came in time."""
        if self._device.disk.ended:
            raise Crash
        self._sky.meanwhile(self._device)
        if self._device.disk.ended:
            raise Crash
        self._collect()
        if not self._inbox:
            self._standing()
            self._sky.time.passes(int(timeout_s * 1000))
            self._collect()
        return self._inbox.popleft() if self._inbox else None

    def close(self) -> None:
        """Hang up."""
        socket, self._socket = self._socket, None
        if socket is not None and not socket.ended and self._relay.up:
            socket.hang_up()
            self._relay.settle()

    def _collect(self) -> None:
        socket = self._socket
        if socket is None:
            return
        if not socket.ended:
            self._relay.settle()
        while socket.down:
            for frame in self._reader.feed(socket.down.popleft()):
                self._inbox.extend(self._sky.fate(frame, self._weather, self._late))

    def _standing(self) -> Socket:
        """The connection, if it stands.

        Raises:
            RemoteError: it ended.
        """
        if self._device.disk.ended:
            raise Crash
        if self._weather.cut_after is not None and self._weather.cut_after <= 0 and self._socket is not None:
            self._sky.fault("link_cut")
            self.close()
        if self._socket is None or self._socket.ended:
            raise unreachable(ADDRESS, "the connection ended")
        return self._socket


class Baton:
    """Lets one of two threads run at a time: whoever waits hands over."""

    def __init__(self) -> None:
        self._turns = (threading.Semaphore(0), threading.Semaphore(0))
        self.over = [False, False]
        self.waits = [False, False]

    def hand_over(self, end: int) -> None:
        """Let the other end run, until it hands back; at once where it is over."""
        if self.over[1 - end]:
            return
        self._turns[1 - end].release()
        assert self._turns[end].acquire(timeout=_HANGS_S), "the baton is lost"

    def begin(self, end: int) -> None:
        """Wait for the first turn."""
        assert self._turns[end].acquire(timeout=_HANGS_S), "the baton is lost"

    def finish(self, end: int) -> None:
        """Hand over for good."""
        self.over[end] = True
        self._turns[1 - end].release()


class PairLink:
    """One end of a link between two devices."""

    def __init__(self, sky: Sky, device: Any, end: int, baton: Baton, boxes: tuple[deque[bytes], deque[bytes]]) -> None:
        self.address = PEER_ADDRESS
        self.weather = Weather()
        self.other: PairLink | None = None
        self.closed = False
        self._sky = sky
        self._device = device
        self._end = end
        self._baton = baton
        self._boxes = boxes
        self._late: deque[bytes] = deque()

    def send(self, frame: bytes) -> None:
        """Send one frame."""
        self._stand()
        self._boxes[1 - self._end].extend(self._sky.fate(frame, self.weather, self._late))

    def receive(self, *, timeout_s: float) -> bytes | None:
        """The next frame; None when none came in time."""
        self._sky.meanwhile(self._device)
        inbox, baton = self._boxes[self._end], self._baton
        if not inbox:
            if self._device.disk.ended:
                raise Crash
            baton.waits[self._end] = True
            if not self._gone and not (baton.waits[1 - self._end] and not self._boxes[1 - self._end]):
                baton.hand_over(self._end)
            baton.waits[self._end] = False
        if self._device.disk.ended:
            raise Crash
        if inbox:
            return inbox.popleft()
        self._stand()
        self._sky.time.passes(int(timeout_s * 1000))
        return None

    def close(self) -> None:
        """End it; the other hears of it after what was sent."""
        self.closed = True

    @property
    def _gone(self) -> bool:
        return self.closed or self._baton.over[1 - self._end] or (self.other is not None and self.other.closed)

    def _stand(self) -> None:
        if self._device.disk.ended:
            raise Crash
        if self.weather.cut_after is not None and self.weather.cut_after <= 0 and not self.closed:
            self._sky.fault("link_cut")
            self.close()
        if self._gone:
            raise RemoteError("peer_gone", expected="the other device", got="the end of the link", do="meet again")


def pair(sky: Sky, first: Any, second: Any, weather: Weather) -> tuple[PairLink, PairLink, Baton]:
    """Both ends of a link, and their baton."""
    boxes: tuple[deque[bytes], deque[bytes]] = (deque(), deque())
    baton = Baton()
    ends = tuple(PairLink(sky, device, end, baton, boxes) for end, device in enumerate((first, second)))
    ends[0].other, ends[1].other = ends[1], ends[0]
    ends[0].weather = ends[1].weather = weather
    return ends[0], ends[1], baton


def run_both(baton: Baton, first: Callable[[], None], second: Callable[[], None]) -> None:
    """Run two ends, one at a time, until both are over; the first begins. What they raise is their own to keep."""

    def other() -> None:
        baton.begin(1)
        try:
            second()
        finally:
            baton.finish(1)

    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    try:
        first()
    finally:
        baton.over[0] = True
        while not baton.over[1]:
            baton._turns[1].release()
            assert baton._turns[0].acquire(timeout=_HANGS_S), "the baton is lost"
        thread.join(timeout=_HANGS_S)
