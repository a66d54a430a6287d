"""Transports: frames in, frames out, and one clear error for whatever a network does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.sync.server import ServerConnection, serve

from edge_runtime.errors import InputError, RemoteError
from edge_runtime.sync.retry import BASE_S, PAUSE_S_MAX, RETRYABLE, pause_s, retrying
from edge_runtime.transports import http as http_module
from edge_runtime.transports.http import HttpClient, HttpLink, refusal
from edge_runtime.transports.link import address_of, silent, unreachable
from edge_runtime.transports.websocket import WebSocketLink
from sync_protocol.errors import LimitError, MalformedError
from sync_protocol.frames import pack_frame
from sync_protocol.log_messages import Page
from sync_protocol.refusal_messages import Failure

FRAME = pack_frame(Page(note=None, more=False))
OTHER = pack_frame(Failure(code="x", expected="a", got="b", do="c"))


# ---------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://Relay.Example.org", "https://relay.example.org:443"),
        ("http://127.0.0.1:8440/", "http://127.0.0.1:8440"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("HTTPS://xn--e9a.org.", "https://xn--e9a.org.:443"),
        ("http://relay_1-a", "http://relay_1-a:80"),
    ],
)
def test_both_sides_sign_one_form_of_an_address(url: str, address: str):
    """Scheme, host in lower case, port, whatever was typed; again is the same."""
    assert address_of(url) == address_of(address) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "relay.example.org",
        "ftp://relay.example.org",
        "http://",
        "http://[",
        "http://[::1",
        "http://a..b",
        "http://.",
        "http://user@relay",
        "http://relay:0",
        "http://relay:99999",
        "http://relay:x",
        "http://relay/path",
        "http://relay?query",
        "http://relay#fragment",
        "http://re lay",
        "http://ré.org",
        "http://" + "x" * 64,
        "http://relay\x1b[0m",
    ],
)
def test_what_is_no_address_of_a_relay_is_refused(url: str):
    """What would be dialled elsewhere, or nowhere, or silently cut, is refused without being repeated."""
    with pytest.raises(InputError) as error:
        address_of(url)
    assert error.value.code == "relay_address"
    assert error.value.got == f"{len(url)} characters that are none"


@given(st.text() | st.text(alphabet="htps:/[]@.%0129ax#?\\").map("http://".__add__))
def test_any_text_is_an_address_or_refused(text: str):
    """Nothing else comes out of it."""
    try:
        address = address_of(text)
    except InputError:
        return
    assert address_of(address) == address


# --------------------------------------------------------------------------------------------------------- HTTP


class Server:
    """A server that answers as it is told.

    Attributes:
        answer: given method, path, body and headers; returns status, headers, body. None hangs up.
    """

    def __init__(self) -> None:
        self.answer: Callable[[str, str, bytes, Any], tuple[int, dict[str, str], bytes] | None] = lambda *_: (
            200,
            {},
            b"",
        )
        self.asked: list[tuple[str, str, bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.asked.append((self.command, self.path, body))
                found = server.answer(self.command, self.path, body, self.headers)
                if found is None:
                    self.close_connection = True
                    return
                status, headers, data = found
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                if headers.get("Connection") == "close":
                    self.close_connection = True

            do_GET = do_POST = handle_any  # noqa: N815 the library's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        self._thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self.http.shutdown()
        self.http.server_close()
        self._thread.join()


@pytest.fixture(name="server")
def fixture_server() -> Iterator[Server]:
    """A server on this machine."""
    server = Server()
    yield server
    server.stop()


@contextmanager
def _client(server: Server) -> Iterator[HttpClient]:
    with closing(HttpClient(server.address, timeout_s=5)) as client:
        yield client


def test_a_request_carries_and_brings_bytes(server: Server):
    """Body and headers there, status, headers and body back; one connection for many."""
    server.answer = lambda _, path, body, headers: (201, {"X": headers["Y"]}, body[::-1] + path.encode())
    with _client(server) as client:
        for _ in range(2):
            status, headers, data = client.request("POST", "/a", body=b"abc", headers={"Y": "z"})
            assert (status, headers["X"], data) == (201, "z", b"cba/a")


def test_a_kept_connection_that_ended_is_dialled_once_more(server: Server):
    """An idle relay hangs up; the next request goes over a fresh connection, and only once."""
    with _client(server) as client:
        server.answer = lambda *_: (200, {"Connection": "close"}, b"1")
        client.request("GET", "/")
        server.answer = lambda *_: (200, {}, b"2")
        assert client.request("GET", "/")[2] == b"2"
        server.answer = lambda *_: None
        asked = len(server.asked)
        with pytest.raises(RemoteError) as error:
            client.request("GET", "/")
        assert error.value.code == "relay_unreachable"
        assert len(server.asked) == asked + 2
        with pytest.raises(RemoteError):
            client.request("GET", "/")
        assert len(server.asked) == asked + 3


def test_nobody_there_is_unreachable():
    """A closed port, and a name that no resolver takes, are one clear error each."""
    for address in ("http://127.0.0.1:9", "http://" + "a." * 130 + "invalid:80"):
        with closing(HttpClient(address, timeout_s=1)) as client, pytest.raises(RemoteError) as error:
            client.request("GET", "/")
        assert error.value.code == "relay_unreachable"


def test_a_secure_address_is_dialled_securely(server: Server):
    """An https address never speaks in the clear: a server that does is unreachable."""
    address = server.address.replace("http:", "https:")
    with closing(HttpClient(address, timeout_s=5)) as client, pytest.raises(RemoteError) as error:
        client.request("GET", "/")
    assert (error.value.code, error.value.got) == ("relay_unreachable", "no TLS, or another than ours")
    assert server.asked == []


def test_a_refusal_is_told_in_the_relays_words(server: Server):
    """An answer that is no success becomes the relay's own error, or says its status."""
    words = {"code": "invitation_used", "expected": "an unused one", "got": "another", "do": "ask for a new one"}
    server.answer = lambda *_: (409, {}, json.dumps({"error": words}).encode())
    with _client(server) as client:
        with pytest.raises(RemoteError) as error:
            client.request("GET", "/")
        told = error.value
        assert (told.code, told.expected, told.got, told.do) == tuple(words.values())
        server.answer = lambda *_: (302, {"Location": "http://elsewhere.example"}, b"")
        with pytest.raises(RemoteError) as error:
            client.request("GET", "/")
        assert (error.value.code, error.value.got) == ("relay_refused", "HTTP status 302")


@given(st.integers(300, 599), st.binary(max_size=80))
def test_any_other_refusal_names_the_status(status: int, data: bytes):
    """What no relay said is told by its status; where a proxy speaks for a dead relay, another attempt may help."""
    error = refusal(status, data)
    assert error.code == ("relay_unreachable" if status >= 500 else "relay_refused")
    assert error.got == f"HTTP status {status}"


def test_a_strangers_words_are_cut_and_its_codes_are_codes():
    """A code is a word for machines; texts are of bounded length."""
    words = {"code": "Bad Code\n", "expected": "x" * 1000, "got": 5, "do": None}
    error = refusal(400, json.dumps({"error": words}).encode())
    assert (error.code, len(error.expected), error.got, error.do) == ("relay_refused", 400, "5", "None")


def test_an_answer_without_end_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch):
    """So many bytes and no more; the connection is not used again."""
    monkeypatch.setattr(http_module, "RESPONSE_BYTES_MAX", 10)
    with _client(server) as client:
        server.answer = lambda *_: (200, {}, b"x" * 10)
        assert len(client.request("GET", "/")[2]) == 10
        server.answer = lambda *_: (200, {}, b"x" * 11)
        with pytest.raises(RemoteError) as error:
            client.request("GET", "/")
        assert error.value.code == "relay_answer_too_long"
        server.answer = lambda *_: (200, {}, b"ok")
        assert client.request("GET", "/")[2] == b"ok"


def test_frames_travel_together_in_one_request(server: Server):
    """What was sent waits until something is to be received; then one POST carries all of it."""
    server.answer = lambda *_: (200, {"Fieldward-Exchange": "e"}, FRAME + OTHER)
    with _client(server) as client:
        link = HttpLink(client)
        assert link.receive(timeout_s=1) is None
        link.send(FRAME)
        link.send(OTHER)
        assert server.asked == []
        assert [link.receive(timeout_s=1) for _ in range(3)] == [FRAME, OTHER, None]
        assert server.asked == [("POST", "/v1/sync/hello", FRAME + OTHER)]


def test_the_handshake_goes_on_under_its_name_and_then_under_a_token(server: Server):
    """HELLO, AUTH under the name that came back, then requests with the token and the number that was read."""
    heard: list[tuple[str, str | None, str | None, str | None]] = []

    def answer(_: str, path: str, __: bytes, headers: Any) -> tuple[int, dict[str, str], bytes]:
        names = ("Fieldward-Exchange", "Authorization", "Fieldward-Response")
        heard.append((path, *(headers.get(name) for name in names)))
        return 200, {"Fieldward-Exchange": "e1", "Fieldward-Response": str(len(heard))}, FRAME

    server.answer = answer
    with _client(server) as client:
        link = HttpLink(client)
        for _ in range(2):
            link.send(FRAME)
            link.receive(timeout_s=1)
        link.admitted(b"\x01\x02")
        for _ in range(2):
            link.send(FRAME)
            link.receive(timeout_s=1)
        link.close()
    assert [path for path, *_ in heard] == ["/v1/sync/hello", "/v1/sync/auth", "/v1/sync", "/v1/sync"]
    assert heard[1][1] == "e1"
    assert heard[2][2:] == ("Bearer 0102", "2")
    assert heard[3][2:] == ("Bearer 0102", "3")


def test_closing_sends_what_waits_as_far_as_it_goes(server: Server):
    """A last word reaches the relay where it can, and a relay that does not take it is left alone."""
    with _client(server) as client:
        link = HttpLink(client, token=b"\x01")
        link.send(OTHER)
        link.close()
        assert server.asked == [("POST", "/v1/sync", OTHER)]
        answers: list[tuple[int, bytes]] = [(500, b""), (200, b"\x00\x00\x00\x09garbage")]
        for status, data in answers:
            server.answer = lambda *_, status=status, data=data: (status, {}, data)
            link.send(OTHER)
            link.close()
        asked = len(server.asked)
        HttpLink(client).close()
        assert len(server.asked) == asked


@pytest.mark.parametrize(("data", "kind"), [(FRAME[:-1], MalformedError), (b"\xff" * 5, LimitError)])
def test_an_answer_that_is_no_frames_is_the_peers_fault(server: Server, data: bytes, kind: type[Exception]):
    """Half a frame, or one over the limit."""
    server.answer = lambda *_: (200, {}, data)
    with _client(server) as client:
        link = HttpLink(client, token=b"\x01")
        link.send(FRAME)
        with pytest.raises(kind):
            link.receive(timeout_s=1)


# --------------------------------------------------------------------------------------------------- WebSocket


@contextmanager
def _websocket(handler: Callable[[ServerConnection], None], **options: Any) -> Iterator[str]:
    with serve(handler, "127.0.0.1", 0, compression=None, **options) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def test_frames_go_both_ways_over_a_websocket():
    """A frame a message going up; coming down, as many as the relay put into one."""

    def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        assert connection.request.path == "/v1/sync"
        assert connection.recv() == FRAME
        connection.send(FRAME + OTHER)
        connection.recv()

    with _websocket(handler) as address, closing(WebSocketLink(address, timeout_s=5)) as link:
        link.send(FRAME)
        assert [link.receive(timeout_s=5) for _ in range(2)] == [FRAME, OTHER]
        assert link.receive(timeout_s=0.01) is None
        link.close()


def test_a_websocket_that_ends_is_unreachable():
    """On the next wait, and on the next frame."""
    with _websocket(lambda connection: connection.close()) as address:
        link = WebSocketLink(address, timeout_s=5)
        with pytest.raises(RemoteError) as error:
            link.receive(timeout_s=5)
        assert error.value.code == "relay_unreachable"
        with pytest.raises(RemoteError):
            link.send(FRAME)
        link.close()
        link.close()


@pytest.mark.parametrize(
    ("message", "kind"),
    [("text", MalformedError), (b"\xff" * 5, LimitError), (FRAME[:-1], MalformedError), (b"", MalformedError)],
)
def test_a_message_that_is_no_frames_is_the_peers_fault(message: str | bytes, kind: type[Exception]):
    """Text, a frame over the limit, part of one, and nothing at all."""
    with (
        _websocket(lambda connection: connection.send(message)) as address,
        closing(WebSocketLink(address, timeout_s=5)) as link,
        pytest.raises(kind),
    ):
        link.receive(timeout_s=5)


def test_a_message_over_the_limit_ends_the_connection(monkeypatch: pytest.MonkeyPatch):
    """It is not even taken in."""
    monkeypatch.setattr("edge_runtime.transports.websocket.FRAME_BYTES_MAX", 10)

    def handler(connection: ServerConnection) -> None:
        connection.send(b"x" * 11)
        for _ in connection:
            continue

    with (
        _websocket(handler) as address,
        closing(WebSocketLink(address, timeout_s=5)) as link,
        pytest.raises(RemoteError),
    ):
        link.receive(timeout_s=5)


def test_a_refused_handshake_is_told_in_the_relays_words(server: Server):
    """Busy, unclaimed or not a relay at all: by its words, or by its status."""
    words = {"code": "busy", "expected": "less", "got": "more", "do": "wait"}
    server.answer = lambda *_: (503, {}, json.dumps({"error": words}).encode())
    with pytest.raises(RemoteError) as error:
        WebSocketLink(server.address, timeout_s=5)
    assert (error.value.code, error.value.do) == ("busy", "wait")
    server.answer = lambda *_: (404, {}, b"")
    with pytest.raises(RemoteError) as error:
        WebSocketLink(server.address, timeout_s=5)
    assert error.value.code == "relay_refused"


def test_dialling_into_the_void_is_unreachable(server: Server):
    """A closed port, a name that does not resolve, an answer that is no handshake."""
    server.answer = lambda *_: None
    for address in ("http://127.0.0.1:9", "http://" + "a." * 130 + "invalid:80", server.address):
        with pytest.raises(RemoteError) as error:
            WebSocketLink(address, timeout_s=1)
        assert error.value.code == "relay_unreachable"


# -------------------------------------------------------------------------------------------------------- retrying


def test_pauses_grow_are_bounded_and_spread():
    """Full jitter: anything between nothing and the doubled base, never above the bound."""
    lowest, highest = (lambda _: b"\x00" * 4), (lambda _: b"\xff" * 4)
    assert pause_s(0, lowest) == 0
    assert pause_s(0, highest) == pytest.approx(BASE_S)
    assert pause_s(3, highest) == pytest.approx(8 * BASE_S)
    assert pause_s(500, highest) == pytest.approx(PAUSE_S_MAX)


@pytest.mark.parametrize("code", sorted(RETRYABLE))
def test_what_passes_is_tried_again_so_often(code: str):
    """An attempt that goes through ends it; the last failure is the caller's."""
    for failures, attempts in ((2, 3), (3, 3), (1, 1), (0, 0)):
        slept: list[float] = []
        left = [failures]

        def attempt() -> str:
            if left[0]:  # noqa: B023 called within this round
                left[0] -= 1  # noqa: B023 the same
                raise RemoteError(code, expected="a", got="b", do="c")
            return "done"

        if failures < max(attempts, 1):
            assert retrying(attempt, attempts=attempts, entropy=bytes, sleep=slept.append) == "done"
            assert len(slept) == failures
        else:
            with pytest.raises(RemoteError):
                retrying(attempt, attempts=attempts, entropy=bytes, sleep=slept.append)
            assert len(slept) == max(attempts, 1) - 1


def test_what_another_attempt_would_not_change_fails_at_once():
    """A refusal, and an error of our own, are not repeated."""
    slept: list[float] = []
    for error in (RemoteError("not_member", expected="a", got="b", do="c"), ValueError()):

        def attempt() -> None:
            raise error  # noqa: B023 called within this round

        with pytest.raises(type(error)):
            retrying(attempt, attempts=5, entropy=bytes, sleep=slept.append)
    assert slept == []


def test_the_two_errors_of_a_network_may_be_tried_again():
    """Unreachable and silent are what passes."""
    assert {unreachable("http://relay:80", "x").code, silent().code} <= RETRYABLE
