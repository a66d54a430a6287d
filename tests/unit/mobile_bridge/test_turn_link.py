"""The link that gives the turn on while it waits: what it counts, and that a stopped sync touches nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from edge_runtime.events import Event, Synced
from edge_runtime.store.uploads import UploadState
from mobile_bridge.live import TurnLink, _StoppedError
from mobile_bridge.turn import Turn


@dataclass
class Desk:
    """A link, a store's counts and an event stream; each wait may change the counts.

    Attributes:
        asked: how often the counts were read.
        frames: what the link gives; None where nothing comes.
    """

    pending: int = 5
    receipted: int = 0
    refused: int = 0
    asked: int = 0
    stopped: bool = False
    frames: list[bytes | None] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    turn: Turn = field(default_factory=Turn)
    free: list[bool] = field(default_factory=list)
    during: Callable[[], None] = lambda: None

    def link(self) -> TurnLink:
        """The link under test; the caller has the turn."""
        self.turn.acquire()
        runtime: Any = SimpleNamespace(
            store=SimpleNamespace(upload_counts=self.counts), events=SimpleNamespace(publish=self.events.append)
        )
        inner: Any = SimpleNamespace(send=self.send, receive=self.receive, close=lambda: self.send(b""))
        return TurnLink(inner, runtime, self.turn, stopped=lambda: self.stopped, online=lambda: None)

    def counts(self) -> dict[UploadState, int]:
        """The store's counts."""
        self.asked += 1
        return {
            UploadState.PENDING: self.pending,
            UploadState.RECEIPTED: self.receipted,
            UploadState.REFUSED: self.refused,
        }

    def send(self, _frame: bytes) -> None:
        """Note whether the turn is free, and let others work."""
        self.free.append(self.turn._asked == self.turn._serving)
        self.during()

    def receive(self, *, timeout_s: float) -> bytes | None:
        """The next frame."""
        del timeout_s
        self.send(b"")
        return self.frames.pop(0)

    def add(self, *, pending: int = 0, receipted: int = 0, refused: int = 0) -> None:
        """Something that the holder of the turn did."""
        self.pending += pending
        self.receipted += receipted
        self.refused += refused


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        pytest.param({"receipted": 3}, (3, 0), id="received"),
        pytest.param({"pending": -2, "receipted": 2}, (0, 2), id="receipted"),
        pytest.param({"pending": -3, "receipted": 2, "refused": 1}, (0, 2), id="one-refused"),
        pytest.param({"pending": -1, "refused": 1}, None, id="only-refused"),
        pytest.param({"pending": 2}, None, id="mended-itself"),
        pytest.param({"pending": 2, "receipted": 4}, (4, 0), id="received-and-mended"),
        pytest.param({"pending": 2, "receipted": -2}, None, id="lost-by-the-relay"),
    ],
)
def test_a_round_is_counted_by_what_the_sync_did(work: dict[str, int], expected: tuple[int, int] | None) -> None:
    """Between two waits the store tells what was received and receipted; what others write meanwhile does not count."""
    desk = Desk(frames=[b"frame", None, None])
    desk.during = lambda: desk.add(pending=7)  # a person writes while the sync waits
    link = desk.link()
    link.receive(timeout_s=1)
    desk.add(**work)
    assert link.receive(timeout_s=1) is None
    found = [(event.received, event.receipted) for event in desk.events if isinstance(event, Synced)]
    assert found == ([] if expected is None else [expected])
    link.receive(timeout_s=1)
    assert len(desk.events) == len(found)


def test_the_turn_is_free_while_it_waits_and_only_then() -> None:
    """Sending, receiving and closing wait for the network; afterwards the caller has the turn again."""
    desk = Desk(frames=[b"frame"])
    link = desk.link()
    for wait in (lambda: link.send(b""), lambda: link.receive(timeout_s=1), link.close):
        assert desk.turn._asked == desk.turn._serving + 1
        wait()
    assert desk.free == [True] * 3
    assert desk.turn._asked == desk.turn._serving + 1


def test_a_failing_network_gives_the_turn_back() -> None:
    """The caller has the turn whatever happened."""
    desk = Desk()
    link = desk.link()
    with pytest.raises(IndexError):
        link.receive(timeout_s=1)
    assert desk.turn._asked == desk.turn._serving + 1


def test_once_stopped_nothing_is_touched() -> None:
    """A sync that was stopped while it waited ends there: the store may be closed by then."""
    desk = Desk(frames=[b"frame"])
    link = desk.link()

    def stop() -> None:
        desk.stopped, desk.asked = True, 0

    desk.during = stop
    with pytest.raises(_StoppedError):
        link.receive(timeout_s=1)
    assert desk.asked == 0
    assert desk.events == []
