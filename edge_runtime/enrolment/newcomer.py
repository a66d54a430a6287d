"""The new device's side: ask to be certified, and fetch the certificate once an administrator has signed it."""

from __future__ import annotations

from typing import Final

from edge_runtime.enrolment.answers import read_wires
from edge_runtime.enrolment.organisation import require_new
from edge_runtime.errors import RefusedError, RemoteError
from edge_runtime.identity import (
    INVITATION,
    ROOT,
    DeviceKeys,
    Entropy,
    enrol,
    expected_root,
    new_session,
    stored_invitation,
    stored_root,
)
from edge_runtime.store.device import DeviceStore
from edge_runtime.transports.http import HttpClient
from sync_protocol.certificates import Certificate, Trust
from sync_protocol.ids import DeviceId, UserId
from sync_protocol.invitations import Invitation, Request, WireRequest, claimed_request, code_of, make_request
from sync_protocol.limits import CERTIFICATE_CHAIN_MAX, ID_BYTES
from sync_protocol.organisation_file import OrganisationFile
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role
from sync_protocol.signed import Signed

REQUEST: Final = "identity/request"


def request_enrolment(
    store: DeviceStore, http: HttpClient, invitation: Invitation, *, now_ms: int, entropy: Entropy
) -> tuple[DeviceId, str]:
    """Ask to be certified; the keys are made here and stay here.

    Returns:
        The device's id and the code to read out to the administrator.

    Raises:
        RefusedError: the store belongs to a device already, or the invitation has expired.
        RemoteError: the relay does not answer, or does not take the request.
        UntrustedError: the relay shows another organisation's root than the invitation names.
    """
    require_new(store)
    if invitation.expires_ms < now_ms:
        raise RefusedError(
            "invitation_expired",
            expected="an invitation that has not expired",
            got="one that has, by this device's clock",
            do="check the clock, or ask for a new invitation",
        )
    _, _, data = http.request("GET", "/v1/organisation")
    root = expected_root(invitation, unpack(OrganisationFile, data).root)
    keys = DeviceKeys.make(entropy, administrator=invitation.role is Role.ADMIN)
    request = Request(
        invitation=invitation.invitation,
        device=DeviceId(entropy(ID_BYTES)),
        user=UserId(entropy(ID_BYTES)),
        role=invitation.role,
        ed25519=keys.signer.public,
        wrap=bytes(keys.wrap.public),
        made_ms=now_ms,
        ml_dsa=None if keys.administrator is None else keys.administrator.public.ml_dsa,
    )
    wire = make_request(request, invitation, keys.signer)
    with store.writing() as writer:
        keys.save(writer)
        writer.put_value(ROOT, root.wire)
        writer.put_value(INVITATION, pack(invitation))
        writer.put_value(REQUEST, pack(wire))
    http.request("POST", "/v1/enrolment", body=pack(wire))
    return request.device, code_of(wire, invitation)


def complete_enrolment(store: DeviceStore, http: HttpClient, *, now_ms: int, entropy: Entropy) -> None:
    """Fetch the certificate once an administrator has signed it.

    Raises:
        RefusedError: not approved yet.
        RemoteError: the relay does not answer.
        UntrustedError, ForgedError: what it hands out is not a certificate of this device by the organisation.
    """
    root, keys, data = stored_root(store), DeviceKeys.load(store), store.get_value(REQUEST)
    invitation = stored_invitation(store)
    assert root is not None, "a waiting device knows its root"
    assert keys is not None, "a waiting device has keys"
    assert data is not None, "a waiting device has made a request"
    assert invitation is not None, "a waiting device has an invitation"
    wire = unpack(WireRequest, data)
    request = claimed_request(wire)
    try:
        status, _, answer = http.request("GET", f"/v1/enrolment/{request.device}")
    except RemoteError as error:
        if error.code != "unknown_device":
            raise
        http.request("POST", "/v1/enrolment", body=data)  # the first request may never have arrived
        status, answer = 202, b""
    if status != 200:  # noqa: PLR2004 HTTP's OK
        raise RefusedError(
            "not_approved",
            expected="an administrator's approval",
            got="none yet",
            do=f"run 'fieldward device approve {request.device.short} --code {code_of(wire, invitation)}' on theirs",
        )
    trust = Trust(root)
    chain = tuple(trust.admit(Signed(Certificate, one)) for one in read_wires(answer, items_max=CERTIFICATE_CHAIN_MAX))
    if not chain or chain[-1].value.ed25519 != keys.signer.public or chain[-1].value.device != request.device:
        raise RemoteError(
            "certificate",
            expected="this device's own certificate",
            got="another",
            do="ask the administrator which relay is in use",
        )
    session = new_session(keys, chain[-1], now_ms=now_ms, entropy=entropy)
    with store.writing() as writer:
        for certificate in chain:
            writer.put_certificate(certificate)
        enrol(writer, root=root, chain=chain, session=session)
        writer.put_value(REQUEST, None)
