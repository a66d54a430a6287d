"""A clinic with a desk in this process, a token, a chart, and people who are no members of it."""

from __future__ import annotations

import json

import pytest

from edge_runtime.audit.device_source import Holder
from edge_runtime.break_glass.announcing import announce
from edge_runtime.break_glass.desk import DeskFacts
from edge_runtime.break_glass.stored import break_the_glass
from edge_runtime.errors import RemoteError
from edge_runtime.transports.http import HttpClient, refusal
from server.desk.app import found_desk, open_desk
from server.desk.errors import status_of
from server.desk.keys import load_keys
from server.serving.errors import body_of
from sync_protocol.control import audit_stream
from sync_protocol.emergency_records import BreakGlassReason
from sync_protocol.errors import ExplainedError
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.records import pack
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import fact, settle

DESK_URL = "http://desk.example:80"
WHY = "Found alone, not breathing well"


class DeskHttp(HttpClient):
    """Requests to a desk, as `HttpClient` makes them, without a network between."""

    def __init__(self, desk):
        super().__init__(DESK_URL, timeout_s=1)
        self.desk = desk
        self.asked = []
        self.closed = False
        self.down = False

    def request(self, method, path, *, body=None, headers=None):
        """The answer, or what the transport says of a refusal."""
        del headers
        self.asked.append((method, path))
        if self.down:
            raise RemoteError("relay_unreachable", expected="a relay", got="ConnectionRefusedError", do="wait")
        try:
            data = self._answer(path, body)
        except ExplainedError as error:
            raise refusal(status_of(error), json.dumps(body_of(error)).encode()) from None
        return 200, {}, data

    def close(self):
        """End the connection."""
        self.closed = True

    def _answer(self, path, body):
        if path == "/v1/desk":
            keys, organisation = self.desk.keys, self.desk.book.root.value.organisation
            told = {"organisation": organisation, "desk": keys.wrap.public, "signer": keys.signer.public}
            return json.dumps({name: value.hex() for name, value in told.items()}).encode()
        if path == "/v1/desk/open":
            return self.desk.answer(body)
        if body is not None:
            self.desk.book.take(body)
            return b"{}"
        return pack(self.desk.book.frontier())


class Emergency:
    """The clinic on a bad day.

    Attributes:
        doctor: the chart's only member.
        responder: breaks the glass.
        officer: compliance.
        chart: with an allergy and a plan.
    """

    def __init__(self, clinic, folder):
        self.clinic = clinic
        self.folder = folder
        self.relay = clinic.start_relay()
        self.token = WrapPrivateKey(b"t" * 32)
        self.doctor = clinic.device(Role.PHYSICIAN)
        self.responder = clinic.device(Role.EMERGENCY_RESPONDER)
        self.officer = clinic.device(Role.COMPLIANCE_OFFICER)
        folder.mkdir()
        found_desk(folder, pack(clinic.file), root=None)
        self.opened = open_desk(folder)
        self.http = DeskHttp(self.opened.desk)
        self.opened.desk._now_ms = clinic.clock
        self.settle()
        self.announce()
        self.settle()
        self.chart, (self.document,) = self.doctor.charts.create((), workflow=None)
        self.doctor.charts.add_facts(self.chart, self.document, [fact("allergy", text="Penicillin")])
        self.doctor.charts.edit_text(self.chart, self.document, "plan", "Rest")
        self.settle()

    def facts(self, **changes):
        """What the desk says of itself."""
        keys = load_keys(self.folder / "desk.key")
        told = {
            "organisation": self.clinic.root.value.organisation,
            "desk": keys.wrap.public,
            "signer": keys.signer.public,
        }
        return DeskFacts(**(told | changes))

    def announce(self, **changes):
        """Name desk and token as the root."""
        options = {"token": self.token.public, "addresses": (DESK_URL,), "fingerprint": None, "now_ms": 1}
        shown = changes.pop("shown", None) or self.facts()
        by = changes.pop("by", self.clinic.admin)
        return announce(self.holder(by), by.recorder, shown, **(options | changes))

    def settle(self):
        """Sync everybody until nothing moves."""
        settle(self.relay, self.clinic.admin, *self.clinic.devices)

    def holder(self, device):
        """A device as the rooms above take it."""
        return Holder(device.store, device.identity, device.keyring)

    def break_it(self, device, *, kit=False, why=WHY, chart=None):
        """The act."""
        return break_the_glass(
            self.holder(device),
            device.recorder,
            self.chart if chart is None else chart,
            reason=BreakGlassReason.UNCONSCIOUS,
            why=why,
            kit=kit,
            entropy=device.entropy,
        )

    @property
    def glass(self):
        """The root's word on desk and token, as the responder knows it."""
        return self.responder.keyring.organisation().now.break_glass.value

    def allergies(self, device):
        """What the device reads of them."""
        return [" / ".join(item.names) for item in device.charts.open(self.chart).state.allergies.items]

    def charts_reads(self, device):
        """The compartments of the chart that a device may read."""
        return device.charts.open(self.chart).reads

    def relay_audit(self, device):
        """The entries of the chart's audit stream on a device."""
        document = device.keyring.membership(self.chart).chart_document
        return device.store.arrivals(after=0, limit=1000, streams=(audit_stream(self.chart, document),))

    def close(self):
        """Let go of the desk's files."""
        self.opened.desk.book.close()
        self.opened.desk.journal.close()


@pytest.fixture
def emergency(clinic, tmp_path):
    """A bad day of its own."""
    made = Emergency(clinic, tmp_path / "desk")
    yield made
    made.close()
