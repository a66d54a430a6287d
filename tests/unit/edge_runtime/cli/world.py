"""The command line in this process: homes with cheap vaults, and one relay in memory behind every address.

    world.run("org", "init", "--home", "admin", "--out", "clinic.org")

Nothing waits for a network or a disk, so whole stories are told in a second.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.cli.main import run
from edge_runtime.connections import Connections
from edge_runtime.errors import RemoteError
from edge_runtime.runtime import clock, open_home
from edge_runtime.store.device import DeviceStore
from edge_runtime.transports.http import HttpLink
from edge_runtime.vault.passphrase import Cost
from sync_protocol.certificates import RelayRecord, Root, open_relay
from sync_protocol.control import unpack_control
from sync_protocol.encoding import encode
from sync_protocol.organisation_file import open_organisation_file
from sync_protocol.signed import Verified
from sync_protocol.signing import SigningKey
from tests.support.people import ORIGIN, Clock, Entropy
from tests.unit.edge_runtime.enrolment.desk import Desk
from tests.unit.edge_runtime.relay_shell import RelayRequests, RelayShell

if TYPE_CHECKING:
    import pytest

ADDRESS: Final = "https://relay.example:443"
PASSPHRASE: Final = "correct horse"
CHEAP: Final = Cost(memory_kib=32, passes=1, lanes=1)


class Answer:
    """What a command left: its exit code and what it printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        """The one JSON value on standard output."""
        assert self.err == "", self.err
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """The error that it printed as JSON."""
        error: dict[str, str] = self.json["error"]
        assert set(error) == {"code", "expected", "got", "do"}
        assert all(error.values())
        return error


class World:
    """A folder of homes, and a relay.

    Attributes:
        phone, tablet, officer, chart: ids, where a test's story has them.
    """

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.relay: WholeRelay | None = None
        self.phone = self.tablet = self.officer = self.chart = ""
        self._capsys = capsys
        kwdefaults = open_home.__wrapped__.__kwdefaults__  # type: ignore[attr-defined]
        monkeypatch.setitem(kwdefaults, "cost", CHEAP)
        monkeypatch.setenv("FIELDWARD_PASSPHRASE", PASSPHRASE)
        monkeypatch.setattr("sync_protocol.invitations.CODE_MEMORY_KIB", CHEAP.memory_kib)
        monkeypatch.chdir(folder)
        monkeypatch.setattr(Connections, "http", lambda *_: self._relay())
        monkeypatch.setattr(
            Connections, "dial", lambda _, address, *, over_http: self._dial(address, over_http=over_http)
        )
        monkeypatch.setattr("edge_runtime.runtime.time.sleep", lambda _: None)
        monkeypatch.setattr("edge_runtime.runtime.DeviceStore", _open)

    def run(self, *arguments: str) -> Answer:
        """Run a command."""
        self._capsys.readouterr()
        code = run(arguments)
        said = self._capsys.readouterr()
        return Answer(code, said.out, said.err)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with --json and read what it says."""
        answer = self.run(*arguments, "--json")
        assert answer.code == code, answer.out + answer.err
        return answer.json

    def refused(self, *arguments: str, code: int = 1) -> str:
        """Run a command that is refused; the error's code."""
        answer = self.run(*arguments, "--json")
        assert answer.code == code, answer.out + answer.err
        return answer.error["code"]

    def found(self) -> WholeRelay:
        """Found an organisation on the device `admin`, and start its relay."""
        self.json("org", "init", "--home", "admin", "--out", "clinic.org")
        self.relay = WholeRelay((self.folder / "clinic.org").read_bytes())
        return self.relay

    def enrol(self, name: str, role: str) -> str:
        """Enrol a device; its id."""
        self.json("device", "invite", "--home", "admin", "--relay", ADDRESS, "--role", role, "--out", f"{name}.inv")
        asked = self.json("device", "enrol", "--home", name, "--invitation", f"{name}.inv")
        self.json("device", "approve", asked["device"], "--code", asked["code"], "--home", "admin")
        assert self.json("sync", "once", "--home", name)["ok"]
        return str(asked["device"])

    def _relay(self) -> WholeRelay:
        assert self.relay is not None
        return self.relay

    def _dial(self, address: str, *, over_http: bool) -> Any:
        assert address == ADDRESS
        relay = self._relay()
        if relay.down:
            relay.request("GET", "/v1/relay")
        return HttpLink(relay) if over_http else relay.shell.link()


def _open(*arguments: Any, **options: Any) -> DeviceStore:
    """Open a store that does not wait for the disk: no test here cuts the power."""
    store = DeviceStore(*arguments, **options)
    store._writer_connection.execute("PRAGMA synchronous=OFF")
    return store


class WholeRelay(Desk):
    """Log and desks of one relay, behind plain requests. Its organisation is the one of a file."""

    def __init__(self, file: bytes) -> None:
        self.root: Verified[Root]
        self.root, self.administrator = open_organisation_file(file, expected=None)
        self.relay: Verified[RelayRecord]
        self.relay_key = SigningKey(bytes(range(32)))
        self.clock = Clock(clock())
        self.entropy = Entropy(99)
        self.address = ADDRESS
        self.down = False
        self.filed: dict[str, bytes] = {}
        self.chains: dict[str, Any] = {}
        self.record: bytes | None = None
        self.organisation = file
        self.asked: list[str] = []
        self.closed = 0
        self.now_ms = 0
        self._shell: RelayShell | None = None
        self._requests: RelayRequests | None = None

    @property
    def shell(self) -> RelayShell:
        """The log; there once the relay is claimed."""
        if self._shell is None:
            assert self.record is not None
            self.relay = open_relay(self.record, self.root)
            self._shell = RelayShell(self)
            self._requests = RelayRequests(self._shell, ADDRESS)
        return self._shell

    @property
    def told(self) -> dict[str, Any]:
        """What the relay says of itself."""
        return {
            "organisation": str(self.root.value.organisation),
            "key": self.relay_key.public.hex(),
            "origin": ORIGIN,
            "fingerprint": "",
            "record": None if self.record is None else self.record.hex(),
        }

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request."""
        if path.startswith("/v1/sync") and not self.down:
            assert self.shell is not None
            assert self._requests is not None
            return self._requests.request(method, path, body=body, headers=headers)
        if path.startswith("/v1/log/index/") and not self.down:
            self.asked.append(f"{method} {path}")
            raise RemoteError("no_such_entry", expected="an entry of the log", got="another", do="sync first")
        if path.startswith("/v1/principals/") and not self.down:
            assert (headers or {})["Authorization"].startswith("Bearer ")
            place, _, before = path.removeprefix("/v1/principals/").partition("/sessions")
            self.asked.append(f"{method} {path}")
            return 200, {}, self.sessions_of(place, int(before.partition("=")[2] or 1 << 62))
        return super().request(method, path, body=body, headers=headers)

    def sessions_of(self, name: str, before_ms: int) -> bytes:
        """The sessions of a device or user, and the last seal of each that came before then, by its entries' clocks."""
        store, trust = self.shell.store, self.shell.trust
        received: dict[tuple[bytes, int], int] = {}
        for arrived in store.arrivals(after=0, limit=1 << 30):
            header = arrived.entry.header
            received[header.session, header.seal] = header.wall_ms
        sessions, seals = [], []
        for session in store.sessions():
            certificate = trust.certificate(session.value.certificate)
            assert certificate is not None
            if name in {str(certificate.value.device), str(certificate.value.user)}:
                own = session.value.session
                sessions.append(session.wire)
                numbers = [number for (one, number), ms in received.items() if one == own and ms < before_ms]
                if numbers:
                    seals.append([own, store.seals(own, max(numbers))[0].wire, received[own, max(numbers)]])
        certificates = [one.wire for one in trust.certificates()]
        told: dict[int | str, Any] = {"certificates": certificates, "sessions": sessions, "seals": seals}
        return encode(told)

    def first_certificate(self) -> bytes:
        """The first administrator's."""
        return self.administrator.wire

    def _records(self) -> list[Any]:
        stream = self.root.value.control
        store = self.shell.store
        return [unpack_control(a.entry.body) for a in store.arrivals(after=0, limit=10_000, streams=[stream])]
