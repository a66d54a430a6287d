"""A relay's desks behind plain requests: who the relay is, and enrolment. Stands in for an HttpClient."""

from __future__ import annotations

import json
from typing import Any

from edge_runtime.errors import RemoteError
from sync_protocol.certificates import Certificate
from sync_protocol.control import Certify, Invite, unpack_control
from sync_protocol.encoding import encode
from sync_protocol.invitations import WireRequest, claimed_request, proof_digest
from sync_protocol.labels import Label
from sync_protocol.organisation_file import make_organisation_file
from sync_protocol.records import unpack
from sync_protocol.signed import Signed
from sync_protocol.signing import CosigningKey
from tests.unit.edge_runtime.clinic import ADDRESS, Clinic


class Desk:
    """What a relay's desks answer.

    Attributes:
        down: whether nobody answers.
        filed: requests by device, as received.
        chains: certificates by device, handed out in place of what the control stream says.
        cosigner: the key that cosigns the log; older relays have none.
        cosigner_proof: told in place of the right one.
        told: what `/v1/relay` tells.
    """

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.address = ADDRESS
        self.down = False
        self.filed: dict[str, bytes] = {}
        self.chains: dict[str, Any] = {}
        self.record: bytes | None = None
        self.cosigner: CosigningKey | None = None
        self.cosigner_proof: bytes | None = None
        self.organisation = make_organisation_file(clinic.root, clinic.admin.identity.chain[0])
        self.asked: list[str] = []
        self.closed = 0
        self.now_ms = 0

    @property
    def told(self) -> dict[str, Any]:
        """What the relay says of itself."""
        return {
            "organisation": str(self.clinic.root.value.organisation),
            "key": self.clinic.relay_key.public.hex(),
            "origin": self.clinic.relay.value.origin,
            "fingerprint": "whatever it likes",
            "record": None if self.record is None else self.record.hex(),
            **self._cosigner(),
        }

    def _cosigner(self) -> dict[str, str]:
        if self.cosigner is None:
            return {}
        proof = self.cosigner_proof or self.clinic.relay_key.sign(Label.RELAY_COSIGNER, self.cosigner.public)
        return {"cosigner": self.cosigner.public.hex(), "cosigner_proof": proof.hex()}

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request."""
        self.asked.append(f"{method} {path}")
        if self.down:
            raise RemoteError("relay_unreachable", expected="an answer", got="none", do="try later")
        match method, path:
            case "GET", "/v1/relay":
                return 200, {}, json.dumps(self.told).encode()
            case "POST", "/v1/relay/record":
                self.record = body
                return 200, {}, b"{}"
            case "GET", "/v1/organisation":
                return 200, {}, self.organisation
            case "POST", "/v1/enrolment":
                return self._file(body or b"")
            case "GET", "/v1/enrolment":
                assert (headers or {})["Authorization"].startswith("Bearer ")
                return 200, {}, encode(list(self.filed.values()))
            case "GET", _:
                return self._answer(*path.removeprefix("/v1/enrolment/").split("?user="))
        raise AssertionError(path)

    def close(self) -> None:
        """Hang up."""
        self.closed += 1

    def first_certificate(self) -> bytes:
        """The first administrator's."""
        return self.clinic.admin.identity.chain[0].wire

    def _records(self) -> list[Any]:
        store = self.clinic.admin.store
        stream = self.clinic.root.value.control
        return [unpack_control(a.entry.body) for a in store.arrivals(after=0, limit=10_000, streams=[stream])]

    def _file(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        wire = unpack(WireRequest, body)
        request = claimed_request(wire)
        invites = {record.invitation: record for record in self._records() if isinstance(record, Invite)}
        invite = invites.get(request.invitation)
        if invite is None or proof_digest(wire.proof) != invite.proof or invite.expires_ms < self.now_ms:
            raise RemoteError("invitation", expected="a good one", got="another", do="ask for a new invitation")
        for device, held in self.filed.items():
            if claimed_request(unpack(WireRequest, held)).invitation == request.invitation and held != body:
                raise RemoteError("invitation_used", expected="an unused one", got=device, do="ask for a new one")
        self.filed[str(request.device)] = body
        return 202, {}, b""

    def _answer(self, device: str, user: str) -> tuple[int, dict[str, str], bytes]:
        if device in self.chains:
            return 200, {}, encode(self.chains[device])
        line: list[tuple[int, bytes]] = []
        for record in self._records():
            if isinstance(record, Certify):
                certificate = Signed(Certificate, record.certificate).claimed()
                if (str(certificate.device), str(certificate.user)) == (device, user):
                    line.append((certificate.not_after_ms, record.certificate))
        if line:
            chain = dict.fromkeys((self.first_certificate(), line[0][1], max(line)[1]))
            return 200, {}, encode(list(chain))
        if device not in self.filed:
            raise RemoteError("unknown_device", expected="a device that asked", got="another", do="ask first")
        return 202, {}, b""
