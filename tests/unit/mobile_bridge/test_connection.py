"""A connection alone, with a clock of the test's: the promises that need no device and no thread."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.errors import RefusedError
from mobile_bridge.connection import Connection, Execute
from mobile_bridge.errors import BridgeError, ErrorCode
from mobile_bridge.frames import MAJOR, Frame, Kind, unpack_frame
from mobile_bridge.limits import CREDIT_MAX, OUTBOX_FRAMES_LOW, OUTBOX_FRAMES_MAX, RESULT_BYTES_MAX
from mobile_bridge.outbox import Outbox
from mobile_bridge.request import Request
from mobile_bridge.schema.command import Command, Event
from mobile_bridge.schema.contract import CONTRACT, Contract
from mobile_bridge.schema.types import Field, Text, Uint, record
from mobile_bridge.sources import Body, Series, Source
from sync_protocol.records import pack

HELLO = CONTRACT.commands["hello"]
WORK = Command(op="work", meaning="", request=record(Field("n", Uint())), result=record(Field("n", Uint())))
COUNT = Command(op="count", meaning="", item=record(Field("n", Uint())), result=record(Field("n", Uint())))
LATER = Command(op="later", meaning="", since=1)
GROWN = Command(
    op="grown",
    meaning="",
    request=record(Field("old", Text()), Field("new", Text(), required=False, since=1)),
    result=record(Field("old", Text()), Field("new", Text(), since=1)),
    item=None,
)
EVENTS = (Event(op="old.news", meaning=""), Event(op="new.news", meaning="", since=1))
MADE = Contract.of(1, (HELLO, WORK, COUNT, LATER, GROWN), EVENTS)


class Bench:
    """A connection, its outbox, and a clock."""

    def __init__(self, *, minor: int | None = 1) -> None:
        self.now_s = 100.0
        self.room: list[None] = []
        self.outbox = Outbox(on_put=lambda: None, on_room=lambda: self.room.append(None))
        self.connection = Connection(MADE, self.outbox, bytes)
        self.last = 0
        if minor is not None:
            self.request("hello", minor=minor)
            assert self.take()[0].kind is Kind.RES

    def put(self, frame: Frame) -> None:
        """A frame of the host."""
        self.connection.receive(pack(frame), now_s=self.now_s)

    def request(self, op: str, *, seq: int | None = None, deadline_ms: int | None = None, **body: Any) -> int:
        """A request of the host."""
        self.last += 1
        self.put(Frame(v=MAJOR, id=self.last, kind=Kind.REQ, op=op, body=body, seq=seq, deadline_ms=deadline_ms))
        return self.last

    def cancel(self, request: int) -> None:
        """A cancel of the host."""
        self.put(Frame(v=MAJOR, id=request, kind=Kind.CANCEL))

    def take(self) -> list[Frame]:
        """What the host is sent."""
        frames: list[Frame] = []
        while (data := self.outbox.take()) is not None:
            frames.append(unpack_frame(data, bytes_max=RESULT_BYTES_MAX))
        return frames

    def run(self, execute: Execute) -> None:
        """Do all that can be done."""
        while self.connection.runnable:
            self.connection.step(execute, now_s=self.now_s)


def echo(_command: Command, request: Request) -> Body | Source:
    """Answer with what was asked."""
    return dict(request.fields)


def noting(done: list[Request]) -> Execute:
    """Echo, and note what was carried out."""

    def execute(command: Command, request: Request) -> Body | Source:
        done.append(request)
        return echo(command, request)

    return execute


def counting(things: int) -> Execute:
    """Streams of so many items; requests are echoed."""

    def execute(command: Command, request: Request) -> Body | Source:
        if command.item is None:
            return echo(command, request)
        return Series(range(things), lambda thing: {"n": thing}, {"n": things})

    return execute


def code(frame: Frame) -> ErrorCode:
    """The code of an `err`."""
    assert frame.kind is Kind.ERR
    return ErrorCode(str((frame.body or {})["code"]))


def test_requests_are_carried_out_in_order() -> None:
    """One host's requests are carried out in the order in which they came."""
    bench = Bench()
    asked = [bench.request("work", n=n) for n in range(5)]
    bench.run(echo)
    assert [(frame.id, dict(frame.body or {})) for frame in bench.take()] == [
        (number, {"n": n}) for n, number in enumerate(asked)
    ]


def test_a_cancelled_request_is_not_carried_out() -> None:
    """A cancel overtakes what waits; the request is answered once, and nothing was done."""
    bench = Bench()
    request = bench.request("work", n=1)
    bench.cancel(request)
    bench.cancel(request)
    done: list[Request] = []
    bench.run(noting(done))
    assert [code(frame) for frame in bench.take()] == [ErrorCode.CANCELLED]
    assert not done


def test_what_was_carried_out_is_answered_after_its_deadline_too() -> None:
    """A deadline undoes nothing: what was done is said to be done."""
    bench = Bench()
    bench.request("work", n=1, deadline_ms=10)

    def slow(command: Command, request: Request) -> Body | Source:
        bench.now_s += 5
        return echo(command, request)

    bench.run(slow)
    assert [frame.kind for frame in bench.take()] == [Kind.RES]


def test_deadlines_count_from_the_arrival() -> None:
    """Each is answered when it passes, the others wait on."""
    bench = Bench()
    late = bench.request("count", deadline_ms=1000)
    early = bench.request("count", deadline_ms=500)
    bench.run(counting(3))
    assert bench.connection.deadline_s == 100.5
    bench.connection.expire(now_s=100.5)
    assert [(frame.id, code(frame)) for frame in bench.take()] == [(early, ErrorCode.DEADLINE)]
    assert bench.connection.deadline_s == 101
    bench.connection.expire(now_s=200)
    assert [(frame.id, code(frame)) for frame in bench.take()] == [(late, ErrorCode.DEADLINE)]
    assert bench.connection.deadline_s is None


def test_a_deadline_that_passed_in_the_queue_is_seen_before_the_timer() -> None:
    """A step looks at the clock itself, because another host's step may have kept the timer waiting."""
    bench = Bench()
    bench.request("work", n=1, deadline_ms=10)
    bench.now_s += 1
    done: list[Request] = []
    bench.run(noting(done))
    assert [code(frame) for frame in bench.take()] == [ErrorCode.DEADLINE]
    assert not done


def test_streams_and_requests_take_turns() -> None:
    """Neither starves the other, and streams are served evenly."""
    bench = Bench()
    first, second = bench.request("count"), bench.request("count")
    bench.run(counting(4))
    for stream in (first, second):
        bench.put(Frame(v=MAJOR, id=stream, kind=Kind.CREDIT, seq=10))
    asked = [bench.request("work", n=n) for n in range(4)]
    bench.run(counting(4))
    order = [frame.id for frame in bench.take()]
    assert order[:8] == [first, asked[0], second, asked[1], first, asked[2], second, asked[3]]
    assert order.count(first) == order.count(second) == 5


def test_nothing_more_is_done_for_a_host_that_does_not_take() -> None:
    """While its frames wait, its requests wait; when it takes, they go on. Memory stays bounded."""
    bench = Bench()
    bench.request("count", seq=200)
    bench.run(counting(200))
    assert not bench.connection.runnable
    frames = deque[bytes]()
    while (data := bench.outbox.take()) is not None:
        frames.append(data)
    assert len(frames) == OUTBOX_FRAMES_LOW
    assert len(bench.room) == 1
    bench.run(counting(200))
    assert len(bench.take()) == OUTBOX_FRAMES_LOW


def test_a_host_that_only_asks_is_cut_off() -> None:
    """Refusals wait too; beyond the limit the connection ends, with the reason as its last frame."""
    bench = Bench()
    for _ in range(2 * OUTBOX_FRAMES_MAX):
        bench.request("no.such.thing")
    assert bench.connection.ended
    frames = bench.take()
    assert len(frames) == OUTBOX_FRAMES_MAX + 1
    assert (frames[-1].id, code(frames[-1])) == (0, ErrorCode.NOT_TAKEN)
    assert bench.outbox.ended


def test_unforeseen_failures_are_told_by_type_only(caplog: pytest.LogCaptureFixture) -> None:
    """Their words may quote a patient: neither the answer nor the log holds them."""
    caplog.set_level(logging.DEBUG)
    bench = Bench()

    def fail(_command: Command, _request: Request) -> Body | Source:
        raise ValueError("planted name")

    bench.request("work", n=1)
    bench.run(fail)
    (frame,) = bench.take()
    assert code(frame) is ErrorCode.INTERNAL
    assert "ValueError" in str(frame.body)
    assert "planted" not in str(frame.body)
    assert "planted" not in caplog.text
    assert str((frame.body or {})["correlation_id"]) in caplog.text


def test_foreseen_failures_are_explained() -> None:
    """What was expected, what came and what to do are for developers; the code is for programs."""
    bench = Bench()

    def refuse(_command: Command, _request: Request) -> Body | Source:
        raise RefusedError("not_a_reader", expected="a reader", got="role admin", do="ask a member" * 99)

    bench.request("work", n=1)
    bench.run(refuse)
    (frame,) = bench.take()
    assert code(frame) is ErrorCode.NOT_ALLOWED
    detail = (frame.body or {})["detail"]
    assert isinstance(detail, dict)
    assert detail["reason"] == "not_a_reader"
    assert detail["got"] == "role admin"
    assert len(str(detail["do"])) == 400


def test_a_result_that_is_too_large_is_refused() -> None:
    """The request is answered by an error, and the connection goes on."""
    bench = Bench()
    big = Series([1], lambda _: {"n": 1}, {})
    bench.request("grown", old="x")
    bench.run(lambda *_: {"old": "x" * RESULT_BYTES_MAX})
    (frame,) = bench.take()
    assert code(frame) is ErrorCode.RESULT_TOO_LARGE
    bench.request("count", seq=1)
    bench.run(lambda *_: big)
    assert [frame.kind for frame in bench.take()] == [Kind.ITEM, Kind.END]


@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(lambda bench: bench.connection.receive(b"\xff", now_s=0), id="by-misuse"),
        pytest.param(lambda bench: bench.connection.end(), id="by-hanging-up"),
    ],
)
def test_the_end_closes_every_source(break_it: Callable[[Bench], None]) -> None:
    """A stream's source hears that its connection is over, once."""
    bench = Bench()
    closed: list[None] = []

    class Endless(Series[int]):
        def close(self) -> None:
            """Note it."""
            closed.append(None)

    bench.request("count")
    bench.run(lambda *_: Endless([1, 2], lambda _: {"n": 1}, {}))
    break_it(bench)
    bench.connection.end()
    assert bench.connection.ended
    assert len(closed) == 1
    bench.take()
    assert bench.outbox.ended


class TestMinorVersions:
    def test_what_is_newer_than_the_host_is_not_there(self) -> None:
        """An older host sees the commands, events and fields of its own version."""
        bench = Bench(minor=0)
        assert set(MADE.at(0).commands) == {"hello", "work", "count", "grown"}
        bench.request("later")
        assert code(bench.take()[0]) is ErrorCode.UNKNOWN_OP
        bench.request("grown", old="a", new="b")
        assert code(bench.take()[0]) is ErrorCode.INVALID_REQUEST
        bench.request("grown", old="a")
        bench.run(lambda *_: {"old": "a", "new": "b", "never": "c"})
        assert bench.take()[0].body == {"old": "a"}
        bench.connection.notify("new.news", {})
        bench.connection.notify("old.news", {})
        assert [frame.op for frame in bench.take()] == ["old.news"]

    def test_the_newest_host_sees_all(self) -> None:
        """A host of this version gets all that the table declares, and nothing else."""
        bench = Bench(minor=7)
        bench.request("grown", old="a", new="b")
        bench.run(lambda *_: {"old": "a", "new": "b", "never": "c"})
        assert bench.take()[0].body == {"old": "a", "new": "b"}
        bench.connection.notify("new.news", {})
        assert [frame.op for frame in bench.take()] == ["new.news"]

    def test_events_wait_for_hello(self) -> None:
        """Before the versions are agreed nothing is told."""
        bench = Bench(minor=None)
        bench.connection.notify("old.news", {})
        assert bench.take() == []


class Scripted(Bench):
    """A bench that follows a script, and remembers what was asked for and sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Frame] = []
        self.credit: dict[int, int] = {}

    def work(self, n: int) -> None:
        """A request."""
        self.request("work", n=n, deadline_ms=20)

    def count(self, seq: int) -> None:
        """A stream with credit from the start."""
        self.credit[self.request("count", seq=seq, deadline_ms=40)] = seq

    def allow(self, request_and_seq: tuple[int, int]) -> None:
        """Credit for what may be a stream."""
        request, seq = request_and_seq
        self.put(Frame(v=MAJOR, id=request, kind=Kind.CREDIT, seq=seq))
        if request in self.credit:
            self.credit[request] = max(seq, self.credit[request])

    def step(self, times: int) -> None:
        """Some steps."""
        for _ in range(times):
            self.connection.step(counting(5), now_s=self.now_s)

    def listen(self, _: int) -> None:
        """Take what waits."""
        self.sent.extend(self.take())

    def wait(self, ms: int) -> None:
        """Time passes."""
        self.now_s += ms / 1000
        self.connection.expire(now_s=self.now_s)

    def lock(self, _: int) -> None:
        """Somebody locks."""
        self.connection.end_streams(BridgeError(ErrorCode.LOCKED, expected="a", got="b", do="c"))


requests = st.integers(1, 9)
acts = st.one_of(
    st.tuples(st.just(Scripted.work), st.integers(0, 3)),
    st.tuples(st.just(Scripted.count), st.integers(0, 9)),
    st.tuples(st.just(Scripted.cancel), requests),
    st.tuples(st.just(Scripted.allow), st.tuples(requests, st.integers(0, CREDIT_MAX + 9))),
    st.tuples(st.just(Scripted.step), st.integers(1, 9)),
    st.tuples(st.just(Scripted.listen), st.just(0)),
    st.tuples(st.just(Scripted.wait), st.integers(1, 30)),
    st.tuples(st.just(Scripted.lock), st.just(0)),
)


@given(st.lists(acts, max_size=60))
def test_whatever_a_host_does_the_promises_hold(script: list[tuple[Callable[[Scripted, Any], None], Any]]) -> None:
    """One terminal frame a request and nothing after it; items in order, none that was not asked for."""
    bench = Scripted()
    for act, value in script:
        act(bench, value)
    bench.run(counting(5))
    bench.wait(1000)
    bench.listen(0)
    assert not bench.connection.ended
    ended: set[int] = set()
    items: dict[int, int] = {}
    for frame in bench.sent:
        assert frame.id not in ended
        if frame.kind is Kind.ITEM:
            number = items.get(frame.id, 0)
            assert frame.seq == number
            assert number < bench.credit[frame.id]
            items[frame.id] = number + 1
        else:
            ended.add(frame.id)
    assert ended == set(range(2, bench.last + 1))
