"""The new device's side: ask to be certified, and fetch the certificate once an administrator has signed it."""

from __future__ import annotations

from typing import Final

from edge_runtime.enrolment.answers import read_wires
from edge_runtime.errors import RefusedError, RemoteError
from edge_runtime.identity import (
    INVITATION,
    RELAY_ADDRESS,
    ROOT,
    DeviceKeys,
    Entropy,
    enrol,
    is_enrolled,
    new_session,
    stored_invitation,
    stored_root,
)
from edge_runtime.store.device import DeviceStore
from edge_runtime.transports.http import HttpClient
from sync_protocol.certificates import Certificate, Root, Trust
from sync_protocol.ids import DeviceId, UserId
from sync_protocol.invitations import Invitation, Request, WireRequest, claimed_request, code_of, make_request
from sync_protocol.limits import CERTIFICATES_MAX, ID_BYTES
from sync_protocol.organisation_file import open_organisation_file
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role
from sync_protocol.signed import Signed, Verified

REQUEST: Final = "identity/request"
_UNKNOWN: Final = "unknown_device"
"""What the relay says where a request never arrived."""
_CERTIFIED: Final = 200


def request_enrolment(
    store: DeviceStore, http: HttpClient, invitation: Invitation, *, now_ms: int, entropy: Entropy
) -> tuple[DeviceId, str]:
    """Ask to be certified; the keys are made here and stay here.

    Asking again by the same invitation sends the same request again. Another invitation takes the place of one that was
    not answered yet.

    Returns:
        The device's id and the code to read out to the administrator.

    Raises:
        RefusedError: the store belongs to an enrolled device, or the invitation has expired.
        RemoteError: the relay does not answer, or does not take the request.
        UntrustedError: the relay shows another organisation's root than the invitation names.
    """
    if is_enrolled(store):
        raise RefusedError(
            "home_in_use_already",
            expected="a home without a device",
            got="one that has a device",
            do="name another --home",
        )
    data = store.get_value(REQUEST)
    if data is None or stored_invitation(store) != invitation:
        data = _make(store, http, invitation, now_ms=now_ms, entropy=entropy)
    http.request("POST", "/v1/enrolment", body=data)
    wire = unpack(WireRequest, data)
    return claimed_request(wire).device, code_of(wire, invitation)


def _make(store: DeviceStore, http: HttpClient, invitation: Invitation, *, now_ms: int, entropy: Entropy) -> bytes:
    """Make keys and a request, and keep them before anybody hears of them."""
    if invitation.expires_ms < now_ms:
        raise RefusedError(
            "invitation_expired",
            expected="an invitation that has not expired",
            got="one that has, by this device's clock",
            do="check the clock, or ask for a new invitation",
        )
    _, _, file = http.request("GET", "/v1/organisation")
    root, _ = open_organisation_file(file, expected=invitation.root)
    keys = DeviceKeys.make(entropy, administrator=invitation.role is Role.ADMIN)
    request = Request(
        invitation=invitation.invitation,
        device=invitation.device or DeviceId(entropy(ID_BYTES)),
        user=invitation.user or UserId(entropy(ID_BYTES)),
        role=invitation.role,
        ed25519=keys.signer.public,
        wrap=bytes(keys.wrap.public),
        made_ms=now_ms,
        ml_dsa=None if keys.administrator is None else keys.administrator.public.ml_dsa,
    )
    data = pack(make_request(request, invitation, keys.signer))
    with store.writing() as writer:
        keys.save(writer)
        writer.put_value(ROOT, root.wire)
        writer.put_value(INVITATION, pack(invitation))
        writer.put_value(REQUEST, data)
        writer.put_value(RELAY_ADDRESS, http.address.encode())
    return data


def complete_enrolment(store: DeviceStore, http: HttpClient, *, now_ms: int, entropy: Entropy) -> None:
    """Fetch the certificate once an administrator has signed it.

    Raises:
        RefusedError: not approved yet.
        RemoteError: the relay does not answer, no longer takes the request, or hands out another's certificate.
        UntrustedError, ForgedError, MalformedError: what it hands out is no certificate by the organisation.
    """
    root, keys, data = stored_root(store), DeviceKeys.load(store), store.get_value(REQUEST)
    invitation = stored_invitation(store)
    assert root is not None, "a waiting device knows its root"
    assert keys is not None, "a waiting device has keys"
    assert data is not None, "a waiting device has made a request"
    assert invitation is not None, "a waiting device has an invitation"
    wire = unpack(WireRequest, data)
    request = claimed_request(wire)
    answer = _answer(http, request, data)
    if answer is None:
        raise RefusedError(
            "not_approved",
            expected="an administrator's approval",
            got="none yet",
            do=f"run 'fieldward device approve {request.device.short} --code {code_of(wire, invitation)}' on theirs",
        )
    chain = _chain(root, request, answer)
    session = new_session(keys, chain[-1], now_ms=now_ms, entropy=entropy)
    with store.writing() as writer:
        for certificate in chain:
            writer.put_certificate(certificate)
        enrol(writer, root=root, chain=chain, session=session)
        writer.put_value(REQUEST, None)


def _answer(http: HttpClient, request: Request, data: bytes) -> bytes | None:
    """The relay's answer; None while the request waits."""
    try:
        return certified(http, request.device, request.user)
    except RemoteError as error:
        if error.code != _UNKNOWN:
            raise
        http.request("POST", "/v1/enrolment", body=data)  # the first request never arrived
        return None


def certified(http: HttpClient, device: DeviceId, user: UserId) -> bytes | None:
    """What the relay has for a user on a device: the newest certificate's chain, not verified; None while it waits.

    Raises:
        RemoteError: the relay does not answer, or knows nothing of it.
    """
    status, _, answer = http.request("GET", f"/v1/enrolment/{device}?user={user}")
    return answer if status == _CERTIFIED else None


def _chain(root: Verified[Root], request: Request, answer: bytes) -> tuple[Verified[Certificate], ...]:
    """The certificates, from the one nearest to the root down to this device's: for its own keys and as it asked."""
    trust = Trust(root)
    wires = read_wires(answer, items_max=CERTIFICATES_MAX)
    chain = tuple(trust.admit(Signed(Certificate, one)) for one in wires)
    if not chain or not _is_for(chain[-1].value, request):
        raise RemoteError(
            "certificate",
            expected="this device's own certificate",
            got="another",
            do="ask the administrator which relay is in use",
        )
    return trust.chain(chain[-1].hash)


def _is_for(certificate: Certificate, request: Request) -> bool:
    return all(
        getattr(certificate, name) == getattr(request, name)
        for name in ("device", "user", "role", "ed25519", "wrap", "ml_dsa")
    )
