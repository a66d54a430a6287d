"""Revoking a device or a user: who is meant, who may sign, where each session is cut, and the record of it.

Refuses before signing what nobody would count: seniority is checked here as every receiver will check it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.enrolment.organisation import require_administrator
from edge_runtime.enrolment.register import Member
from edge_runtime.enrolment.sessions import Endings, SessionBook, told_sessions
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.identity import Identity, root_keys
from edge_runtime.recorder.record import Recorder
from edge_runtime.store.device import DeviceStore
from edge_runtime.transports.http import HttpClient
from sync_protocol.certificates import Certificate
from sync_protocol.ids import DeviceId, Hash, UserId
from sync_protocol.limits import CUTS_MAX
from sync_protocol.revocation import Revocation, RevocationReason, Revoke, is_senior, issue_revocation
from sync_protocol.roles import Role
from sync_protocol.signing import HybridSigningKey

_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Who is to be trusted no longer: a device with all its users, or a user on all devices.

    Attributes:
        chosen: those whom that means now; later certificates of the same device or user are meant as well.
    """

    device: DeviceId | None
    user: UserId | None
    chosen: tuple[Member, ...]

    @property
    def id(self) -> DeviceId | UserId:
        """The device's id, or the user's."""
        name = self.user if self.device is None else self.device
        assert name is not None, "one of the two is named"
        return name

    def covers(self, certificate: Certificate) -> bool:
        """Whether a certificate is of the device, or the user."""
        return self.device in {None, certificate.device} and self.user in {None, certificate.user}


@dataclass(frozen=True, slots=True)
class Authority:
    """By whose keys a revocation is signed."""

    issuer: Hash
    signer: HybridSigningKey


def authority(
    store: DeviceStore, identity: Identity, everybody: Sequence[Member], subject: Subject, *, root: bool
) -> Authority:
    """By whose keys this device may revoke them, so that it counts.

    Raises:
        RefusedError: by none; who could is said.
    """
    if root:
        return Authority(Hash(identity.root.hash), root_keys(store, identity))
    administrator = require_administrator(identity)
    own = Hash(identity.principal)
    equal = [one for one in subject.chosen if not is_senior(own, one.principal, identity.trust)]
    if equal:
        raise RefusedError(
            "not_senior",
            expected="an administrator whom fewer enrolments separate from the root than whom it revokes",
            got=f"device {equal[0].device.short}, which is {_place(equal[0], identity)}",
            do=_who_could(everybody, subject),
        )
    return Authority(own, administrator)


def _place(one: Member, identity: Identity) -> str:
    if one.this:
        return "this device itself"
    own = identity.trust.depth(identity.principal)
    return "as near to the root as this one" if one.depth == own else "nearer to the root than this one"


def _who_could(everybody: Iterable[Member], subject: Subject) -> str:
    highest = min(one.depth for one in subject.chosen)
    able = [
        one.device.short
        for one in everybody
        if one.trusted and one.certificate.role is Role.ADMIN and one.depth < highest and one not in subject.chosen
    ]
    by_root = "with --root on the device that holds the organisation's root keys"
    if not able:
        return f"do it {by_root}"
    return f"do it on the administrator's device {' or '.join(able[:_SHOWN])}, or {by_root}"


def known_endings(store: DeviceStore, identity: Identity, subject: Subject) -> Endings:
    """Where their sessions ended as far as this device knows: offline that is all there is."""
    book = SessionBook(identity.trust, subject.covers)
    book.add_own(store)
    return book.endings()


def asked_endings(
    store: DeviceStore, identity: Identity, http: HttpClient, token: bytes, subject: Subject, *, before_ms: int | None
) -> tuple[Endings, int]:
    """Where their sessions ended by what the relay has, verified here; how many of its records did not verify.

    Args:
        store: this device's: what it knows counts too, unless a time is asked for, which it has not noted.
        identity: who this device is.
        http: the relay.
        token: of this device.
        subject: whose sessions.
        before_ms: where they ended at this time, by the relay's clock.

    Raises:
        RemoteError: the relay does not answer.
        PeerError: its answer is none.
    """
    book = SessionBook(identity.trust, subject.covers)
    if before_ms is None:
        book.add_own(store)
    unsound = book.add_told(*told_sessions(http, token, subject.id, before_ms=before_ms))
    return book.endings(), unsound


def revoke(
    recorder: Recorder,
    identity: Identity,
    by: Authority,
    subject: Subject,
    endings: Endings,
    *,
    reason: RevocationReason,
    now_ms: int,
) -> Hash:
    """Sign the revocation and put it on the organisation's control stream.

    Returns:
        The hash of the signed record.
    """
    assert len(endings.cuts) <= CUTS_MAX, "endings are bounded"
    signed = issue_revocation(
        Revocation(
            organisation=identity.root.value.organisation,
            issuer=by.issuer,
            cuts=endings.cuts,
            reason=reason,
            issued_ms=now_ms,
            device=subject.device,
            user=subject.user,
        ),
        by.signer,
    )
    batch = recorder.begin()
    batch.organisation_control(Revoke(record=signed.wire))
    recorder.write(batch)
    return signed.hash


def subject_of(chosen: Sequence[Member], *, user: bool, again: bool) -> Subject:
    """The device, or the user, that the chosen ones have in common.

    Args:
        chosen: one at least.
        user: whether the user is meant.
        again: whether one that is revoked may be revoked again, with earlier cuts: all that are signed bind.

    Raises:
        RefusedError: it is revoked already, all of it.
    """
    first = chosen[0]
    if not again and not any(one.trusted for one in chosen):
        raise RefusedError(
            "revoked_already",
            expected="a device or user that is trusted",
            got=f"user {first.user.short}, revoked" if user else f"device {first.device.short}, revoked",
            do="nothing; to cut earlier than was cut, name the time with --since",
        )
    return Subject(device=None if user else first.device, user=first.user if user else None, chosen=tuple(chosen))


def check_since(since_ms: int | None, now_ms: int) -> None:
    """Check a time from which on nothing is trusted.

    Raises:
        InputError: it is yet to come.
    """
    if since_ms is not None and since_ms > now_ms:
        raise InputError("since", expected="a time that has passed", got="one to come", do="leave --since out")
