"""Links between devices over real loopback sockets: bounded, uncompressed, and one clear error for what goes wrong."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from edge_runtime.errors import InputError, RemoteError
from edge_runtime.transports import listener as listener_module
from edge_runtime.transports.listener import Listener, listening
from edge_runtime.transports.peer_link import PATH, DialledLink, PeerLink, peer_url, socket_address
from sync_protocol.errors import LimitError, MalformedError
from sync_protocol.frames import pack_frame
from sync_protocol.limits import FRAME_BYTES_MAX
from sync_protocol.peer_messages import Done, PeerNotes

FRAME = pack_frame(Done(again=True))
OTHER = pack_frame(PeerNotes(notes=(b"x" * 1000,)))


@contextmanager
def server(serve_one: Callable[[PeerLink, str], None], host: str = "127.0.0.1") -> Iterator[Listener]:
    """A listener on a free port that serves in a thread."""
    with listening(host, 0, serve_one) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            made.stop()
            thread.join(timeout=20)
            assert not thread.is_alive()


def echo(link: PeerLink, address: str) -> None:
    """Send the address, then everything back."""
    link.send(pack_frame(PeerNotes(notes=(address.encode(),))))
    while (frame := link.receive(timeout_s=5)) is not None:
        link.send(frame)


def test_frames_go_both_ways_and_both_name_one_address():
    """The one who dialled and the one who answered see the same socket."""
    with server(echo) as made, closing(DialledLink(made.address, timeout_s=5)) as link:
        assert link.receive(timeout_s=5) == pack_frame(PeerNotes(notes=(link.address.encode(),)))
        for frame in (FRAME, OTHER):
            link.send(frame)
            assert link.receive(timeout_s=5) == frame
        assert link.address == made.address
        assert link.receive(timeout_s=0.01) is None


def test_one_who_listens_everywhere_sees_the_address_that_was_dialled():
    """Not the wildcard."""
    with server(echo, "0.0.0.0") as made:  # noqa: S104 what is tested
        port = made.address.rpartition(":")[2]
        with closing(DialledLink(f"ws://127.0.0.1:{port}", timeout_s=5)) as link:
            assert link.address == f"ws://127.0.0.1:{port}"
            assert link.receive(timeout_s=5) == pack_frame(PeerNotes(notes=(link.address.encode(),)))


def test_several_frames_in_one_message():
    """A message is made of whole frames; how many is its sender's business."""
    with server(echo) as made, connect(made.address + PATH, proxy=None) as raw:
        raw.recv()
        raw.send(FRAME + OTHER)
        assert raw.recv() == FRAME
        assert raw.recv() == OTHER
        assert raw.protocol.extensions == []


def trouble(send: Callable[[Any], None]) -> BaseException:
    """What the listener's side hears of what a client does."""
    heard: queue.Queue[BaseException] = queue.Queue()

    def serve_one(link: PeerLink, _: str) -> None:
        link.send(FRAME)
        try:
            while link.receive(timeout_s=5) is not None:
                pass
        except Exception as error:
            heard.put(error)

    with server(serve_one) as made, connect(made.address + PATH, proxy=None, max_size=None) as raw:
        raw.recv()
        send(raw)
        return heard.get(timeout=10)


@pytest.mark.parametrize("message", [FRAME[:-1], FRAME + OTHER[:1], b""], ids=["part", "whole and part", "nothing"])
def test_a_message_that_is_no_whole_frames_ends_the_link(message: bytes):
    """One who says a byte now and then, or nothing, does not begin the wait for a frame anew each time."""
    assert isinstance(trouble(lambda raw: raw.send(message)), MalformedError)


@pytest.mark.parametrize(
    ("send", "error"),
    [
        (lambda raw: raw.send("text"), MalformedError),
        (lambda raw: raw.send(b"\xff" * 8), LimitError),
        (lambda raw: raw.send(bytes(FRAME_BYTES_MAX + 1)), RemoteError),
        (lambda raw: raw.close(), RemoteError),
        (lambda raw: raw.socket.close(), RemoteError),
    ],
    ids=["text", "a length over the limit", "a message over the limit", "a farewell", "the cable"],
)
def test_what_goes_wrong_is_one_error(send: Callable[[Any], None], error: type[Exception]):
    """Whatever a client does to a link."""
    found = trouble(send)
    assert isinstance(found, error)


def test_a_link_that_ended_takes_nothing():
    """Sending says so, and closing again is nothing."""
    with server(lambda link, _: link.close()) as made, closing(DialledLink(made.address, timeout_s=5)) as link:
        with pytest.raises(RemoteError) as caught:
            link.receive(timeout_s=5)
        assert caught.value.code == "peer_gone"
        with pytest.raises(RemoteError):
            link.send(FRAME)
        link.close()


def test_a_word_left_behind_is_received_before_the_end():
    """One who speaks while the other hangs up still hears why."""
    over = threading.Event()

    def refuse(link: PeerLink, _: str) -> None:
        link.send(FRAME)
        link.close()
        over.set()

    with server(refuse) as made, closing(DialledLink(made.address, timeout_s=5)) as link:
        assert over.wait(timeout=10)
        link.send(OTHER)
        assert link.receive(timeout_s=5) == FRAME
        with pytest.raises(RemoteError):
            link.receive(timeout_s=5)


def test_one_who_hangs_up_at_once_is_no_bug():
    """The other is gone before this side looks: its address is known all the same, and the link says that it ended."""

    def leave(link: PeerLink, _: str) -> None:
        link.close()

    for _ in range(30):
        with server(leave) as made, closing(DialledLink(made.address, timeout_s=5)) as link:
            assert link.address == made.address
            with pytest.raises(RemoteError):
                link.receive(timeout_s=5)


def test_nobody_at_home():
    """Dialling a port where nobody listens, or a name that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(RemoteError) as caught:
        DialledLink(f"ws://127.0.0.1:{port}", timeout_s=2)
    assert caught.value.code == "peer_unreachable"


@pytest.mark.parametrize(("path", "origin"), [("/", None), ("/v1/sync", None), (PATH, Origin("http://evil.example"))])
def test_other_paths_and_web_pages_are_refused(path: str, origin: Origin | None):
    """A page in somebody's browser cannot meet a device."""
    with (
        server(echo) as made,
        pytest.raises(InvalidStatus),
        connect(made.address + path, proxy=None, origin=origin),
    ):
        pass


def test_too_many_connections_are_hung_up_on(monkeypatch: pytest.MonkeyPatch):
    """They end before anything is read of them; when others have gone there is room again."""
    monkeypatch.setattr(listener_module, "CONNECTIONS_MAX", 1)
    with server(echo) as made, closing(DialledLink(made.address, timeout_s=5)) as link:
        link.receive(timeout_s=5)
        with pytest.raises(WebSocketException):
            connect(made.address + PATH, proxy=None, open_timeout=5)
        link.send(FRAME)
        assert link.receive(timeout_s=5) == FRAME


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("nowhere.invalid", 0), ("127.0.0.1", 70_000)])
def test_addresses_that_cannot_be_listened_on(host: str, port: int):
    """Not this machine's, no name at all, no port."""
    with pytest.raises(InputError) as caught, listening(host, port, echo):
        pass
    assert caught.value.code == "listen_address"


def test_a_taken_port_is_refused():
    """With the same error."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(InputError),
        listening("127.0.0.1", taken.getsockname()[1], echo),
    ):
        pass


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://192.168.1.5:8731", "ws://192.168.1.5:8731"),
        ("ws://kit.local", "ws://kit.local:8731"),
        ("WS://Kit/", "ws://kit:8731"),
        ("ws://[fe80::1]:9", "ws://[fe80::1]:9"),
    ],
)
def test_addresses_of_devices(url: str, shown: str):
    """Host, and a port that may be left out."""
    assert peer_url(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        *("", "kit:8731", "http://kit", "wss://kit", "ws://", "ws://[::1", "ws://kit:0", "ws://kit:99999"),
        *("ws://kit/x", "ws://a@kit", "ws://kit?x", "ws://k\u00efit", "ws://k it"),
    ],
)
def test_what_is_no_address(url: str):
    """It is refused before anything is dialled."""
    with pytest.raises(InputError):
        peer_url(url)


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (("192.0.2.5", 8731), "ws://192.0.2.5:8731"),
        (("::ffff:192.0.2.5", 8731, 0, 0), "ws://192.0.2.5:8731"),
        (("fe80::1%wlan0", 8731, 0, 3), "ws://[fe80::1]:8731"),
    ],
)
def test_sockets_are_named_alike_at_both_ends(place: tuple[object, ...], shown: str):
    """Without interfaces, and IPv4 as such."""
    assert socket_address(place) == shown
