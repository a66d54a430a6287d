"""The enrolment desk: files what new devices ask, for administrators to answer. It certifies nobody.

A request is filed once, and only if it shows the proof of an invitation that an administrator wrote into the
organisation's control stream. The answer is a Certify record that an administrator's device syncs like anything else.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from server.relay.directory import Directory
from server.relay.errors import ConflictError, MissingError
from server.relay.models import RequestState
from server.relay.store import SqlStore
from sync_protocol.certificates import Certificate, Trust
from sync_protocol.control import Invite
from sync_protocol.errors import UntrustedError
from sync_protocol.ids import DeviceId
from sync_protocol.invitations import Request, WireRequest, claimed_request, proof_digest
from sync_protocol.records import unpack
from sync_protocol.signed import Verified

REQUEST_BYTES_MAX: Final = 20 * 1024
"""One enrolment request."""
PENDING_MAX: Final = 1000
"""Requests that wait for an administrator; each needs an unused invitation, so an honest organisation has few."""


@dataclass(frozen=True, slots=True)
class Certified:
    """A device's certificate with those above it, from the one nearest to the root down."""

    chain: tuple[Verified[Certificate], ...]


class Enrolment:
    """The desk. Its calls read and write the store: they belong in a reader's thread."""

    def __init__(self, *, store: SqlStore, directory: Directory, trust: Trust) -> None:
        """Serve from what was adopted."""
        self._store = store
        self._directory = directory
        self._trust = trust

    def file(self, data: bytes, *, now_ms: int) -> DeviceId:
        """File a request.

        Args:
            data: a packed WireRequest, as received.
            now_ms: the relay's clock.

        Returns:
            The device under whose id the answer will be.

        Raises:
            PeerError: not a request, forged, or without the proof of a valid invitation.
            ConflictError: the invitation is used.
            StorageError: it could not be filed.
        """
        wire = unpack(WireRequest, data, bytes_max=REQUEST_BYTES_MAX)
        request = claimed_request(wire)
        invite = self._directory.invitation(request.invitation)
        if invite is None or not hmac.compare_digest(proof_digest(wire.proof), invite.proof):
            raise _refused("a proof of an invitation of this organisation", "another, or none")
        _check_invite(request, invite, now_ms)
        if len(self._store.requests(RequestState.PENDING)) >= PENDING_MAX:
            raise ConflictError(
                "requests_full",
                expected=f"at most {PENDING_MAX} requests that wait",
                got="more",
                do="ask an administrator to answer those that wait",
            )
        if not self._store.file_request(
            invitation=request.invitation, device=request.device, wire=data, received_ms=now_ms
        ):
            raise ConflictError(
                "invitation_used",
                expected="an invitation that nobody has used",
                got=f"invitation {request.invitation.short}, which another request holds",
                do="ask the administrator for a new invitation",
            )
        return request.device

    def answer(self, device: DeviceId) -> Certified | None:
        """What became of a device's request; None while it waits.

        Raises:
            MissingError: that device asked for nothing.
            StorageError: the store cannot be read.
        """
        name = self._directory.certified(device)
        if name is not None:
            return Certified(self._trust.chain(name))
        if self._store.request(device) is None:
            raise MissingError(
                "unknown_device",
                expected="a device that has filed a request",
                got=f"device {device.short}",
                do="file the request first",
            )
        return None

    def pending(self) -> list[bytes]:
        """The requests that wait, as received, oldest first."""
        return [filed.wire for filed in self._store.requests(RequestState.PENDING)]


def _check_invite(request: Request, invite: Invite, now_ms: int) -> None:
    if invite.expires_ms < now_ms:
        raise _refused("an invitation that is still good", f"one that ended at {invite.expires_ms} ms")
    if request.role is not invite.role:
        raise _refused(f"the role {invite.role.value} that was given out", f"role {request.role.value}")


def _refused(expected: str, got: str) -> UntrustedError:
    return UntrustedError("invitation", expected=expected, got=got, do="ask the administrator for a new invitation")
