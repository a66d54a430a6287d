"""Everything that a program asks of the network, written down and denied: under strace, or by Python's audit events.

Owns what counts as an attempt. Under strace every thread and child of a command is watched in the kernel's own terms,
whatever it is written in; what it would connect, bind or send is refused to it, so that a test sends nothing and a
program that needs the network is found out. Audit events see this process alone, and of it what Python code does.

A name is looked up through a file (/etc/hosts, /etc/resolv.conf), a socket to a server, or a service of this machine
(nscd, systemd-resolved): each of them is an attempt. nscd is asked about users too; it cannot be reached here, so that
a look-up of a host goes on to the files, and is seen there.

Source: strace(1), getaddrinfo(3), nsswitch.conf(5), resolv.conf(5), PEP 578.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

TIMEOUT_S: Final = 120
_DENIED: Final = "connect,bind,listen,sendto,sendmsg,sendmmsg"
"""Without these nothing leaves and nothing is offered. Sockets may be made: whoever gets none might not go on."""
_TRACED: Final = "%network,?open,openat,?openat2,close,?io_uring_setup"
_OPTIONS: Final = ("-ff", "--seccomp-bpf", "-qq", "-s", "0", "-e", f"trace={_TRACED}")
"""A record for each thread, without any content; only the calls that are traced cost time."""
_CALL: Final = re.compile(r"(\w+)\((.*)")
_HANDLE: Final = re.compile(r"(\d+)\b")
_RESULT: Final = re.compile(r"\) += (\d+)$")
_PATH: Final = re.compile(r'(?:AT_FDCWD, )?"([^"]*)"')
_INTERNET: Final = re.compile(r'htons\((\d+)\).*(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)')
_USERS: Final = re.compile(r'\d+, \{sa_family=AF_UNIX, sun_path="(?:/var)?/run/nscd/socket"\}')
_PROBE: Final = "AF_INET, SOCK_DGRAM, IPPROTO_IP)"
_LOOKUP: Final = re.compile(
    r"/etc/(?:hosts|host\.conf|resolv\.conf|gai\.conf)|.*/libnss_(?:dns|resolve|m[dy]\w+)\.so.*"
)
_QUIET: Final = frozenset(
    {"getpeername", "getsockname", "getsockopt", "recv", "recvfrom", "recvmsg", "recvmmsg", "setsockopt", "shutdown"}
)
"""Nothing begins with these: each needs a socket that was made, and connected or bound."""
_AUDITED: Final = re.compile(
    r"socket\.(?:__new__|bind|connect|getaddrinfo|gethostby(?:addr|name)|getnameinfo|sendmsg|sendto)"
)


class Kind(StrEnum):
    """What was attempted."""

    SOCKET = "socket"
    CONNECTION = "connection"
    LOOKUP = "lookup"
    OTHER = "other"
    PROBE = "probe"
    """A plain datagram socket, closed again with nothing done on it. Nothing was asked or sent: see `Watched`."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of them.

    Attributes:
        kind: what.
        call: as it was recorded, without content.
        address: digits and port, of a connection to the internet's families.
    """

    kind: Kind
    call: str
    address: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """A command that was watched until it ended.

    Attributes:
        code: its exit status.
        out, err: what it printed.
        attempts: what it, its threads and its children attempted; empty is the rule.
        probes: how many sockets were made and closed with nothing done. The library LiteRT-LM has one while it is
            loaded, in a constructor that finds out whether this machine has IPv4; so a probe also tells that the
            engine's process was watched.
    """

    code: int
    out: str
    err: str
    attempts: tuple[Attempt, ...]
    probes: int


def can_watch() -> bool:
    """Whether strace is here, and may watch a process."""
    strace = shutil.which("strace")
    if strace is None:
        return False
    tried = [strace, "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, "-e", "trace=openat", "true"]
    return subprocess.run(tried, capture_output=True, timeout=TIMEOUT_S, check=False).returncode == 0


def watch(
    command: Sequence[str],
    record: Path,
    *,
    deny: bool = True,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Watched:
    """Run a command to its end, and tell what it attempted.

    Args:
        command: what to run.
        record: where the records go: a new file for each thread, of this name and its number.
        deny: refuse what would connect, bind or send.
        folder: to run it in.
        environment: of it.
    """
    denied = ("-e", f"inject={_DENIED}:error=ENETUNREACH") if deny else ()
    process = subprocess.Popen(
        ["strace", *_OPTIONS, *denied, "-o", str(record), "--", *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            out, err = process.communicate(timeout=TIMEOUT_S)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # all of them: strace leaves what it watches alive when it is ended
            raise
    records = sorted(record.parent.glob(f"{record.name}.*"))
    assert records, f"nothing was recorded: {err}"
    found = [one for each in records for one in attempts(each.read_text().splitlines())]
    kept = tuple(one for one in found if one.kind is not Kind.PROBE)
    return Watched(process.returncode, out, err, kept, len(found) - len(kept))


def attempts(calls: Iterable[str]) -> Iterator[Attempt]:
    """What one thread attempted, by its record.

    As another user than root nobody sees the memory of a process that refuses to be dumped, as the engine's does: an
    address then reads 0x... and is an attempt; a file read there is not seen, but a look-up also makes a socket.
    """
    probes: dict[str, str] = {}
    for line in calls:
        if line.startswith(("---", "+++")):
            continue  # a signal, or the end
        parsed = _CALL.match(line)
        assert parsed is not None, f"strace said something else: {line[:80]}"
        name, rest = parsed.groups()
        handle = _HANDLE.match(rest)
        if handle is not None and (made := probes.pop(handle[1], None)) is not None:
            yield Attempt(Kind.PROBE if name == "close" else Kind.SOCKET, made)
        if name == "socket" and rest.startswith(_PROBE) and (opened := _RESULT.search(line)) is not None:
            probes[opened[1]] = line
        elif (kind := _kind(name, rest)) is not None:
            yield Attempt(kind, line, _address(rest) if kind is Kind.CONNECTION else None)
    for line in probes.values():
        yield Attempt(Kind.SOCKET, line)


def _kind(name: str, rest: str) -> Kind | None:
    """What a call is; None for one that touches no network."""
    match name:
        case "open" | "openat" | "openat2":
            path = _PATH.match(rest)
            return Kind.LOOKUP if path is not None and _LOOKUP.fullmatch(path[1]) else None
        case "socket" | "socketpair":
            return None if rest.startswith("AF_UNIX,") else Kind.SOCKET
        case "connect":
            return None if _USERS.match(rest) else Kind.CONNECTION
        case "close":
            return None
    return None if name in _QUIET else Kind.OTHER


def _address(rest: str) -> tuple[str, int] | None:
    found = _INTERNET.search(rest)
    return None if found is None else (found[2], int(found[1]))


_listening: list[list[str]] = []


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if not _listening or _AUDITED.fullmatch(event) is None:
        return
    if event == "socket.__new__" and arguments[1] == getattr(socket, "AF_UNIX", None):
        return  # one end of a pair within this process; connecting it to anything else is heard
    for heard in _listening:
        heard.append(event)


_hooked: list[bool] = []


@contextmanager
def audited() -> Iterator[list[str]]:
    """The names of the audit events of sockets and names, of every thread of this process, while it lasts.

    What native code does by itself raises none. A hook stays for the life of a process, so there is one.
    """
    if not _hooked:
        sys.addaudithook(_hear)
        _hooked.append(True)
    heard: list[str] = []
    _listening.append(heard)
    try:
        yield heard
    finally:
        _listening.remove(heard)
