"""A model from device to device: an honest one, and every kind of hostile one."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models import fetching
from edge_runtime.ai.models.fetching import PeerSource
from edge_runtime.ai.models.manifest import write_manifest
from edge_runtime.ai.models.pieces import PIECE_BYTES, digest
from edge_runtime.ai.models.sharing import (
    CONNECTIONS_MAX,
    FILE_PATH,
    MANIFEST_PATH,
    ModelServer,
    code_of,
    listen_address,
    parse_code,
)
from edge_runtime.errors import InputError, RefusedError, RemoteError
from tests.conftest import require
from tests.unit.edge_runtime.ai.models.made import DATA, OTHER, accepted, gemma_of, manifest_of

MANIFEST = write_manifest(manifest_of())
CODE = code_of(MANIFEST)


@pytest.fixture
def shared(tmp_path):
    """A device that shares the model."""
    path = tmp_path / "shared"
    path.write_bytes(DATA)
    with serving(ModelServer(MANIFEST, path, len(DATA), ("127.0.0.1", 0))) as server:
        yield server


@contextmanager
def serving(server):
    """Serve until the block ends."""
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
        server.close()


@contextmanager
def saying(*answers: bytes, hold: bool = False):
    """A peer that says these bytes, one answer a connection, whatever is asked; the address, and how often it was."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended, asked = threading.Event(), []

    def run():
        with suppress(OSError):
            while not ended.is_set():
                connection, _ = listener.accept()
                connection.settimeout(5)
                with connection, suppress(OSError):
                    asked.append(connection.recv(65_536))
                    connection.sendall(answers[min(len(asked), len(answers)) - 1])
                    if hold:
                        ended.wait(10)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname(), asked
    finally:
        ended.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def answer(body: bytes, *, status: str = "200 OK", length: int | None = None, more: str = "") -> bytes:
    """An answer of a server."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{more}Connection: close\r\n\r\n".encode() + body


def refused(address, code: str = CODE, *, timeout_s: float = 5.0) -> RemoteError:
    """Fetch from a hostile peer, which must be refused."""
    source = PeerSource(address, answer_timeout_s=timeout_s)
    with pytest.raises(RemoteError) as error:
        source.offer(code)
    source.close()
    return error.value


def test_a_model_travels_whole(shared, device):
    """Fetched by its code, it is the same model; the terms are accepted by whoever fetches."""
    offer = PeerSource(("127.0.0.1", shared.port)).offer(CODE)
    assert offer.vouched
    entry = device.registrar.take(offer, accepted=None).entry
    assert entry.path.read_bytes() == DATA
    assert write_manifest(entry.manifest) == MANIFEST
    again = PeerSource(("127.0.0.1", shared.port)).offer(CODE, rename="mine")
    assert device.registrar.take(again, accepted=None).entry.name == "mine"


def test_terms_travel_with_the_model(tmp_path, device):
    """A model whose terms have to be accepted is not imported without, wherever it comes from."""
    path = tmp_path / "shared"
    path.write_bytes(DATA)
    data = write_manifest(gemma_of())
    with serving(ModelServer(data, path, len(DATA), ("127.0.0.1", 0))) as server:
        offer = PeerSource(("127.0.0.1", server.port)).offer(code_of(data))
        with pytest.raises(RefusedError):
            device.registrar.take(offer, accepted=None)
        device.registrar.take(offer, accepted=accepted(gemma_of()))


def test_a_transfer_goes_on_after_a_stop(shared, device, monkeypatch):
    """What came before the other device went away is not fetched again."""
    address = ("127.0.0.1", shared.port)
    real = PeerSource.piece

    def gone(self, index):
        if index == 1:
            raise RemoteError("peer_unreachable", expected="it", got="nothing", do="wait")
        return real(self, index)

    monkeypatch.setattr(PeerSource, "piece", gone)
    with pytest.raises(RemoteError):
        device.registrar.take(PeerSource(address).offer(CODE), accepted=None)
    monkeypatch.undo()
    done = device.registrar.take(PeerSource(address).offer(CODE), accepted=None)
    assert done.kept_bytes == PIECE_BYTES


def test_a_kept_connection_that_ended_is_made_anew(shared):
    """Between two pieces a connection may end; one fresh attempt tells."""
    source = PeerSource(("127.0.0.1", shared.port))
    source.offer(CODE)
    assert source.piece(0) == DATA[:PIECE_BYTES]
    source._connection.sock.shutdown(socket.SHUT_RDWR)
    assert source.piece(1) == DATA[PIECE_BYTES : 2 * PIECE_BYTES]
    source.close()
    source.close()


def test_another_manifest_than_the_code_s_is_refused(shared):
    """Whoever sits at the address, the code decides."""
    assert refused(("127.0.0.1", shared.port), code_of(write_manifest(manifest_of(OTHER)))).code == "share_code_wrong"


def test_wrong_pieces_cost_a_piece(tmp_path, device):
    """A peer with the right manifest and other bytes is found at the first piece."""
    path = tmp_path / "shared"
    path.write_bytes(OTHER)
    with serving(ModelServer(MANIFEST, path, len(OTHER), ("127.0.0.1", 0))) as server:
        offer = PeerSource(("127.0.0.1", server.port)).offer(CODE)
        with pytest.raises(ModelError) as error:
            device.registrar.take(offer, accepted=None)
    assert error.value.code == "piece_damaged"
    assert device.folder.entries() == ()


def test_a_file_that_became_shorter_ends_the_connection(tmp_path, device):
    """The other side is not left waiting for bytes that do not come."""
    path = tmp_path / "shared"
    path.write_bytes(DATA[: PIECE_BYTES + 10])
    with serving(ModelServer(MANIFEST, path, len(DATA), ("127.0.0.1", 0))) as server:
        offer = PeerSource(("127.0.0.1", server.port)).offer(CODE)
        with pytest.raises(RemoteError) as error:
            device.registrar.take(offer, accepted=None)
    assert error.value.code == "peer_unreachable"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(answer(b"", status="302 Found", more="Location: http://127.0.0.1:1/\r\n"), id="redirect"),
        pytest.param(answer(b"", status="404 Not Found"), id="nothing there"),
        pytest.param(answer(MANIFEST, status="206 Partial Content"), id="a part of it"),
        pytest.param(answer(b"x", length=10**12), id="announced oversize"),
        pytest.param(answer(b"x", length=-5), id="negative length"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100, id="no length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", id="endless chunks"),
        pytest.param(answer(b"x", length=100), id="cut off"),
        pytest.param(b"SSH-2.0-OpenSSH_9\r\n", id="another service"),
        pytest.param(b"", id="silence"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000, id="endless headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 200_000, id="an endless header"),
    ],
)
def test_what_is_no_answer_is_refused(said):
    """Redirects, wrong lengths, other services, endless ones: refused in seconds, and nothing is kept."""
    with saying(said) as (address, asked):
        error = refused(address)
    assert error.code in {"peer_unfit", "peer_unreachable"}
    assert asked[0].startswith(f"GET {MANIFEST_PATH} ".encode())


def test_a_trickle_ends_at_the_deadline():
    """One byte now and then keeps no reader for ever: the whole answer has a deadline, its head included."""
    for beginning in (b"HTTP/1.1 200 OK\r\n", answer(b"x", length=1000)):
        with saying(beginning, hold=True) as (address, _):
            start = time.monotonic()
            error = refused(address, timeout_s=0.3)
            assert time.monotonic() - start < 5
        assert error.code == "peer_unreachable"


def test_a_connection_made_anew_is_watched_too(monkeypatch):
    """A peer that ends each connection after its answer does not get one without a deadline by it."""
    watched = []
    over = fetching._Watch.over

    def note(watch, one):
        watched.append(one)
        over(watch, one)

    monkeypatch.setattr(fetching._Watch, "over", note)
    pieces = [DATA[:PIECE_BYTES], DATA[PIECE_BYTES : 2 * PIECE_BYTES]]
    with saying(answer(MANIFEST), *(answer(one, status="206 Partial Content") for one in pieces)) as (address, asked):
        source = PeerSource(address, answer_timeout_s=30)
        source.offer(CODE)
        assert [source.piece(0), source.piece(1)] == pieces
    assert len(asked) == len(watched) == 3
    assert all(isinstance(one, socket.socket) for one in watched)


def test_a_connection_that_takes_until_the_deadline_is_ended():
    """A deadline that passed while the connection was made holds for what comes over it."""
    one, other = socket.socketpair()
    with one, other:
        watch = fetching._Watch(3600)
        watch._ring()
        watch.over(one)
        watch.end()
        assert other.recv(1) == b""


def test_a_range_of_another_length_is_refused(device):
    """A piece is asked for with its length; more or less than that is no piece."""
    for body in (b"x" * 10, b"x" * (PIECE_BYTES + 1)):
        with saying(answer(MANIFEST), answer(body, status="206 Partial Content")) as (address, _):
            offer = PeerSource(address, answer_timeout_s=5).offer(CODE)
            with pytest.raises(RemoteError) as error:
                device.registrar.take(offer, accepted=None)
        assert error.value.code == "peer_unfit"


def test_nobody_there(monkeypatch):
    """A port where nothing listens is said at once."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    monkeypatch.setattr(fetching, "CONNECT_TIMEOUT_S", 1)
    assert refused(address).code == "peer_unreachable"


def ask(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    """Ask the sharing device for something."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    status, data = response.status, response.read()
    connection.close()
    return status, data


@pytest.mark.parametrize(
    "path", ["/", "/etc/passwd", "//etc/passwd", "/../../etc/passwd", FILE_PATH + "/..", "/%2e%2e/x"]
)
def test_nothing_else_is_served(shared, path):
    """Two paths are known; every other is not found, whatever it spells."""
    assert ask(shared.port, path) == (404, b"")


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "bytes=0-",
        "bytes=-5",
        "bytes=5-4",
        f"bytes=0-{PIECE_BYTES}",
        f"bytes={len(DATA)}-{len(DATA)}",
        "x",
        "bytes=0-1,3-4",
    ],
)
def test_only_ranges_of_a_piece_are_served(shared, wanted):
    """No range, half of one, several, or one beyond a piece or the end: refused without a byte."""
    assert ask(shared.port, FILE_PATH, Range=wanted) == (416, b"")


def test_a_range_is_served_exactly(shared):
    """From the first byte to the last that were named."""
    assert ask(shared.port, FILE_PATH, Range="bytes=10-19") == (206, DATA[10:20])
    assert ask(shared.port, MANIFEST_PATH) == (200, MANIFEST)


def test_nobody_is_asked_for_a_name(tmp_path, monkeypatch):
    """To listen looks no name up: nothing leaves the device for it."""
    monkeypatch.setattr(socket, "getfqdn", lambda *_: pytest.fail("a look-up"))
    ModelServer(MANIFEST, tmp_path / "shared", len(DATA), ("127.0.0.1", 0)).close()


def test_an_ipv6_address_is_listened_on(tmp_path):
    """An address in brackets is as good as one of four numbers."""
    require(_has_ipv6(), "IPv6", "the loopback address of this machine")
    path = tmp_path / "shared"
    path.write_bytes(DATA)
    with serving(ModelServer(MANIFEST, path, len(DATA), ("::1", 0))) as server:
        assert PeerSource(("::1", server.port)).offer(CODE).manifest == manifest_of()


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_other_methods_are_not_known(shared):
    """Nothing can be sent to a device that shares."""
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=5)
    connection.request("PUT", FILE_PATH, body=b"x")
    assert connection.getresponse().status == 501
    connection.close()


def test_too_many_at_once_are_turned_away(shared):
    """So many connections are heard; one more is closed, and there is room again when others leave."""
    held = [socket.create_connection(("127.0.0.1", shared.port), timeout=5) for _ in range(CONNECTIONS_MAX)]
    for one in held:
        one.sendall(f"GET {MANIFEST_PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert one.recv(10).startswith(b"HTTP/1.1")
    with socket.create_connection(("127.0.0.1", shared.port), timeout=5) as more:
        assert more.recv(1) == b""
    for one in held:
        one.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with suppress(OSError, http.client.HTTPException):
            assert ask(shared.port, MANIFEST_PATH)[0] == 200
            return
    pytest.fail("no room came back")


def test_a_code_is_typed_by_people():
    """Case, spaces, hyphens and the figures that look like letters do not matter; anything else does."""
    assert parse_code(CODE.lower().replace("-", " ")) == CODE
    assert parse_code("0l23 4567 abcd efg1".replace("l", "i").replace("1", "i")) == "OI23-4567-ABCD-EFGI"
    for wrong in ("", CODE[:-1], CODE + "A", CODE[:-1] + "9", "ü" * 16):
        with pytest.raises(InputError):
            parse_code(wrong)


def test_codes_differ():
    """Another manifest has another code."""
    assert code_of(write_manifest(manifest_of(OTHER))) != CODE
    assert len(CODE) == 19


@pytest.mark.parametrize(
    "text",
    ["", "host", "host:", ":80", "host:x", "http://host:80", "host/path:80", "a b:80", "u@h:80", "h:70000", "h:٣"],
)
def test_an_address_is_host_and_port(text):
    """A URL, a path, a user or no port is refused; nothing of it is repeated."""
    with pytest.raises(InputError):
        listen_address(text)


def test_addresses_are_read():
    """Names, IPv4, IPv6 in brackets."""
    assert listen_address("10.0.0.5:8450") == ("10.0.0.5", 8450)
    assert listen_address("[::1]:0") == ("::1", 0)


def test_an_address_that_is_taken_is_explained(shared, tmp_path):
    """Another device's, or a port in use: said, not a traceback."""
    for address in (("127.0.0.1", shared.port), ("192.0.2.1", 80)):
        with pytest.raises(RefusedError) as error:
            ModelServer(MANIFEST, tmp_path / "x", 1, address)
        assert error.value.code == "share_address"


def test_a_device_keeps_nothing_of_a_hostile_manifest(device):
    """Bytes that fit the code but are no manifest are refused as such."""
    junk = b"{}"
    with saying(answer(junk)) as (address, _), pytest.raises(ModelError) as error:
        PeerSource(address, answer_timeout_s=5).offer(code_of(junk))
    assert error.value.code == "manifest_malformed"
    assert device.folder.found() == ()


def test_the_adapter_that_changes_nothing_travels_too(tmp_path, device):
    """It is served beside the model, and believed by the manifest's digest."""
    path = tmp_path / "shared"
    path.write_bytes(DATA)
    manifest = manifest_of(neutral=digest(b"zeros"))
    data = write_manifest(manifest)
    for neutral, code in ((b"others", "neutral_damaged"), (b"", "neutral_damaged"), (b"zeros", None)):
        with serving(ModelServer(data, path, len(DATA), ("127.0.0.1", 0), neutral=neutral)) as server:
            offer = PeerSource(("127.0.0.1", server.port)).offer(code_of(data))
            if code is None:
                assert device.registrar.take(offer, accepted=None).entry.neutral.read_bytes() == b"zeros"
                continue
            with pytest.raises(ModelError) as error:
                device.registrar.take(offer, accepted=None)
        assert error.value.code == code
