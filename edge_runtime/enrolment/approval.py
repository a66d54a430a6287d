"""The administrator's side: who waits, and signing a certificate after the codes were compared."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from string import digits
from typing import Final

from edge_runtime.enrolment.answers import read_wires
from edge_runtime.enrolment.invitations import INVITED
from edge_runtime.enrolment.organisation import YEAR_MS, require_administrator
from edge_runtime.errors import RefusedError
from edge_runtime.identity import Identity
from edge_runtime.recorder.record import Recorder
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.transports.http import HttpClient
from sync_protocol.certificates import Certificate, issue
from sync_protocol.control import Certify
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, Hash
from sync_protocol.invitations import (
    CODE_DIGITS,
    Invitation,
    Request,
    WireRequest,
    claimed_request,
    code_of,
    open_request,
)
from sync_protocol.records import unpack
from sync_protocol.signed import Signed, Verified

REQUESTS_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class Applicant:
    """A device that waits for approval, its request verified by the invitation's secret."""

    request: Request
    wire: WireRequest
    invitation: Invitation

    @property
    def code(self) -> str:
        """The digits that the new device shows; see `code_of` for their price."""
        return code_of(self.wire, self.invitation)


def applicants(store: DeviceStore, http: HttpClient, token: bytes) -> list[Applicant]:
    """The devices that wait for this administrator's approval; requests that do not verify are left out."""
    _, _, data = http.request("GET", "/v1/enrolment", headers={"Authorization": f"Bearer {token.hex()}"})
    found: list[Applicant] = []
    for item in read_wires(data, items_max=REQUESTS_MAX):
        try:
            wire = unpack(WireRequest, item)
            known = store.get_value(INVITED + claimed_request(wire).invitation.hex())
            if known is not None:
                invitation = unpack(Invitation, known)
                found.append(Applicant(open_request(wire, invitation), wire, invitation))
        except PeerError:
            continue  # made without the invitation's secret: not one of ours
    return found


def approve(recorder: Recorder, identity: Identity, applicant: Applicant, *, code: str, now_ms: int) -> CertificateHash:
    """Sign a waiting device's certificate.

    Raises:
        RefusedError: the code is not the one that the device shows, or this device may not enrol others.
    """
    administrator = require_administrator(identity)
    typed = "".join(digit for digit in code if digit in digits)
    if not hmac.compare_digest(typed, applicant.code):
        raise RefusedError(
            "code",
            expected=f"the {CODE_DIGITS} digits that the new device shows",
            got="other digits",
            do="compare again; if they differ, somebody else used the invitation: do not approve",
        )
    request = applicant.request
    certificate: Verified[Certificate] = issue(
        Certificate(
            organisation=identity.root.value.organisation,
            device=request.device,
            user=request.user,
            role=request.role,
            ed25519=request.ed25519,
            wrap=request.wrap,
            issuer=Hash(identity.principal),
            issued_ms=now_ms,
            not_after_ms=now_ms + YEAR_MS,
            ml_dsa=request.ml_dsa,
        ),
        administrator,
    )
    batch = recorder.begin()
    batch.organisation_control(Certify(certificate=certificate.wire))
    invitation = applicant.invitation.invitation.hex()
    admitted = identity.trust.admit(Signed(Certificate, certificate.wire))

    def finish(writer: DeviceWriter) -> None:
        writer.put_certificate(admitted)
        writer.put_value(INVITED + invitation, None)

    recorder.write(batch, also=finish)
    return CertificateHash(certificate.hash)
