"""The enrolment desk: files what new devices ask, for administrators to answer. It certifies nobody.

A request is filed once, and only if it shows the proof of an invitation that an administrator wrote into the
organisation's control stream. The answer is a Certify record that an administrator's device syncs like anything else.
A further user of a device that is certified is filed under the user's id: what answers the device is not its answer.
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
from sync_protocol.ids import DeviceId, UserId
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
        if len(self.pending()) >= PENDING_MAX:
            raise ConflictError(
                "requests_full",
                expected=f"at most {PENDING_MAX} requests that wait",
                got="more",
                do="ask an administrator to answer those that wait",
            )
        shared = self._directory.certified(request.device) is not None
        place = DeviceId(request.user) if shared else request.device
        if not self._store.file_request(invitation=request.invitation, device=place, wire=data, received_ms=now_ms):
            raise ConflictError(
                "invitation_used",
                expected="an invitation that nobody has used",
                got=f"invitation {request.invitation.short}, which another request holds",
                do="ask the administrator for a new invitation",
            )
        return request.device

    def answer(self, device: DeviceId, user: UserId | None = None) -> Certified | None:
        """What became of the request of a device, or of one user on it; None while it waits.

        Args:
            device: which.
            user: of this user; None for whoever was certified last.

        Raises:
            MissingError: nobody asked for that.
            StorageError: the store cannot be read.
        """
        name = self._directory.certified(device) if user is None else self._certified(device, user)
        if name is not None:
            return Certified(self._trust.chain(name))
        if not self._is_filed(device, user):
            raise MissingError(
                "unknown_device",
                expected="a device that has filed a request",
                got=f"device {device.short}",
                do="file the request first",
            )
        return None

    def pending(self) -> list[bytes]:
        """The requests that wait, as received, oldest first."""
        filed = self._store.requests(RequestState.PENDING)
        return [one.wire for one in filed if not self._is_answered(one.wire)]

    def _is_filed(self, device: DeviceId, user: UserId | None) -> bool:
        if user is None:
            return self._store.request(device) is not None
        filed = (self._store.request(place) for place in (device, DeviceId(user)))
        return any(one is not None and _request(one.wire).user == user for one in filed)

    def _is_answered(self, wire: bytes) -> bool:
        """Whether a filed request's own user and device are certified."""
        request = _request(wire)
        return self._certified(request.device, request.user) is not None

    def _certified(self, device: DeviceId, user: UserId) -> bytes | None:
        """The newest certificate of a user on a device, in the line that was begun last."""
        both = [
            (one.value.issued_ms, one.hash)
            for one in self._trust.certificates()
            if (one.value.device, one.value.user, one.value.renews) == (device, user, None)
        ]
        newest = self._trust.newest(max(both)[1]) if both else None
        return None if newest is None else newest.hash


def _request(filed: bytes) -> Request:
    """A request on file; it was verified when it came."""
    return claimed_request(unpack(WireRequest, filed, bytes_max=REQUEST_BYTES_MAX))


def _check_invite(request: Request, invite: Invite, now_ms: int) -> None:
    if invite.expires_ms < now_ms:
        raise _refused("an invitation that is still good", f"one that ended at {invite.expires_ms} ms")
    if request.role is not invite.role:
        raise _refused(f"the role {invite.role.value} that was given out", f"role {request.role.value}")


def _refused(expected: str, got: str) -> UntrustedError:
    return UntrustedError("invitation", expected=expected, got=got, do="ask the administrator for a new invitation")
