"""A real relay as a process of its own, and devices that sync with it over loopback.

with RelayProcess(home, organisation) as relay:
    relay.claim()
    with relay.dial(SyncingDevice(device)) as line:
        line.run()
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import uvicorn
from websockets.sync.client import ClientConnection, connect

from server.relay.app import open_relay
from server.relay.services import Services
from server.relay.settings import RelaySettings
from sync_protocol.certificates import RelayRecord
from sync_protocol.entries import VerifiedEntry
from sync_protocol.frames import FrameReader
from sync_protocol.labels import Label
from sync_protocol.organisation_file import make_organisation_file
from sync_protocol.signed import Verified, sign_hybrid
from sync_protocol.signing import CosignVerifyKey, VerifyKey
from sync_protocol.steps import Admitted, DeviceStep
from tests.support.people import DeviceSession, Organisation
from tests.support.shells import DeviceConnection, SyncingDevice

START_S = 120.0
COMMAND = "from server.relay.commands import server; server()"


class RelayProcess:
    """`fieldward server run` in a process of its own."""

    def __init__(self, home: Path, organisation: Organisation, *options: str) -> None:
        self.home = home
        self.organisation = organisation
        self.options = options
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        home.mkdir(parents=True, exist_ok=True)
        self.organisation_file = home.parent / f"{home.name}.org"
        self.organisation_file.write_bytes(make_organisation_file(organisation.root, organisation.admin.certificate))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def command(self, *options: str) -> list[str]:
        """The command line."""
        fixed = ["run", "--home", str(self.home), "--organisation", str(self.organisation_file), "--port", "0"]
        return [sys.executable, "-W", "error", "-c", COMMAND, *fixed, *self.options, *options]

    def start(self) -> None:
        """Start it and wait until it answers."""
        ready = self.home.parent / f"{self.home.name}.ready"
        ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            self.command("--ready-file", str(ready)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + START_S
        while not ready.exists():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline, "the relay does not start"
            time.sleep(0.02)
        told = json.loads(ready.read_text())
        assert told["pid"] == self.process.pid
        self.url = told["url"]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal; its exit code."""
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
        self.errors = errors
        return process.returncode

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stderr.close() if self.process.stderr else None
        self.process = None

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One HTTP request: status, headers in lower case, body."""
        place = urlsplit(self.url)
        line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        try:
            line.request(method, path, body, headers or {})
            answer = line.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            line.close()

    def record(self, **changes: Any) -> Verified[RelayRecord]:
        """The root's record of this relay."""
        told = json.loads(self.request("GET", "/v1/relay")[2])
        fields: dict[str, Any] = {
            "organisation": self.organisation.root.value.organisation,
            "ed25519": VerifyKey.parse(told["key"]),
            "origin": told["origin"],
            "addresses": (self.url,),
            "issued_ms": self.organisation.clock(),
            "cosigner": CosignVerifyKey.parse(told["cosigner"]),
        }
        return sign_hybrid(RelayRecord(**(fields | changes)), self.organisation.root_key, Label.RELAY)

    def claim(self) -> None:
        """Hand the relay its record."""
        status, _, body = self.request("POST", "/v1/relay/record", self.record().wire)
        assert status == 200, body

    def dial(self, home: SyncingDevice) -> SocketLine:
        """A WebSocket of a device."""
        return SocketLine(self, home)

    def dial_http(self, home: SyncingDevice) -> HttpLine:
        """Sync by HTTP requests."""
        return HttpLine(self, home)


class RelayThread(RelayProcess):
    """The same relay in a thread of the test's own process, by the organisation's clock: its parts can be made to fail.

    Attributes:
        services: its parts.
    """

    services: Services
    _server: uvicorn.Server
    _thread: threading.Thread

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = RelaySettings(home=self.home)
        relay = open_relay(settings, self.organisation_file.read_bytes())
        self.services = relay.services
        self.services.now_ms = self.organisation.clock
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = self.services.listening = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(relay.app, ws="websockets-sansio", log_config=None, access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]})
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the relay does not start"
            time.sleep(0.01)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it."""
        del number
        self._server.should_exit = True
        self._thread.join()
        return 0


class LineConnection(DeviceConnection):
    """A device's shell that remembers how it was let in."""

    admitted: Admitted | None = None

    def _note(self, step: DeviceStep) -> None:
        if isinstance(step, Admitted):
            self.admitted = step
        super()._note(step)


@dataclass
class SocketLine:
    """A device's WebSocket."""

    relay: RelayProcess
    home: SyncingDevice
    connection: LineConnection = field(init=False)
    socket: ClientConnection = field(init=False)
    closing: ExitStack = field(init=False)

    def __enter__(self) -> Self:
        self.connection = LineConnection(self.home, self.relay.url)
        url = self.relay.url.replace("http", "ws", 1) + "/v1/sync"
        self.closing = ExitStack()
        self.socket = self.closing.enter_context(
            connect(url, compression=None, max_size=1 << 20, proxy=None, close_timeout=1)
        )
        self.send(self.connection.start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.close()

    def send(self, frames: Iterable[bytes]) -> None:
        """Send frames, a message each."""
        for frame in frames:
            self.socket.send(frame)

    def receive(self, timeout_s: float = 20) -> None:
        """Handle one message."""
        message = self.socket.recv(timeout=timeout_s)
        assert isinstance(message, bytes)
        for frame in FrameReader().feed(message):
            self.send(self.connection.receive(frame))

    def until(self, done: Callable[[], bool], timeout_s: float = 20) -> None:
        """Handle messages until something holds."""
        deadline = time.monotonic() + timeout_s
        while not done():
            assert self.connection.closed is None, self.connection.closed
            assert time.monotonic() < deadline, "the relay does not answer"
            self.receive(timeout_s)

    def run(self) -> None:
        """Sync: until the feed is caught up and everything is receipted or rejected."""
        self.until(lambda: self.connection.caught_up and not self.waiting())

    def waiting(self) -> list[VerifiedEntry]:
        """What has neither a receipt nor a refusal."""
        return [entry for entry in self.home.pending() if entry.hash not in self.home.rejected]

    def push(self) -> None:
        """Announce what waits, and sync."""
        self.connection.caught_up = False
        self.send(self.connection.announce())
        self.run()


class HttpLine:
    """Sync by HTTP requests."""

    def __init__(self, relay: RelayProcess, home: SyncingDevice) -> None:
        self.relay = relay
        self.home = home
        self.connection = LineConnection(home, relay.url)
        self.number = "0"
        self.statuses: list[int] = []
        self.ahead: deque[bytes] = deque()

    def handshake(self) -> None:
        """HELLO and AUTH."""
        status, headers, body = self.relay.request("POST", "/v1/sync/hello", b"".join(self.connection.start()))
        assert status == 200, body
        auth = [out for frame in FrameReader().feed(body) for out in self.connection.receive(frame)]
        name = {"Fieldward-Exchange": headers["fieldward-exchange"]}
        status, _, body = self.relay.request("POST", "/v1/sync/auth", b"".join(auth), name)
        assert status == 200, body
        self._take(body)

    @property
    def token(self) -> str:
        """The token, in hexadecimal."""
        assert self.connection.admitted is not None
        assert self.connection.admitted.token is not None
        return self.connection.admitted.token.hex()

    def request(self) -> int:
        """Send what waits, as much as one request takes; the status."""
        body = b""
        while self.ahead and len(body) + len(self.ahead[0]) <= 4 << 20:
            body += self.ahead.popleft()
        headers = {"Authorization": f"Bearer {self.token}", "Fieldward-Response": self.number}
        status, told, answer = self.relay.request("POST", "/v1/sync", body, headers)
        if status == 200:
            self.number = told["fieldward-response"]
            self._take(answer)
        return status

    def run(self) -> None:
        """Sync: requests until nothing waits and the feed is caught up."""
        for _ in range(200):
            assert self.request() == 200
            waiting = [entry for entry in self.home.pending() if entry.hash not in self.home.rejected]
            if self.connection.caught_up and not self.ahead and not waiting:
                return
            if not self.ahead:
                self.ahead.extend(frame.frame for frame in self.connection.exchange.poll())
        raise AssertionError("the two sides do not come to rest")

    def _take(self, body: bytes) -> None:
        for frame in FrameReader().feed(body):
            self.ahead.extend(self.connection.receive(frame))


def keep(home: SyncingDevice, session: DeviceSession, entries: Iterable[VerifiedEntry]) -> None:
    """Put what a session wrote into its device's store, as recording does."""
    with home.store.writing() as writer:
        for certificate in session.device.chain:
            writer.put_certificate(certificate)
        writer.put_session(session.record)
        for seal in session.seals:
            writer.put_seal(seal)
        writer.append(list(entries))
