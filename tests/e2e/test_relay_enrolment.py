"""Enrolment at the relay's desk: an invitation, one request, an administrator's certificate; never the relay's word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sync_protocol.certificates import Certificate, Trust, issue
from sync_protocol.control import Certify, Invite
from sync_protocol.encoding import decode
from sync_protocol.ids import DeviceId, Hash, InvitationId, RootHash, UserId
from sync_protocol.invitations import (
    Invitation,
    Request,
    WireRequest,
    code_of,
    make_request,
    open_request,
    proof_digest,
    proof_of,
)
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.organisation_file import open_organisation_file
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role
from sync_protocol.signed import Signed
from sync_protocol.signing import HybridSigningKey, SigningKey
from tests.e2e.conftest import LIFE_MS
from tests.support.people import Organisation
from tests.support.relay_server import RelayProcess, keep
from tests.support.shells import SyncingDevice

FAR_MS = 10**13


class Newcomer:
    """A device that has nothing but an invitation."""

    def __init__(self, organisation: Organisation, role: Role = Role.NURSE) -> None:
        entropy = organisation.entropy
        self.signer = SigningKey(entropy(32))
        self.invitation = Invitation(
            invitation=InvitationId(entropy(16)),
            root=RootHash(organisation.root.hash),
            address="https://relay.example",
            secret=entropy(32),
            role=role,
            expires_ms=FAR_MS,
        )
        self.request = Request(
            invitation=self.invitation.invitation,
            device=DeviceId(entropy(16)),
            user=UserId(entropy(16)),
            role=role,
            ed25519=self.signer.public,
            wrap=WrapPrivateKey(entropy(32)).public,
            made_ms=organisation.clock(),
        )

    def wire(self, **changes: Any) -> bytes:
        """The request as it travels."""
        return pack(make_request(replace(self.request, **changes), self.invitation, self.signer))

    def invite(self, **changes: Any) -> Invite:
        """The record that an administrator writes."""
        fields: dict = {
            "invitation": self.invitation.invitation,
            "role": self.invitation.role,
            "expires_ms": FAR_MS,
            "proof": proof_digest(proof_of(self.invitation)),
        }
        return Invite(**(fields | changes))


@pytest.fixture(scope="module")
def admin(organisation: Organisation) -> SyncingDevice:
    """An administrator's device; the first one's certificate has ended by the relay's clock."""
    return SyncingDevice(organisation.device(Role.ADMIN, life_ms=LIFE_MS))


@pytest.fixture
def publish(relay: RelayProcess, organisation: Organisation, admin: SyncingDevice) -> Callable[..., None]:
    """Syncs control records of the organisation by an administrator's device."""

    def write(*records) -> None:
        _, entries = admin.session.write_control(organisation.root.value.control, records)
        keep(admin, admin.session, entries)
        with relay.dial(admin) as line:
            line.run()
        assert admin.rejected == {}

    return write


def post(relay: RelayProcess, data: bytes) -> tuple[int, str]:
    """Send a request to the desk: status and body."""
    status, _, body = relay.request("POST", "/v1/enrolment", data)
    return status, body.decode()


def wires(body: bytes) -> list[bytes]:
    """A CBOR list of records."""
    found = decode(body)
    assert isinstance(found, list)
    return [wire for wire in found if isinstance(wire, bytes)]


def test_from_invitation_to_certificate(relay: RelayProcess, organisation: Organisation, admin: SyncingDevice, publish):
    """The relay files and passes on; the administrator compares, signs and syncs; then the chain is there to fetch."""
    newcomer = Newcomer(organisation)
    path = f"/v1/enrolment/{newcomer.request.device}"
    publish(newcomer.invite())
    assert relay.request("GET", path)[0] == 404
    assert post(relay, newcomer.wire())[0] == 202
    assert post(relay, newcomer.wire())[0] == 202
    assert relay.request("GET", path)[0] == 202

    desk = relay.dial_http(admin)
    desk.handshake()
    status, _, body = relay.request("GET", "/v1/enrolment", headers={"Authorization": f"Bearer {desk.token}"})
    assert status == 200
    waiting = [unpack(WireRequest, wire) for wire in wires(body)]
    wire = next(wire for wire in waiting if wire.proof == proof_of(newcomer.invitation))
    request = open_request(wire, newcomer.invitation)
    assert len(code_of(wire, newcomer.invitation)) == 12

    assert isinstance(admin.device.key, HybridSigningKey)
    certificate = issue(
        Certificate(
            organisation=organisation.root.value.organisation,
            device=request.device,
            user=request.user,
            role=request.role,
            ed25519=request.ed25519,
            wrap=request.wrap,
            issuer=admin.device.name,
            issued_ms=organisation.clock(),
            not_after_ms=FAR_MS,
        ),
        admin.device.key,
    )
    publish(Certify(certificate=certificate.wire))
    status, _, body = relay.request("GET", path)
    assert status == 200
    chain = wires(body)
    trust = Trust(open_organisation_file(relay.request("GET", "/v1/organisation")[2], expected=None)[0])
    assert [trust.admit(Signed(Certificate, wire)).hash for wire in chain][-1] == certificate.hash

    status, _, body = relay.request("GET", "/v1/enrolment", headers={"Authorization": f"Bearer {desk.token}"})
    assert newcomer.wire() not in wires(body)


def certify(organisation: Organisation, admin: SyncingDevice, request: Request, **changes: Any) -> bytes:
    """What the administrator signs."""
    assert isinstance(admin.device.key, HybridSigningKey)
    fields: dict = {
        "organisation": organisation.root.value.organisation,
        "device": request.device,
        "user": request.user,
        "role": request.role,
        "ed25519": request.ed25519,
        "wrap": request.wrap,
        "issuer": admin.device.name,
        "issued_ms": organisation.clock(),
        "not_after_ms": FAR_MS,
    }
    return issue(Certificate(**(fields | changes)), admin.device.key).wire


def pending(relay: RelayProcess, admin: SyncingDevice) -> list[bytes]:
    """Who waits."""
    desk = relay.dial_http(admin)
    desk.handshake()
    status, _, body = relay.request("GET", "/v1/enrolment", headers={"Authorization": f"Bearer {desk.token}"})
    assert status == 200
    return wires(body)


def test_a_further_user_of_a_device_has_an_answer_of_its_own(
    relay: RelayProcess, organisation: Organisation, admin: SyncingDevice, publish
):
    """Two users of one device: the second waits although the device is certified, and gets its own certificate."""
    first, second = Newcomer(organisation), Newcomer(organisation)
    second.request = replace(second.request, device=first.request.device)
    publish(first.invite(), second.invite())
    assert post(relay, first.wire())[0] == 202
    publish(Certify(certificate=certify(organisation, admin, first.request)))
    path = f"/v1/enrolment/{first.request.device}"
    assert relay.request("GET", f"{path}?user={second.request.user}")[0] == 404
    assert post(relay, second.wire())[0] == 202
    assert post(relay, second.wire())[0] == 202
    assert second.wire() in pending(relay, admin)
    assert relay.request("GET", f"{path}?user={second.request.user}")[0] == 202
    assert relay.request("GET", f"{path}?user=nonsense")[0] == 400
    certificate = certify(organisation, admin, second.request)
    publish(Certify(certificate=certificate))
    for one in (first, second):
        status, _, body = relay.request("GET", f"{path}?user={one.request.user}")
        assert status == 200
        assert Signed(Certificate, wires(body)[-1]).claimed().user == one.request.user
    assert not {first.wire(), second.wire()} & set(pending(relay, admin))


def test_a_renewal_is_handed_out_with_what_it_renews(
    relay: RelayProcess, organisation: Organisation, admin: SyncingDevice, publish
):
    """Whoever has the root alone can verify it, whichever of the two ends later: the way back after an end."""
    newcomer = Newcomer(organisation)
    publish(newcomer.invite())
    assert post(relay, newcomer.wire())[0] == 202
    first = certify(organisation, admin, newcomer.request, not_after_ms=5)
    name = Signed(Certificate, first).hash
    renewal = certify(organisation, admin, newcomer.request, renews=name)
    publish(Certify(certificate=first))
    publish(Certify(certificate=renewal))
    path = f"/v1/enrolment/{newcomer.request.device}?user={newcomer.request.user}"
    status, _, body = relay.request("GET", path)
    assert status == 200
    trust = Trust(open_organisation_file(relay.request("GET", "/v1/organisation")[2], expected=None)[0])
    chain = [trust.admit(Signed(Certificate, wire)) for wire in wires(body)]
    assert chain[-1].value.not_after_ms == FAR_MS
    assert trust.principal(chain[-1].hash) == name


def test_without_a_valid_invitation_nothing_is_filed(relay: RelayProcess, organisation: Organisation, publish):
    """An unknown, ended or used one, another role, another proof, a forged request: refused, and nothing on file."""
    unknown, ended, other_role, other_proof, used = (Newcomer(organisation) for _ in range(5))
    publish(
        ended.invite(expires_ms=1),
        other_role.invite(role=Role.PHYSICIAN),
        other_proof.invite(proof=Hash(bytes(32))),
        used.invite(),
    )
    for newcomer in (unknown, ended, other_role, other_proof):
        status, body = post(relay, newcomer.wire())
        assert (status, '"invitation"' in body) == (403, True)
        assert relay.request("GET", f"/v1/enrolment/{newcomer.request.device}")[0] == 404
    assert post(relay, used.wire())[0] == 202
    status, body = post(relay, used.wire(made_ms=1))
    assert (status, "invitation_used" in body) == (409, True)
    thief = SigningKey(organisation.entropy(32))
    forged = replace(
        make_request(used.request, used.invitation, used.signer),
        signature=make_request(used.request, used.invitation, thief).signature,
    )
    assert post(relay, pack(forged))[0] == 403


def test_what_is_no_request_is_refused(relay: RelayProcess):
    """Malformed and oversized bodies, and ids that are none."""
    assert post(relay, b"\xff")[0] == 400
    assert post(relay, bytes(30_000))[0] == 413
    assert relay.request("GET", "/v1/enrolment/nonsense")[0] == 400
    assert relay.request("GET", f"/v1/enrolment/{'0' * 32}")[0] == 404


def test_only_administrators_see_the_requests(relay: RelayProcess, device):
    """Others get neither names nor numbers."""
    line = relay.dial_http(device(Role.PHYSICIAN))
    line.handshake()
    assert relay.request("GET", "/v1/enrolment", headers={"Authorization": f"Bearer {line.token}"})[0] == 403
    assert relay.request("GET", "/v1/enrolment")[0] == 401


def test_a_certificate_that_no_administrator_signed_is_not_taken(
    relay: RelayProcess, organisation: Organisation, admin: SyncingDevice
):
    """What stands inside a control record is verified before the record is stored."""
    foreign = Organisation.make(77)
    stranger = foreign.device(Role.NURSE)
    _, entries = admin.session.write_control(
        organisation.root.value.control, [Certify(certificate=stranger.certificate.wire)]
    )
    keep(admin, admin.session, entries)
    with relay.dial(admin) as line:
        line.run()
    assert admin.rejected[entries[0].hash].code == "untrusted"
    assert relay.request("GET", f"/v1/enrolment/{stranger.certificate.value.device}")[0] == 404


def test_one_address_does_not_flood_the_desk(relay: RelayProcess):
    """After some tens of attempts in a minute the answer is 429, with a time to wait."""
    found = [relay.request("POST", "/v1/enrolment", b"\xff") for _ in range(40)]
    assert 429 in {status for status, _, _ in found}
    assert all(headers["retry-after"] for status, headers, _ in found if status == 429)
    assert relay.request("GET", "/v1/health")[0] == 200
