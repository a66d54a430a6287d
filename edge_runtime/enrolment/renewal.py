"""Renewing certificates: an administrator prolongs, and the renewed device takes its new certificate over.

Owns who may renew whom, and the way back for a device whose certificate has ended: it goes on writing, and the relay,
which syncs with it no more, still hands out its renewal at the enrolment desk. A renewal changes nothing but the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from edge_runtime.enrolment.answers import read_wires
from edge_runtime.enrolment.newcomer import certified
from edge_runtime.enrolment.organisation import require_administrator
from edge_runtime.enrolment.register import Member
from edge_runtime.errors import RefusedError
from edge_runtime.identity import Entropy, Identity, stored_root_keys
from edge_runtime.recorder.record import Recorder
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.sync.renewing import take_over
from edge_runtime.transports.http import HttpClient
from sync_protocol.certificates import Certificate, issue
from sync_protocol.control import Certify
from sync_protocol.ids import CertificateHash, Hash
from sync_protocol.limits import CERTIFICATES_MAX, SEAL_ENTRIES_MAX
from sync_protocol.signed import Signed, Verified
from sync_protocol.signing import HybridSigningKey

DAY_MS: Final = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Renewed:
    """What became of a request to renew.

    Attributes:
        made: the new certificates.
        left: who was not renewed, and why.
    """

    made: tuple[Verified[Certificate], ...]
    left: tuple[tuple[Member, str], ...]


def renew(
    recorder: Recorder, identity: Identity, store: DeviceStore, chosen: Sequence[Member], *, days: int, now_ms: int
) -> Renewed:
    """Prolong certificates, all in one change. Administrators renew others; themselves only by the root's keys.

    Raises:
        RefusedError: this device may not enrol others.
    """
    administrator = require_administrator(identity)
    root = stored_root_keys(store)
    made: list[Verified[Certificate]] = []
    left: list[tuple[Member, str]] = []
    for one in chosen:
        until_ms = now_ms + days * DAY_MS
        why = _why_not(one, until_ms, alone=one.principal == identity.principal and root is None)
        if why is not None:
            left.append((one, why))
        elif one.principal == identity.principal:
            assert root is not None, "nobody renews itself"
            made.append(_renewal(one, Hash(identity.root.hash), root, now_ms, until_ms))
        else:
            made.append(_renewal(one, Hash(identity.principal), administrator, now_ms, until_ms))
    for start in range(0, len(made), SEAL_ENTRIES_MAX):
        _record(recorder, identity, made[start : start + SEAL_ENTRIES_MAX])
    return Renewed(tuple(made), tuple(left))


def _why_not(one: Member, until_ms: int, *, alone: bool) -> str | None:
    """Why a certificate is not renewed; None where it is."""
    if not one.trusted:
        return "revoked"
    if one.certificate.not_after_ms >= until_ms:
        return "good for longer already"
    return "another administrator, or the root's keys, must renew this device" if alone else None


def _renewal(one: Member, issuer: Hash, signer: HybridSigningKey, now_ms: int, until_ms: int) -> Verified[Certificate]:
    prolonged = replace(
        one.certificate, issuer=issuer, issued_ms=now_ms, not_after_ms=until_ms, renews=CertificateHash(one.principal)
    )
    return issue(prolonged, signer)


def _record(recorder: Recorder, identity: Identity, made: Iterable[Verified[Certificate]]) -> None:
    batch = recorder.begin()
    admitted = [identity.trust.admit(Signed(Certificate, one.wire)) for one in made]
    for one in admitted:
        batch.organisation_control(Certify(certificate=one.wire))

    def finish(writer: DeviceWriter) -> None:
        for one in admitted:
            writer.put_certificate(one)

    recorder.write(batch, also=finish)


def fetch_renewal(store: DeviceStore, identity: Identity, http: HttpClient, *, now_ms: int, entropy: Entropy) -> None:
    """Where this device's certificate has ended, ask the relay's enrolment desk for a renewal and use it.

    Raises:
        RefusedError: nobody has renewed it, so the relay would not sync with it.
        RemoteError: the relay does not answer.
        PeerError: what it hands out is no certificate of the organisation.
    """
    own = identity.certificate
    take_over(store, identity, now_ms=now_ms, entropy=entropy)
    if _good(identity, now_ms):
        return
    answer = certified(http, own.device, own.user)
    for wire in () if answer is None else read_wires(answer, items_max=CERTIFICATES_MAX):
        identity.trust.admit(Signed(Certificate, wire))
    take_over(store, identity, now_ms=now_ms, entropy=entropy)
    if not _good(identity, now_ms):
        raise RefusedError(
            "certificate_ended",
            expected="a certificate that has not ended; the relay syncs with no other",
            got=f"one that ended {(now_ms - identity.certificate.not_after_ms) // DAY_MS} days ago, by this clock",
            do=f"have an administrator run 'fieldward device renew {own.device.short}', then sync again; until then "
            "this device goes on writing, and nothing is lost",
        )


def _good(identity: Identity, now_ms: int) -> bool:
    return identity.certificate.not_after_ms >= now_ms
