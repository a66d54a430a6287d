"""Hostile and broken peers: they are refused with a reason, or cut; the relay goes on serving everybody else."""

from __future__ import annotations

import json
import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sync_protocol.comparison_messages import Digests, Frontiers, Unknown, Want
from sync_protocol.frames import FrameReader, pack_frame, split_entries, split_proofs, unpack_frame
from sync_protocol.greeting_messages import Hello
from sync_protocol.intake import Proofs
from sync_protocol.limits import ASKS_MAX, COMPARISONS_MAX, REWINDS_MAX
from sync_protocol.log_messages import Cursor
from sync_protocol.messages import Entries, Message, ProofsFrame
from sync_protocol.refusal_messages import Failure
from sync_protocol.roles import Role
from sync_protocol.steps import EMPTY_CURSOR
from tests.conftest import SOAK
from tests.support.charts import ChartWriter
from tests.support.relay_server import RelayProcess, SocketLine, keep
from tests.support.shells import SyncingDevice

Make = Callable[[Role], SyncingDevice]


@contextmanager
def dialled(relay: RelayProcess) -> Iterator[ClientConnection]:
    """A bare WebSocket."""
    url = relay.url.replace("http", "ws", 1) + "/v1/sync"
    with connect(url, compression=None, max_size=1 << 20, proxy=None) as line:
        yield line


def answers(line: ClientConnection, timeout_s: float = 10) -> list[Message]:
    """Everything until the relay closes."""
    found: list[Message] = []
    try:
        while True:
            message = line.recv(timeout=timeout_s)
            assert isinstance(message, bytes)
            found += [unpack_frame(frame) for frame in FrameReader().feed(message)]
    except ConnectionClosed:
        return found


def healthy(relay: RelayProcess) -> bool:
    """Whether the relay answers that all its parts are well."""
    status, _, body = relay.request("GET", "/v1/health")
    return status == 200 and json.loads(body)["status"] == "ok"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\0",
        b"\0\0\0\x01\x01",
        b"\0\0\0\x05\x01\xa0\xa0\xa0\xa0",
        b"\xff\xff\xff\xff" * 4,
        struct.pack(">IB", 3, 200) + b"\xa0\xa0",
        pack_frame(Frontiers(streams=(), last=True)),
        pack_frame(Entries(entries=())),
        struct.pack(">IB", 40_001, 1) + b"\x9f" * 40_000,
        struct.pack(">IB", 9, 1) + b"\x9b" + b"\xff" * 7,
    ],
    ids=["empty", "cut", "no_map", "trailing", "long", "type", "early", "early_entries", "deep", "huge_list"],
)
def test_a_message_that_is_none_ends_the_connection_with_a_reason(relay: RelayProcess, message: bytes):
    """Malformed, truncated or out of order before the handshake; an empty message says nothing and costs nothing."""
    with dialled(relay) as line:
        line.send(message)
        if not message:
            line.close()
            return
        found = answers(line)
    assert [type(answer) for answer in found] == [Failure]
    assert found[0].code in {"malformed", "limit"}


def test_text_and_oversize_end_the_connection(relay: RelayProcess):
    """Messages are binary and of 256 KiB at most."""
    with dialled(relay) as line:
        line.send("HELLO")
        assert [type(answer) for answer in answers(line)] == [Failure]
    with dialled(relay) as line:
        line.send(bytes(300 * 1024))
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=10)
    assert healthy(relay)


def test_one_bad_entry_refuses_itself_alone(relay: RelayProcess, device: Make):
    """Replayed, re-ordered, forged and truncated entries among good ones: each gets its own answer."""
    owner = device(Role.PHYSICIAN)
    chart = ChartWriter.begin(owner.session)
    chart.write(count=6)
    wires = [entry.wire for entry in chart.written]
    content = wires[-6:]
    forged = type(content[0])(
        header=content[1].header, body=content[1].body + b"!", index=content[1].index, path=content[1].path
    )
    mixed = [*wires[:-6], content[0], content[0], forged, content[3], content[2]]
    proofs = owner.session.proofs
    with relay.dial(owner) as line:
        line.until(lambda: line.connection.caught_up)
        line.send(
            [
                *map(
                    pack_frame,
                    split_proofs(certificates=proofs.certificates, sessions=proofs.sessions, seals=proofs.seals),
                ),
                *map(pack_frame, split_entries(mixed)),
            ]
        )
        line.until(lambda: len(owner.rejected) >= 3)
    codes = [owner.rejected[entry.hash].code for entry in chart.written[-5:] if entry.hash in owner.rejected]
    assert codes == ["forged", "gap", "gap"]
    assert chart.written[-6].hash in owner.receipted


def test_proofs_without_entries_are_bounded(relay: RelayProcess, device: Make):
    """Records that nobody asked for are refused or stored ahead, and never pile up in memory."""
    owner = device(Role.PHYSICIAN)
    junk = pack_frame(ProofsFrame(certificates=(bytes(200_000),), sessions=(), seals=()))
    with relay.dial(owner) as line:
        line.until(lambda: line.connection.caught_up)
        for _ in range(30):
            line.socket.send(junk)
        line.until(lambda: None in owner.rejected)
    assert healthy(relay)


@pytest.mark.parametrize(
    "frame",
    [Frontiers(streams=(), last=True), Unknown(tags=b"", last=True)],
    ids=["frontiers", "unknown"],
)
def test_an_answer_that_nobody_asked_for_ends_the_connection(relay: RelayProcess, device: Make, frame: Message):
    """Nobody makes the relay read what it holds of every stream, again and again."""
    owner = device(Role.PHYSICIAN)
    with relay.dial(owner) as line:
        line.until(lambda: line.connection.caught_up)
        line.socket.send(pack_frame(frame))
        found = answers(line.socket)
    assert isinstance(found[-1], Failure)
    assert healthy(relay)


@pytest.mark.parametrize("kind", ["cursors", "wants", "rewinds", "comparisons"])
def test_a_device_that_asks_for_ever_is_let_go(relay: RelayProcess, device: Make, kind: str):
    """With the limit by name; others are served as before."""
    owner = device(Role.PHYSICIAN)
    keep(owner, owner.session, ChartWriter.begin(owner.session).written)
    with relay.dial(owner) as line:
        line.until(lambda: owner.cursor.size > 0)
        own = Cursor(size=owner.cursor.size, root=owner.cursor.root, sessions=())
        empty = Cursor(size=0, root=EMPTY_CURSOR.root, sessions=())
        comparison: list[Message] = [
            Digests(digests=bytes(16)),
            Frontiers(streams=(), last=True),
            Unknown(tags=b"", last=True),
        ]
        kinds: dict[str, list[Message]] = {
            "cursors": [own] * (ASKS_MAX + 1),
            "wants": [Want(chains=())] * (ASKS_MAX + 1),
            "rewinds": [own, empty] * (REWINDS_MAX + 1),
            "comparisons": comparison * (COMPARISONS_MAX + 1),
        }
        packed = [pack_frame(frame) for frame in kinds[kind]]
        try:
            for start in range(0, len(packed), 500):
                line.socket.send(b"".join(packed[start : start + 500]))
        except ConnectionClosed:
            pass
        found = answers(line.socket)
    assert isinstance(found[-1], Failure)
    assert found[-1].code == "too_often"
    assert healthy(relay)


def test_too_many_frames_in_one_message(relay: RelayProcess, device: Make):
    """A message of thousands of little frames is refused, not worked through."""
    owner = device(Role.PHYSICIAN)
    with relay.dial(owner) as line:
        line.until(lambda: line.connection.caught_up)
        cursor = pack_frame(Cursor(size=0, root=owner.cursor.root, sessions=()))
        line.socket.send(cursor * 3000)
        found = answers(line.socket)
    assert isinstance(found[-1], Failure)


@pytest.mark.parametrize("seed", range(200 if SOAK else 6))
def test_noise_never_ends_the_process(relay: RelayProcess, device: Make, seed: int):
    """Valid frames of a live exchange, cut, swapped, repeated and flipped at random, on many connections."""
    chance = random.Random(seed)
    owner = device(Role.PHYSICIAN)
    chart = ChartWriter.begin(owner.session)
    chart.write(count=5)
    keep(owner, owner.session, chart.written)
    proofs: Proofs = owner.session.proofs
    good = [
        *map(pack_frame, split_proofs(certificates=proofs.certificates, sessions=proofs.sessions, seals=proofs.seals)),
        *(pack_frame(next(split_entries([entry.wire]))) for entry in chart.written),
        pack_frame(Cursor(size=0, root=owner.cursor.root, sessions=(owner.session.id,))),
        pack_frame(Cursor(size=3, root=owner.cursor.root, sessions=())),
        pack_frame(Frontiers(streams=(), last=False)),
    ]
    for _ in range(10):
        with relay.dial(owner) as line:
            try:
                if chance.random() < 0.8:
                    caught_up(line)
                for _ in range(chance.randint(1, 12)):
                    line.socket.send(spoiled(chance, good))
                answers(line.socket, timeout_s=0.05)
            except (ConnectionClosed, TimeoutError, AssertionError):
                continue
    assert healthy(relay)


def caught_up(line: SocketLine) -> None:
    """Sync until nothing more comes."""
    line.until(lambda: line.connection.caught_up)


def spoiled(chance: random.Random, good: list[bytes]) -> bytes:
    """A message that may be anything."""
    frame = bytearray(chance.choice(good))
    kind = chance.randrange(6)
    if kind == 0:
        return bytes(frame)
    if kind == 1:
        return bytes(frame[: chance.randrange(len(frame))])
    if kind == 2:
        return bytes(frame) + bytes(chance.choice(good))
    if kind == 3:
        return chance.randbytes(chance.randrange(1, 200))
    for _ in range(chance.randint(1, 4)):
        frame[chance.randrange(4 if kind == 4 else 0, len(frame))] ^= 1 << chance.randrange(8)
    return bytes(frame)


def test_a_client_that_never_reads_costs_nobody_else(relay: RelayProcess, device: Make):
    """It is sent as much as its buffers take; others are served meanwhile."""
    owner, deaf = device(Role.PHYSICIAN), device(Role.NURSE)
    chart = ChartWriter.begin(owner.session, members=[deaf.device])
    for _ in range(4):
        chart.write(count=20, size=150_000)
    keep(owner, owner.session, chart.written)
    with relay.dial(deaf) as line:
        line.socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.until(lambda: line.connection.caught_up)
        with relay.dial(owner) as up:
            started = time.monotonic()
            up.run()
        assert time.monotonic() - started < 20
        assert healthy(relay)


def test_a_half_closed_socket_is_let_go(relay: RelayProcess, device: Make):
    """A device that stops sending without a farewell, or vanishes in mid-frame, leaves nothing behind."""
    for how in ("half", "reset"):
        owner = device(Role.PHYSICIAN)
        with relay.dial(owner) as line:
            caught_up(line)
            raw = line.socket.socket
            if how == "half":
                raw.shutdown(socket.SHUT_WR)
            else:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raw.close()
    place = urlsplit(relay.url)
    with socket.create_connection((place.hostname, place.port)) as raw:
        raw.sendall(b"POST /v1/sync/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        raw.shutdown(socket.SHUT_WR)
    assert healthy(relay)


def test_an_unknown_or_ended_token_is_refused(relay: RelayProcess, device: Make):
    """Without telling which of the two it is; nothing of the request is handled."""
    good = relay.dial_http(device(Role.NURSE))
    good.handshake()
    for header in ("", "Bearer", "Bearer 00", f"Bearer {'0' * 64}", f"Basic {good.token}", f"Bearer {'z' * 64}"):
        status, headers, body = relay.request("POST", "/v1/sync", b"", {"Authorization": header} if header else {})
        assert status == 401
        assert headers["www-authenticate"] == "Bearer"
        assert json.loads(body)["error"]["code"] == "token"
    assert good.request() == 200


def test_a_failed_exchange_ends_its_token(relay: RelayProcess, device: Make):
    """As a WebSocket ends; the device shakes hands again."""
    line = relay.dial_http(device(Role.NURSE))
    line.handshake()
    line.ahead.appendleft(b"\0\0\0\x02\x01\xa0")
    assert line.request() == 200
    assert line.connection.closed is not None
    assert line.request() == 401


def test_a_handshake_over_http_is_answered_once(relay: RelayProcess, device: Make):
    """A replayed AUTH finds no handshake, and one for another handshake no valid signature."""
    one, two = (relay.dial_http(device(Role.NURSE)) for _ in range(2))
    status, headers, body = relay.request("POST", "/v1/sync/hello", b"".join(one.connection.start()))
    auth = b"".join(out for frame in FrameReader().feed(body) for out in one.connection.receive(frame))
    status, other, body = relay.request("POST", "/v1/sync/hello", b"".join(two.connection.start()))
    assert status == 200
    name = {"Fieldward-Exchange": headers["fieldward-exchange"]}
    wrong = {"Fieldward-Exchange": other["fieldward-exchange"]}
    status, _, body = relay.request("POST", "/v1/sync/auth", auth, wrong)
    assert isinstance(unpack_frame(body), Failure)
    assert relay.request("POST", "/v1/sync/auth", auth, name)[0] == 200
    assert relay.request("POST", "/v1/sync/auth", auth, name)[0] == 404
    assert relay.request("POST", "/v1/sync/auth", auth, {"Fieldward-Exchange": "no hex"})[0] == 404


def test_requests_over_the_limit_are_refused(relay: RelayProcess):
    """Before they are read to their end."""
    hello = relay.request("POST", "/v1/sync/hello", bytes(300 * 1024))
    assert (hello[0], json.loads(hello[2])["error"]["code"]) == (413, "limit")
    status, _, body = relay.request("POST", "/v1/sync/hello", b"\0\0\0\x01\x63")
    assert status == 200
    assert isinstance(unpack_frame(body), Failure)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/v1/sync/hello", 405), ("GET", "/docs", 404), ("DELETE", "/v1/relay", 405)],
)
def test_what_does_not_exist_is_said_in_the_same_form(relay: RelayProcess, method: str, path: str, status: int):
    """Every error is code, expected, got, do."""
    found, _, body = relay.request(method, path)
    assert found == status
    assert set(json.loads(body)["error"]) == {"code", "expected", "got", "do"}


def test_a_hello_for_a_version_of_the_future(relay: RelayProcess, device: Make):
    """It is told which version there is."""
    home = device(Role.NURSE)
    hello = Hello(
        versions=(200,),
        organisation=home.device.organisation.root.value.organisation,
        certificate=home.device.name,
        nonce=bytes(32),
        notes=(),
    )
    with dialled(relay) as line:
        line.send(pack_frame(hello))
        found = answers(line)
    assert [type(answer) for answer in found] == [Failure]
    assert found[0].code == "version"
