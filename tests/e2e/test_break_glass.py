"""Breaking the glass with relay and desk as processes of their own: online, on a kit, refused, reviewed, removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, redirect_stdout
from http.client import HTTPConnection
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from edge_runtime.audit.device_source import DeviceSource, Holder
from edge_runtime.cli.main import run
from edge_runtime.runtime import open_home
from sync_protocol.evidence import Piece
from sync_protocol.findings import FindingKind
from sync_protocol.ids import EntryHash
from sync_protocol.verification import verify
from tests.support.server_process import ServerProcess
from tests.unit.mobile_bridge.homes import CHEAP, PASSPHRASE

WHY = "Found alone, not breathing well"
PEOPLE = {
    "doctor": "physician",
    "responder": "emergency_responder",
    "kit": "emergency_responder",
    "officer": "compliance_officer",
}


class Town:
    """An organisation with a relay, a desk, a token, and devices; commands are run in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.devices: dict[str, str] = {}

    def ask(self, *arguments: str, code: int = 0, home: str | None = None) -> Any:
        """What a command says as JSON."""
        at = () if home is None else ("--home", str(self.folder / home))
        with redirect_stdout(StringIO()) as out:
            done = run([*arguments, *at, "--json"])
        said = json.loads(out.getvalue())
        assert done == code, said
        return said

    def prepare(self, name: str) -> None:
        """A home whose passphrase is cheap to try."""
        with open_home(self.folder / name, PASSPHRASE, make=True, cost=CHEAP):
            pass

    def begin(self) -> None:
        """Found, run relay and desk, enrol everybody, announce."""
        self.prepare("admin")
        org = str(self.folder / "clinic.org")
        self.ask("org", "init", "--out", org, home="admin")
        self.ask("server", "break-glass-desk", "init", "--organisation", org, home="desk")
        relay_home, desk_home = str(self.folder / "relay"), str(self.folder / "desk")
        self.relay = ServerProcess(self.folder / "relay.json", "run", "--home", relay_home, "--organisation", org)
        self.relay.start()
        desk = ("break-glass-desk", "run", "--home", desk_home, "--relay", self.relay.url)
        self.desk = ServerProcess(self.folder / "desk.json", *desk)
        self.desk.start()
        for name, role in PEOPLE.items():
            self.enrol(name, role)
        token, public = str(self.folder / "token.txt"), str(self.folder / "token.pub")
        self.ask("break-glass", "token", "create", "--out", token, "--public", public)
        self.ask(
            "break-glass", "announce", "--desk", self.desk.url, "--token-public", public,
            "--fingerprint", self.desk.told["fingerprint"], home="admin",
        )  # fmt: skip
        self.sync("admin", *PEOPLE)

    def enrol(self, name: str, role: str) -> None:
        """Invite, ask, approve."""
        invitation = str(self.folder / f"{name}.inv")
        self.prepare(name)
        self.ask("device", "invite", "--relay", self.relay.url, "--role", role, "--out", invitation, home="admin")
        asked = self.ask("device", "enrol", "--invitation", invitation, home=name)
        self.ask("device", "approve", asked["device"], "--code", asked["code"], home="admin")
        self.sync(name)
        self.devices[name] = asked["device"]

    def sync(self, *names: str) -> None:
        """Sync some homes."""
        for name in names:
            self.ask("sync", "once", home=name)

    def chart(self) -> str:
        """A chart of the doctor's with an allergy, at the relay."""
        made: str = self.ask("chart", "create", home="doctor")["chart"]
        allergy = '{"kind":"allergy","text":"Penicillin"}'
        self.ask("chart", "edit", made, "--document", "chart", "--fact", allergy, home="doctor")
        self.sync("doctor")
        return made

    def break_glass(self, chart: str, home: str, *, code: int = 0) -> Any:
        """Open a chart."""
        token = str(self.folder / "token.txt")
        given = ("--reason", "unconscious", "--why", WHY, "--token", token)
        return self.ask("break-glass", "open", chart, *given, home=home, code=code)

    def shown(self, chart: str, home: str) -> Any:
        """The chart as a person of that device sees it in an emergency."""
        return self.ask("chart", "show", chart, "--purpose", "emergency", home=home)

    def journal(self) -> list[str]:
        """What the desk made of its requests."""
        lines = self.ask("server", "break-glass-desk", "journal", home="desk")["lines"]
        return [line["outcome"] for line in lines]

    def close(self) -> None:
        """Stop both; neither met a bug."""
        assert (self.relay.stop(), self.desk.stop()) == ("", "")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town for all tests, each of which has a chart of its own."""
    made = Town(tmp_path_factory.mktemp("town"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIELDWARD_PASSPHRASE", PASSPHRASE)
        patch.setenv("FIELDWARD_TOKEN_PASSPHRASE", "open sesame")
        made.begin()
        yield made
        made.close()


def post(url: str, body: bytes) -> tuple[int, bytes]:
    """A plain request."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    connection.request("POST", parts.path, body=body)
    answer = connection.getresponse()
    with closing(connection):
        return answer.status, answer.read()


def accesses_to(town: Town, home: str, chart: str) -> list[str]:
    """Those to a chart."""
    found = town.ask("break-glass", "list", home=home)["accesses"]
    return [access["entry"] for access in found if access["chart"] == chart]


def ended(town: Town, home: str, chart: str) -> str:
    """Why a chart is shown no more."""
    refused = town.ask("chart", "show", chart, "--purpose", "emergency", home=home, code=1)
    code: str = refused["error"]["code"]
    return code


class Without(DeviceSource):
    """A device's store out of which an entry was cut."""

    def __init__(self, holder: Holder, entry: EntryHash) -> None:
        super().__init__(holder)
        self.cut = entry

    def pieces(self) -> Iterator[Piece]:
        """All but that one."""
        return (piece for piece in super().pieces() if EntryHash.of(piece.header) != self.cut)

    def has(self, entry: EntryHash) -> bool:
        """Not that one."""
        return entry != self.cut and super().has(entry)


def test_a_stranger_opens_a_chart_online_and_a_member_reviews_it(town: Town) -> None:
    """With the act at the relay and in the desk's journal; banner, list and timeline tell of it; a review ends it."""
    chart = town.chart()
    done = town.break_glass(chart, "responder")
    assert (done["kit"], done["closed"]) == (False, 0)
    assert done["epochs"] > 0
    shown = town.shown(chart, "responder")
    assert "Penicillin" in json.dumps(shown)
    assert [one["entry"] for one in shown["broken"]] == [done["entry"]]
    assert town.journal()[-1] == "answered"
    town.sync("doctor", "officer")
    assert accesses_to(town, "doctor", chart) == [done["entry"]]
    events = town.ask("audit", "timeline", "--chart", chart, home="officer")["events"]
    assert {"glass_broken", "break_glass"} <= {event["kind"] for event in events}
    assert WHY in {event["detail"].get("why") for event in events}
    assert {event["risk"] for event in events if event["kind"] == "glass_broken"} == {"critical"}
    refused = town.ask("break-glass", "close", chart, done["entry"], home="responder", code=1)
    assert refused["error"]["code"] == "own_access"
    town.ask("break-glass", "close", chart, done["entry"], home="doctor")
    assert accesses_to(town, "doctor", chart) == []
    town.sync("doctor", "responder")
    assert ended(town, "responder", chart) == "not_a_member", "its device hears that the access ended"
    assert accesses_to(town, "responder", chart) == []


def test_who_is_removed_learns_it_and_sees_the_chart_no_more(town: Town) -> None:
    """By its next sync; what it has stays on its device and is refused."""
    chart = town.chart()
    town.ask("chart", "share", chart, "--device", town.devices["responder"], home="doctor")
    town.sync("doctor", "responder")
    assert "Penicillin" in json.dumps(town.shown(chart, "responder"))
    town.ask("chart", "unshare", chart, "--device", town.devices["responder"], home="doctor")
    town.sync("doctor", "responder")
    assert ended(town, "responder", chart) == "not_a_member"


def test_online_without_a_receipt_nothing_opens(town: Town) -> None:
    """The relay is down: the act is on the device, the desk is not asked, and once it is up the same act serves."""
    chart, asked = town.chart(), town.journal()
    town.relay.stop()
    refused = town.break_glass(chart, "responder", code=1)
    assert refused["error"]["code"] == "relay_unreachable"
    assert town.ask("chart", "show", chart, home="responder", code=1)["error"]["code"] == "no_such_chart"
    town.relay.start()
    town.desk.stop()
    refused = town.break_glass(chart, "responder", code=1)
    assert refused["error"]["code"] == "desk_unreachable"
    town.desk.start()
    assert town.journal() == asked
    town.break_glass(chart, "responder")
    town.sync("doctor")
    assert len(accesses_to(town, "doctor", chart)) == 1


def test_a_kit_opens_without_a_network_and_cannot_hide_it(town: Town) -> None:
    """Its act surfaces at the next sync; whoever cuts it out leaves a named gap behind what came after it."""
    chart = town.chart()
    town.ask("break-glass", "preload", chart, "--kit", town.devices["kit"], home="doctor")
    town.sync("doctor")
    (row,) = town.ask("break-glass", "load", home="kit")["charts"]
    assert row["new"] == row["layers"] > 0
    asked = town.journal()
    assert town.ask("chart", "show", chart, home="kit", code=1)["error"]["code"] == "not_a_member"
    town.relay.stop()
    town.desk.stop()
    done = town.break_glass(chart, "kit")
    assert done["kit"]
    assert "Penicillin" in json.dumps(town.shown(chart, "kit"))
    town.relay.start()
    town.desk.start()
    assert accesses_to(town, "doctor", chart) == []
    town.sync("kit", "doctor", "officer")
    assert accesses_to(town, "doctor", chart) == [done["entry"]]
    assert town.journal() == asked, "the kit asked nobody"
    with open_home(town.folder / "kit", PASSPHRASE, cost=CHEAP) as runtime:
        holder = Holder(runtime.store, runtime.identity, runtime.keyring)
        name = EntryHash.parse(done["entry"])
        arrived = runtime.store.entry(name)
        assert arrived is not None
        assert verify(DeviceSource(holder)).ok
        report = verify(Without(holder, name))
        runtime_device = runtime.identity.certificate.device
    assert not report.ok
    header = arrived.entry.header
    gaps = {(one.device, one.session, one.seq) for one in report.findings if one.kind is FindingKind.GAP}
    assert (runtime_device, header.session, header.seq) in gaps, report.findings


def test_a_revocation_reaches_the_desk_at_once(town: Town) -> None:
    """The revoking device tells it; and a revoked responder gets no further than the relay."""
    town.enrol("thief", "emergency_responder")
    chart = town.chart()
    revoked = town.ask("device", "revoke", town.devices["thief"], "--reason", "stolen", home="admin")
    assert revoked["desk"] == "told"
    town.sync("admin", "doctor")
    asked = town.journal()
    assert town.ask("break-glass", "tell", home="admin")["told"] == 0
    town.break_glass(chart, "thief", code=1)
    assert town.journal() == asked
    assert town.ask("chart", "show", chart, home="thief", code=1)["error"]["code"] == "no_such_chart"


def test_the_desk_asks_the_relay_itself_and_its_journal_is_held_against_the_log(town: Town) -> None:
    """Who was revoked while the desk was down is known to it once it is asked; without its relay it answers nobody."""
    town.enrol("lost", "emergency_responder")
    town.desk.stop()
    revoked = town.ask("device", "revoke", town.devices["lost"], "--reason", "lost", home="admin")
    assert revoked["desk"] == "not_told"
    chart = town.chart()
    town.relay.stop()
    town.desk.start()
    status, body = post(f"{town.desk.url}/v1/desk/open", b"x")
    assert (status, json.loads(body)["error"]["code"]) == (503, "relay_unreachable")
    town.relay.start()
    town.break_glass(chart, "responder")
    assert town.ask("break-glass", "tell", home="admin")["told"] == 0, "the relay told it"
    checked = town.ask("server", "break-glass-desk", "journal", "--check", "--relay", town.relay.url, home="desk")
    assert checked["damage"] == []
