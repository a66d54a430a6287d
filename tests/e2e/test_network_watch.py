"""The watch over the network sees and denies what it is there for: a control of each rule that a test rests on."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import require
from tests.support.network_watch import Kind, attempts, audited, can_watch, watch

UNREACHED = "fieldward.invalid"
"""A name that no server may know (RFC 6761, section 6.4)."""
LOOK_UP = f"import socket; socket.getaddrinfo({UNREACHED!r}, 80)"
CONNECT = "import socket; socket.create_connection(('127.0.0.1', 9))"
NATIVE = f"""
import ctypes, threading
def look_up():
    libc.getaddrinfo({UNREACHED.encode()!r}, b"80", None, ctypes.byref(ctypes.c_void_p()))
libc = ctypes.CDLL(None)
thread = threading.Thread(target=look_up)
thread.start()
thread.join()
"""
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CONNECT!r}], stderr=subprocess.DEVNULL)"


@pytest.fixture(name="traced", scope="module")
def fixture_traced() -> None:
    """Tests that watch whole processes."""
    require(
        can_watch(), "strace", "it records what processes ask of the network; apt-get install strace, and ptrace(2)"
    )


def connect() -> None:
    """To a port of this machine where nobody listens."""
    socket.create_connection(("127.0.0.1", 9), timeout=1)


def send() -> None:
    """A datagram to this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.sendto(b"x", ("127.0.0.1", 9))


class TestTheWatch:
    """What was watched would have been seen."""

    @pytest.mark.parametrize(
        ("program", "kinds"),
        [
            (CONNECT, {Kind.SOCKET, Kind.CONNECTION}),
            (CHILD, {Kind.SOCKET, Kind.CONNECTION}),
            (LOOK_UP, {Kind.LOOKUP}),
            (NATIVE, {Kind.LOOKUP}),
        ],
        ids=["connect", "connect-in-a-child", "look-up", "look-up-by-a-native-thread"],
    )
    def test_sees_and_denies(self, tmp_path: Path, traced: None, program: str, kinds: set[Kind]) -> None:
        """A connection, also of a child, and a look-up, also by a native thread, are attempts, and none succeeds."""
        del traced
        done = watch([sys.executable, "-c", program], tmp_path / "control")
        assert kinds <= {one.kind for one in done.attempts}
        made = [one.call for one in done.attempts if one.kind is Kind.CONNECTION]
        assert all(call.endswith("(INJECTED)") for call in made), "none reached anything"

    def test_a_quiet_program_attempts_nothing(self, tmp_path: Path, traced: None) -> None:
        """Starting Python, with threads and a child, is none: not even without a HOME, where users are looked up."""
        del traced
        quiet = CHILD.replace(repr(CONNECT), repr("import socket, os; os.path.expanduser('~')"))
        done = watch([sys.executable, "-c", quiet], tmp_path / "quiet", environment={"PATH": os.environ["PATH"]})
        assert (done.code, done.attempts, done.probes) == (0, (), 0)

    @pytest.mark.parametrize(
        ("record", "kinds"),
        [
            (["socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 5", "close(5) = 0"], [Kind.PROBE]),
            (["socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 5"], [Kind.SOCKET]),
            (
                ["socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 5", "sendto(5, 0x1, 1, 0, 0x2, 16) = 1", "close(5) = 0"],
                [Kind.SOCKET, Kind.OTHER],
            ),
            (["socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 5", "close(5) = 0"], [Kind.SOCKET]),
            (["socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 3"], [Kind.SOCKET]),
            (["socket(AF_UNIX, SOCK_STREAM, 0) = 3", 'connect(3, {sa_family=AF_UNIX, sun_path="/dev/log"}, 110) = 0'],
             [Kind.CONNECTION]),
            (['connect(3, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (x)'], []),
            (['connect(3, {sa_family=AF_UNIX, sun_path="/run/systemd/resolve/io.systemd.Resolve"}, 42) = 0'],
             [Kind.CONNECTION]),
            (["connect(3, 0x7ffd00, 16) = 0"], [Kind.CONNECTION]),
            (['openat(AT_FDCWD, "/etc/resolv.conf", O_RDONLY|O_CLOEXEC) = 3'], [Kind.LOOKUP]),
            (['open("/etc/hosts", O_RDONLY) = 3'], [Kind.LOOKUP]),
            (['openat(AT_FDCWD, "/lib/x86_64-linux-gnu/libnss_resolve.so.2", O_RDONLY|O_CLOEXEC) = 3'], [Kind.LOOKUP]),
            (['openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3', "close(3) = 0"], []),
            (["socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0"], []),
            (["io_uring_setup(8, 0x7ffd00) = 3"], [Kind.OTHER]),
            (["--- SIGCHLD {si_signo=SIGCHLD} ---", "+++ exited with 0 +++"], []),
        ],
    )  # fmt: skip
    def test_reads_a_record(self, record: list[str], kinds: list[Kind]) -> None:
        """Whatever is not known to be harmless is an attempt."""
        assert [one.kind for one in attempts(record)] == kinds

    def test_knows_where_a_connection_goes(self) -> None:
        """By digits and port, of either family."""
        calls = [
            'connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.1")}, 16) = 0',
            'connect(3, {sa_family=AF_INET6, sin6_port=htons(80), inet_pton(AF_INET6, "::1", &sin6_addr)}, 28) = 0',
        ]
        assert [one.address for one in attempts(calls)] == [("192.0.2.1", 53), ("::1", 80)]

    def test_stops_at_what_it_cannot_read(self) -> None:
        """A line of another form is no silence."""
        with pytest.raises(AssertionError, match="something else"):
            list(attempts(["strace: Process 3 detached"]))


class TestInThisProcess:
    """The recorder of audit events."""

    @pytest.mark.parametrize(
        ("act", "event"),
        [
            (connect, "socket.connect"),
            (lambda: socket.getaddrinfo("127.0.0.1", 80), "socket.getaddrinfo"),
            (send, "socket.sendto"),
            (lambda: socket.create_server(("127.0.0.1", 0)).close(), "socket.bind"),
        ],
        ids=["connect", "look-up", "send", "bind"],
    )
    def test_the_recorder_hears(self, act: Callable[[], object], event: str) -> None:
        """Each kind of event, and nothing more once it is over."""
        with audited() as heard, suppress(OSError):
            act()
        assert event in heard
        before = list(heard)
        with suppress(OSError):
            act()
        assert heard == before
