"""Who belongs to the organisation: each user on each device, in which role, until when, and whether it is trusted.

Owns reading this off the organisation's records, and finding whom a person means by the beginning of an id. It decides
nothing: what counts is `sync_protocol.organisation`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.errors import RefusedError
from edge_runtime.identity import Identity
from edge_runtime.recorder.naming import one_named
from sync_protocol.certificates import Certificate
from sync_protocol.ids import CertificateHash, DeviceId, UserId
from sync_protocol.organisation import Organisation
from sync_protocol.revocation import RevocationReason
from sync_protocol.roles import Role

EXPIRY_NOTICE_MS: Final = 30 * 24 * 3600 * 1000
"""So long before its end a certificate is said to end."""
_LIST: Final = "list them with 'fieldward device list', or sync first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A user on a device.

    Attributes:
        certificate: the newest that is known.
        roles: in force: one, or several where they were changed concurrently, which then all bind.
        depth: enrolments from the root; the senior revokes the junior.
        trusted: False once it is revoked, or certified by somebody who no longer could.
        revoked_ms: when the earliest revocation that counts was signed, by its issuer's clock.
        reason: that revocation's.
        this: whether it is this device, by its present user.
    """

    principal: CertificateHash
    certificate: Certificate
    roles: tuple[Role, ...]
    depth: int
    trusted: bool
    revoked_ms: int | None
    reason: RevocationReason | None
    this: bool

    @property
    def device(self) -> DeviceId:
        """The device."""
        return self.certificate.device

    @property
    def user(self) -> UserId:
        """The user."""
        return self.certificate.user

    @property
    def role(self) -> str:
        """The role in force; several that bind at once are joined by a plus sign."""
        return "+".join(role.value for role in self.roles)

    def ends(self, now_ms: int) -> str:
        """How its certificate stands: `good`, `ends_soon`, or `ended`."""
        left_ms = self.certificate.not_after_ms - now_ms
        if left_ms < 0:
            return "ended"
        return "ends_soon" if left_ms < EXPIRY_NOTICE_MS else "good"


def members(identity: Identity, organisation: Organisation) -> list[Member]:
    """Everybody who was ever certified and is known here, the seniors first."""
    trust, now = identity.trust, organisation.now
    found: list[Member] = []
    for principal in trust.principals():
        newest = trust.newest(principal)
        assert newest is not None, "a known principal has a certificate"
        revoked = _revoked(principal, newest.value, organisation)
        found.append(
            Member(
                principal=principal,
                certificate=newest.value,
                roles=tuple(sorted(now.roles(principal))),
                depth=trust.depth(principal),
                trusted=principal not in now.revoked,
                revoked_ms=None if revoked is None else revoked[0],
                reason=None if revoked is None else revoked[1],
                this=principal == identity.principal,
            )
        )
    return sorted(found, key=lambda one: (one.depth, one.certificate.issued_ms, one.principal))


def _revoked(
    principal: CertificateHash, certificate: Certificate, organisation: Organisation
) -> tuple[int, RevocationReason] | None:
    """When and why a principal was revoked, by the earliest word that counts against it."""
    if principal not in organisation.now.revoked:
        return None
    trust, refused = organisation.trust, organisation.now.refused
    counts = [
        (one.value.issued_ms, one.value.reason)
        for index, one in organisation.revocations
        if organisation.pasts.order[index].hash not in refused
        and one.value.names(certificate)
        and trust.depth(one.value.issuer) < trust.depth(principal)
    ]
    return min(counts, default=None)


def of_device(everybody: Iterable[Member], text: str) -> list[Member]:
    """The users of the device that a person means.

    Raises:
        RefusedError: no such device, or several.
    """
    known = list(everybody)
    device = one_named(text, {one.device for one in known}, "device", _LIST)
    return [one for one in known if one.device == device]


def of_user(everybody: Iterable[Member], text: str) -> list[Member]:
    """The devices of the user that a person means.

    Raises:
        RefusedError: no such user, or several.
    """
    known = list(everybody)
    user = one_named(text, {one.user for one in known}, "user", _LIST)
    return [one for one in known if one.user == user]


def of_either(everybody: Iterable[Member], text: str) -> list[Member]:
    """Those whose device, or whose user, a person means.

    Raises:
        RefusedError: none, or several devices and users.
    """
    known = list(everybody)
    name = one_named(text, {*(one.device for one in known), *(one.user for one in known)}, "device", _LIST)
    return [one for one in known if bytes(name) in {bytes(one.device), bytes(one.user)}]


def require_trusted(chosen: Sequence[Member]) -> list[Member]:
    """Those who are trusted.

    Raises:
        RefusedError: nobody of them is.
    """
    trusted = [one for one in chosen if one.trusted]
    if not trusted:
        raise RefusedError(
            "revoked",
            expected="a device or user that is trusted",
            got=f"device {chosen[0].device.short}, which was revoked",
            do="enrol it anew: 'fieldward device invite'",
        )
    return trusted
