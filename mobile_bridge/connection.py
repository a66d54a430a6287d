"""One host's connection: which requests are open, what may be sent next, and when it is over.

Pure: bytes and times in, frames into the outbox; commands are carried out by what `step` is given. Owns the promises
of the contract: one terminal frame a request, items within credit, cancel as often as one likes, a deadline that undoes
nothing. What a host does wrong with a frame ends its connection; with a request, that request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from edge_runtime.identity import Entropy
from mobile_bridge.errors import BridgeError, ErrorCode, failed
from mobile_bridge.frames import FROM_HOST, MAJOR, Frame, Kind, OtherVersionError, pack_frame, unpack_frame
from mobile_bridge.limits import (
    BUSY_RETRY_MS,
    CREDIT_MAX,
    FRAME_BYTES_MAX,
    REQUESTS_MAX,
    RESULT_BYTES_MAX,
)
from mobile_bridge.outbox import Outbox
from mobile_bridge.pending import Pending
from mobile_bridge.request import Request
from mobile_bridge.schema.command import Command
from mobile_bridge.schema.contract import HELLO, Contract
from mobile_bridge.schema.types import invalid, project
from mobile_bridge.sources import Body, Source

Execute: TypeAlias = Callable[[Command, Request], Body | Source]
"""Carries out a command: the result's body, or where a stream's items come from."""
_CONNECTION: Final = 0


class Connection:
    """The state of one connection. For the bridge's thread only."""

    def __init__(self, contract: Contract, outbox: Outbox, entropy: Entropy) -> None:
        """Wait for `hello`."""
        self.ended = False
        self._ours = contract
        self._agreed: Contract | None = None
        self._outbox = outbox
        self._entropy = entropy
        self._last = _CONNECTION
        self._open: dict[int, Pending] = {}
        self._queue: deque[Pending] = deque()
        self._served = 0
        self._request_was_last = False
        self._acts: Mapping[Kind, Callable[[Frame, float], None]] = {
            Kind.REQ: self._request,
            Kind.CANCEL: self._cancel,
            Kind.CREDIT: self._credit,
        }

    @property
    def runnable(self) -> bool:
        """Whether `step` has something to do, and the host takes what it is given."""
        return self._outbox.has_room and (bool(self._queue) or any(one.can_step for one in self._open.values()))

    @property
    def deadline_s(self) -> float | None:
        """When `expire` has something to do."""
        return min((one.deadline_s for one in self._open.values() if one.deadline_s is not None), default=None)

    def receive(self, data: bytes, *, now_s: float) -> None:
        """Take one frame of the host."""
        if self.ended:
            return
        try:
            frame = unpack_frame(data)
            if frame.kind not in FROM_HOST:
                raise _misuse(ErrorCode.MALFORMED, "a frame of a host", f"a frame of kind {frame.kind}")
            self._acts[frame.kind](frame, now_s)
        except OtherVersionError as error:
            self._other_version(error)
        except BridgeError as error:
            self._fail(error)
        if self._outbox.over and not self.ended:
            self._fail(_misuse(ErrorCode.NOT_TAKEN, "a host that takes its frames", "one that only sends"))

    def step(self, execute: Execute, *, now_s: float) -> None:
        """Do one thing: carry out a request, or send one item of a stream, by turns."""
        self.expire(now_s=now_s)
        streams = [one for one in self._open.values() if one.can_step]
        if self._queue and not (streams and self._request_was_last):
            self._request_was_last = True
            self._carry_out(self._queue.popleft(), execute)
        elif streams:
            self._request_was_last = False
            self._feed(min(streams, key=lambda one: one.served))

    def expire(self, *, now_s: float) -> None:
        """End what the host waits for no more. What was carried out stands."""
        late = [one for one in self._open.values() if one.deadline_s is not None and one.deadline_s <= now_s]
        for one in late:
            words = ("an answer before the deadline", "a later time", "ask again; nothing was changed by this request")
            self._error(one, _refusal(ErrorCode.DEADLINE, *words))

    def end_streams(self, error: BridgeError) -> None:
        """End every stream that was begun, because of `error`."""
        for one in [one for one in self._open.values() if one.source is not None]:
            self._error(one, error)

    def notify(self, op: str, body: Body) -> None:
        """Tell the host something that it did not ask for, if its version knows of it."""
        event = None if self._agreed is None else self._agreed.events.get(op)
        if event is not None:
            self._send(Frame(v=MAJOR, id=_CONNECTION, kind=Kind.EVENT, op=op, body=project(event.body, body)))

    def end(self) -> None:
        """The connection is over; again is nothing."""
        self.ended = True
        for one in list(self._open.values()):
            self._forget(one)
        self._outbox.close()

    def _other_version(self, error: OtherVersionError) -> None:
        if error.id <= self._last:
            self._fail(error)
        else:
            self._last = error.id
            self._refuse(error.id, error, HELLO)

    def _request(self, frame: Frame, now_s: float) -> None:
        if frame.id <= self._last:
            raise _misuse(ErrorCode.REPLAYED_ID, f"an id above {self._last}", f"id {frame.id}")
        self._last = frame.id
        assert frame.op is not None, "a request has an op"
        try:
            self._accept(frame, frame.op, now_s)
        except BridgeError as error:
            self._refuse(frame.id, error, "a request")

    def _accept(self, frame: Frame, op: str, now_s: float) -> None:
        body = frame.body or {}
        if op == HELLO:
            self._hello(frame.id, body)
            return
        if self._agreed is None:
            raise _refusal(ErrorCode.HELLO_FIRST, "`hello` first", "another command", "begin with `hello`")
        command = self._agreed.commands.get(op)
        if command is None:
            words = ("a command that `hello` listed", "another", "ask only for what `hello` listed")
            raise _refusal(ErrorCode.UNKNOWN_OP, *words)
        if len(self._open) >= REQUESTS_MAX:
            raise BridgeError(
                ErrorCode.BUSY,
                expected=f"at most {REQUESTS_MAX} open requests",
                got="one more",
                do="wait for answers, then ask again",
                retry_after_ms=BUSY_RETRY_MS,
            )
        command.request.check(op, body)
        if frame.seq is not None and command.item is None:
            raise invalid(f"{op}: seq", "none: it is no stream", "a number")
        deadline_s = None if frame.deadline_ms is None else now_s + frame.deadline_ms / 1000
        one = Pending(frame.id, command, Request(body), deadline_s)
        self._open[frame.id] = one
        self._queue.append(one)
        self._grant(one, frame.seq or 0)

    def _hello(self, request: int, body: Body) -> None:
        if self._agreed is not None:
            raise invalid(HELLO, "once a connection", "again")
        hello = self._ours.commands[HELLO]
        hello.request.check(HELLO, body)
        minor = body["minor"]
        assert isinstance(minor, int), "the table says that it is a number"
        self._agreed = agreed = self._ours.at(minor)
        result: Body = {
            "minor": agreed.minor,
            "schema": self._ours.digest(),
            "ops": [*agreed.commands],
            "frame_bytes_max": FRAME_BYTES_MAX,
            "result_bytes_max": RESULT_BYTES_MAX,
            "requests_max": REQUESTS_MAX,
            "credit_max": CREDIT_MAX,
        }
        self._send(Frame(v=MAJOR, id=request, kind=Kind.RES, body=project(hello.result, result)))

    def _cancel(self, frame: Frame, _now_s: float) -> None:
        one = self._open.get(frame.id)
        if one is not None:  # answered already, cancelled already, never asked: all the same
            self._error(one, _refusal(ErrorCode.CANCELLED, "the host to want it", "a cancel", "nothing"))

    def _credit(self, frame: Frame, _now_s: float) -> None:
        one = self._open.get(frame.id)
        if one is not None and one.command.item is not None:  # a stream that has ended may still be given credit
            self._grant(one, frame.seq or 0)

    def _grant(self, one: Pending, credit: int) -> None:
        if credit - one.seq > CREDIT_MAX:
            words = (f"credit for at most {CREDIT_MAX} items ahead", f"{credit - one.seq}", "ask for fewer at a time")
            self._error(one, _refusal(ErrorCode.CREDIT_OVERFLOW, *words))
            return
        one.credit = max(one.credit, credit)

    def _carry_out(self, one: Pending, execute: Execute) -> None:
        try:
            result = execute(one.command, one.request)
            if isinstance(result, Mapping):
                self._finish(one, Kind.RES, result)
            else:
                one.source = result
        except Exception as error:  # noqa: BLE001 every failure is answered; `failed` decides what of it is said
            self._error(one, error)

    def _feed(self, one: Pending) -> None:
        source, shape = one.source, one.command.item
        assert source is not None, "only a stream can step"
        assert shape is not None, "only a stream can step"
        self._served += 1
        one.served = self._served
        try:
            if source.finished:
                self._finish(one, Kind.END, source.final())
                return
            body = project(shape, source.take())
            self._send(Frame(v=MAJOR, id=one.id, kind=Kind.ITEM, body=body, seq=one.seq))
            one.seq += 1
        except Exception as error:  # noqa: BLE001 as above
            self._error(one, error)

    def _finish(self, one: Pending, kind: Kind, body: Body) -> None:
        self._send(Frame(v=MAJOR, id=one.id, kind=kind, body=project(one.command.result, body)))
        self._forget(one)

    def _error(self, one: Pending, error: Exception) -> None:
        self._forget(one)
        self._refuse(one.id, error, one.command.op)

    def _forget(self, one: Pending) -> None:
        del self._open[one.id]
        if one in self._queue:
            self._queue.remove(one)
        if one.source is not None:
            one.source.close()

    def _refuse(self, request: int, error: Exception, what: str) -> None:
        body = failed(error, what=what, entropy=self._entropy)
        self._send(Frame(v=MAJOR, id=request, kind=Kind.ERR, body=body))

    def _fail(self, error: BridgeError) -> None:
        self._refuse(_CONNECTION, error, "a connection")
        self.end()

    def _send(self, frame: Frame) -> None:
        self._outbox.put(pack_frame(frame))


def _refusal(code: ErrorCode, expected: str, got: str, do: str) -> BridgeError:
    return BridgeError(code, expected=expected, got=got, do=do)


def _misuse(code: ErrorCode, expected: str, got: str) -> BridgeError:
    return BridgeError(code, expected=expected, got=got, do="mend the host, and connect again")
