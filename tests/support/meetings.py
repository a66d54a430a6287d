"""Meetings of two devices in memory: shells that do what real ones do, and the wire between them.

A shell shares every stream that it holds, so what two devices hold after a meeting is the same. What is shared with
whom is the edge's rule, and tested there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from sync_protocol.digests import holding
from sync_protocol.entries import WireEntry, claimed_header
from sync_protocol.frontier import wanting
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.peer_exchange import PeerExchange
from sync_protocol.peer_handshake import Part
from sync_protocol.peer_steps import Ask, Confirmed, Finish, HandOver, Heard, Met, Offer, PeerStep, RoundOver
from sync_protocol.steps import Close, Send, Take
from sync_protocol.store import walk_chain
from tests.support.people import START_MS
from tests.support.shells import SyncingDevice, proofs_of, take_in

ADDRESS = "ws://192.0.2.5:8731"


@dataclass(slots=True)
class PeerConnection:
    """One side of one meeting."""

    home: SyncingDevice
    part: Part
    address: str = ADDRESS
    now_ms: int = START_MS
    notes: tuple[bytes, ...] = ()
    exchange: PeerExchange = field(init=False)
    met: Met | None = None
    closed: Close | None = None
    heard: list[bytes] = field(default_factory=list)
    unsound: int = 0
    took: int = 0
    at_peer: set[EntryHash] = field(default_factory=set)
    rounds: int = 0
    _again: bool = False
    _handed: set[EntryHash] = field(default_factory=set)
    _whole: set[tuple[StreamId, SessionId]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Prepare the machine."""
        device = self.home.device
        self.exchange = PeerExchange(
            self.part,
            root=device.organisation.root,
            certificates=device.chain,
            signer=device.signer,
            trust=self.home.trust,
            address=self.address,
            nonce=device.organisation.entropy(32),
        )

    def start(self) -> list[bytes]:
        """Begin."""
        return self._carry_out(self.exchange.start())

    def receive(self, frame: bytes) -> list[bytes]:
        """Take a frame and give the answers."""
        return self._carry_out(self.exchange.receive(frame, now_ms=self.now_ms))

    def _carry_out(self, steps: Iterable[PeerStep]) -> list[bytes]:
        out: list[bytes] = []
        ahead = deque(steps)
        while ahead:
            step = ahead.popleft()
            if isinstance(step, Send):
                out.append(step.frame)
            else:
                ahead.extendleft(reversed(self._act(step)))
        return out

    def _act(self, step: PeerStep) -> list[PeerStep]:
        match step:
            case Offer():
                return self._offer()
            case Ask():
                return self._ask(step)
            case HandOver():
                return self._hand_over(step)
            case Finish():
                return self.exchange.finish(again=self._again)
            case RoundOver():
                again = (step.again or self._again) and not self.exchange.last_round
                return self._offer() if again else self.exchange.end()
            case Take():
                self._take(step)
            case _:
                self._note(step)
        return []

    def _note(self, step: PeerStep) -> None:
        match step:
            case Confirmed():
                if not step.nothing:
                    self.at_peer |= self._handed - step.refused
                self._handed = set()
            case Met():
                self.met = step
            case Heard():
                self.heard.extend(step.notes)
            case Close():
                self.closed = step

    def _offer(self) -> list[PeerStep]:
        self._again = False
        self.rounds += 1
        store = self.home.store
        return self.exchange.offer(self.notes, {stream: holding(store, stream) for stream in sorted(store.streams())})

    def _ask(self, step: Ask) -> list[PeerStep]:
        store = self.home.store

        def knows(name: EntryHash) -> bool:
            return store.entry(name) is not None

        chains: list[tuple[StreamId, SessionId, int]] = []
        for stream, theirs in step.theirs.items():
            whole = {session for other, session in self._whole if other == stream}
            wanted = wanting(theirs, store.frontier(stream), knows=knows, whole=whole)
            chains += [(stream, session, first) for session, first in wanted.items()]
        return self.exchange.ask(chains, [(session, 0) for session in dict.fromkeys(chain[1] for chain in chains)])

    def _hand_over(self, step: HandOver) -> list[PeerStep]:
        store = self.home.store
        steps: list[PeerStep] = []
        for (stream, session), first in step.wanted.items():
            entries = [arrived.entry for arrived in walk_chain(store, stream, session, first=first)]
            proofs = proofs_of(store, self.home.trust, entries)
            self._handed.update(entry.hash for entry in entries)
            steps += self.exchange.hand(proofs, [entry.wire for entry in entries])
        return steps

    def _take(self, step: Take) -> None:
        before = self.home.store.size()
        _, refused = take_in(self.home.store, self.home.trust, step)
        self.took += self.home.store.size() - before
        for refusal in refused:
            if refusal.what is not None:
                self.exchange.refuse(EntryHash(refusal.what), refusal.error)
        names = {refusal.what for refusal in refused if refusal.error.code == "gap"}
        chains = {_chain(entry) for entry in step.entries if entry.hash in names}
        self._again = self._again or not chains <= self._whole
        self._whole |= chains
        self.unsound += sum(refusal.error.code != "gap" for refusal in refused)


def _chain(wire: WireEntry) -> tuple[StreamId, SessionId]:
    header = claimed_header(wire)
    return header.stream, header.session


class PeerWire:
    """Two devices and the frames under way between them."""

    def __init__(self, dialler: SyncingDevice, host: SyncingDevice) -> None:
        self.first = PeerConnection(dialler, Part.DIALLED)
        self.second = PeerConnection(host, Part.ANSWERED)
        self.up: deque[bytes] = deque(self.first.start())
        self.down: deque[bytes] = deque(self.second.start())
        self.frames: list[bytes] = [*self.up]

    def step(self) -> bool:
        """Deliver one frame; False where none is under way."""
        if not self.up and not self.down:
            return False
        assert not (self.up and self.down), "only one of the two speaks at a time"
        here, there, back = (self.up, self.second, self.down) if self.up else (self.down, self.first, self.up)
        out = there.receive(here.popleft())
        self.frames.extend(out)
        back.extend(out)
        return True

    def run(self, *, frames_max: int = 10_000) -> None:
        """Deliver until nothing is under way."""
        for _ in range(frames_max):
            if not self.step():
                return
        raise AssertionError("the two do not come to rest")


def meet(dialler: SyncingDevice, host: SyncingDevice, *, cut_after: int | None = None) -> PeerWire:
    """One meeting, whole or cut off after so many frames."""
    wire = PeerWire(dialler, host)
    if cut_after is None:
        wire.run()
    else:
        for _ in range(cut_after):
            wire.step()
    return wire


def held(*homes: SyncingDevice) -> set[EntryHash]:
    """Everything that any of these holds."""
    return set().union(*(home.entries() for home in homes))
