"""A host for tests: it speaks the contract over either transport, and checks every answer against the table."""

from __future__ import annotations

import socket
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final, Protocol

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from mobile_bridge.dispatcher import Bridge
from mobile_bridge.errors import CONNECTION_ERRORS, REQUEST_ERRORS, ErrorCode, HostError
from mobile_bridge.frames import MAJOR, Frame, Kind, unpack_frame
from mobile_bridge.limits import RESULT_BYTES_MAX
from mobile_bridge.schema.contract import CONTRACT, ERROR, HELLO, MINOR
from mobile_bridge.transports.inprocess import InProcessHost
from mobile_bridge.transports.loopback import LoopbackServer
from sync_protocol.records import pack
from tests.unit.mobile_bridge.homes import PASSPHRASE

WAIT_S: Final = 10.0
PAGE: Final = "http://127.0.0.1:8080"


class OverError(Exception):
    """The connection is over."""


class Refused(Exception):  # noqa: N818 the answer of a request, not a failure of the test
    """An `err` frame."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.body = body
        self.code = ErrorCode(body["code"])


class Wire(Protocol):
    """Bytes both ways."""

    def send(self, data: bytes) -> None:
        """Send a frame."""

    def receive(self) -> bytes:
        """The next frame; OverError when the connection is over."""
        ...

    def close(self) -> None:
        """Hang up."""


class InProcessWire:
    """Over the in-process transport."""

    def __init__(self, bridge: Bridge) -> None:
        self.host = InProcessHost(bridge)

    def send(self, data: bytes) -> None:
        """Send a frame."""
        try:
            self.host.send(data)
        except HostError as error:
            raise OverError from error

    def receive(self) -> bytes:
        """The next frame."""
        try:
            frame = self.host.receive(timeout_s=WAIT_S)
        except HostError as error:
            raise OverError from error
        assert frame is not None, "no frame came"
        return frame

    def close(self) -> None:
        """Hang up."""
        self.host.close()


class SocketWire:
    """Over the loopback transport."""

    def __init__(
        self, server: LoopbackServer, *, origin: str | None = PAGE, token: str | None = None, small: bool = False
    ) -> None:
        self.closing = ExitStack()
        plain = socket.socket()
        if small:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.connect(("127.0.0.1", server.port))
        opening = connect(
            server.url,
            origin=None if origin is None else Origin(origin),
            subprotocols=[Subprotocol("mb.v1"), Subprotocol(f"bearer.{token or server.token}")],
            compression=None,
            max_size=RESULT_BYTES_MAX,
            proxy=None,
            close_timeout=1,
            max_queue=1,
            sock=plain,
        )
        self.socket = self.closing.enter_context(opening)

    def send(self, data: bytes) -> None:
        """Send a frame."""
        try:
            self.socket.send(data)
        except ConnectionClosed as error:
            raise OverError from error

    def receive(self) -> bytes:
        """The next frame."""
        try:
            data = self.socket.recv(timeout=WAIT_S)
        except ConnectionClosed as error:
            raise OverError from error
        assert isinstance(data, bytes)
        return data

    def close(self) -> None:
        """Hang up."""
        self.closing.close()


class Host:
    """One host. Ids ascend by themselves; frames of other requests wait until they are asked for."""

    def __init__(self, wire: Wire, *, hello: bool = True) -> None:
        self.wire = wire
        self.last = 0
        self.ops: dict[int, str] = {}
        self.frames: defaultdict[int, deque[Frame]] = defaultdict(deque)
        self.terminal: set[int] = set()
        self.seen: list[bytes] = []
        if hello:
            self.call(HELLO, minor=MINOR)

    def request(
        self, op: str, body: dict[str, Any] | None = None, *, seq: int | None = None, deadline_ms: int | None = None
    ) -> int:
        """Send a request; its id."""
        self.last += 1
        self.ops[self.last] = op
        self.put(Frame(v=MAJOR, id=self.last, kind=Kind.REQ, op=op, body=body or {}, seq=seq, deadline_ms=deadline_ms))
        return self.last

    def put(self, frame: Frame) -> None:
        """Send a frame."""
        self.wire.send(pack(frame))

    def cancel(self, request: int) -> None:
        """Want it no more."""
        self.put(Frame(v=MAJOR, id=request, kind=Kind.CANCEL))

    def credit(self, request: int, seq: int) -> None:
        """Allow items below `seq`."""
        self.put(Frame(v=MAJOR, id=request, kind=Kind.CREDIT, seq=seq))

    def next(self, request: int) -> Frame:
        """The next frame of a request; 0 for the connection."""
        while not self.frames[request]:
            data = self.wire.receive()
            self.seen.append(data)
            frame = unpack_frame(data, bytes_max=RESULT_BYTES_MAX)
            self.check(frame)
            self.frames[frame.id].append(frame)
        return self.frames[request].popleft()

    def answer(self, request: int) -> dict[str, Any]:
        """The result of a request that is no stream, or the end of a stream without further items."""
        frame = self.next(request)
        if frame.kind is Kind.ERR:
            raise Refused(dict(frame.body or {}))
        assert frame.kind in {Kind.RES, Kind.END}, frame
        return dict(frame.body or {})

    def call(self, op: str, /, **body: Any) -> dict[str, Any]:
        """Send a request and wait for its result."""
        return self.answer(self.request(op, body))

    def stream(self, op: str, /, *, window: int = 4) -> Iterator[dict[str, Any]]:
        """The items of a stream, asked for a few at a time."""
        request = self.request(op, seq=window)
        while True:
            frame = self.next(request)
            if frame.kind is Kind.ERR:
                raise Refused(dict(frame.body or {}))
            if frame.kind is Kind.END:
                return
            assert frame.seq is not None
            self.credit(request, frame.seq + 1 + window)
            yield dict(frame.body or {})

    def open(self, home: str = "tablet") -> dict[str, Any]:
        """Open the home."""
        return self.call("session.open", home=home, passphrase=PASSPHRASE)

    def last_words(self) -> Refused:
        """The error that ended the connection; after it nothing comes."""
        refused = Refused(dict(self.next(0).body or {}))
        try:
            data = self.wire.receive()
        except OverError:
            return refused
        raise AssertionError(f"{len(data)} bytes after the last frame")

    def check(self, frame: Frame) -> None:
        """Check a frame of the runtime against the contract."""
        body = frame.body or {}
        if frame.id == 0:
            if frame.kind is Kind.EVENT:
                CONTRACT.events[frame.op or ""].body.check("event", body)
            else:
                ERROR.check("err", body)
                assert ErrorCode(str(body["code"])) in CONNECTION_ERRORS
            return
        assert frame.id not in self.terminal, "one terminal frame a request"
        op = self.ops.get(frame.id, "")
        command = CONTRACT.commands.get(op)
        if frame.kind is Kind.ITEM:
            assert command is not None
            assert command.item is not None
            command.item.check("item", body)
            return
        self.terminal.add(frame.id)
        if frame.kind is Kind.ERR:
            ERROR.check("err", body)
            code = ErrorCode(str(body["code"]))
            assert code in REQUEST_ERRORS | set(command.errors if command else ()), f"{code} is not listed for {op}"
            return
        assert command is not None
        assert (frame.kind is Kind.END) == (command.item is not None)
        command.result.check("result", body)


Connect = Callable[[], Wire]
