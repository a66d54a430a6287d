"""Losing a phone that reads many charts: what the rotation of keys costs at once, and a chart at its next write.

The phone belongs to two teams of 25, and every chart is shared with both. The organisation has a recovery key and a
break-glass desk, so each new epoch is wrapped to the teams, to whoever made the chart, to recovery, and behind glass.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

from benchmarks.devices import Practice, observation, practice
from benchmarks.measuring import Case, Options, Report, Series
from edge_runtime.enrolment.organisation import YEAR_MS
from edge_runtime.facts import Content
from edge_runtime.identity import ORGANISATION_KEYS, DeviceKeys
from edge_runtime.runtime import clock, entropy
from edge_runtime.store.uploads import UploadState
from sync_protocol.certificates import Certificate, issue
from sync_protocol.control import Certify, Control, unpack_control
from sync_protocol.emergency_records import (
    AnnounceBreakGlass,
    AnnounceRecovery,
    BreakGlassRecord,
    RecoveryRecord,
    issue_break_glass,
    issue_recovery,
)
from sync_protocol.ids import CertificateHash, ChartId, DeviceId, Hash, UserId
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.limits import HASH_BYTES, ID_BYTES, WRAP_BYTES
from sync_protocol.revocation import Revocation, RevocationReason, Revoke, issue_revocation
from sync_protocol.roles import Compartment, Role
from sync_protocol.signing import HybridSigningKey, SigningKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_runtime.runtime import Runtime
    from sync_protocol.entries import VerifiedEntry

_CHARTS: Final = 1000
_TEAM: Final = 25
_CARE: Final = frozenset({Compartment.SAFETY, Compartment.CLINICAL, Compartment.AUDIT})


def run(options: Options) -> Report:
    """Measure."""
    with practice(options.scratch) as clinic:
        physician = clinic.device("physician")
        phone, others = _certify(clinic), [_certify(clinic) for _ in range(2 * (_TEAM - 2))]
        _announce(clinic)
        _carry(clinic.administrator, physician)
        charts = _share(physician, phone, others, options.size(_CHARTS, 20))
        document = physician.charts.open(charts[0]).membership.chart_document
        assert document is not None, "a chart has its document"
        revoked = clinic.administrator.store.size()
        _revoke(clinic, phone)
        _carry(clinic.administrator, physician)
        revocation = [a.entry for a in physician.store.arrivals(after=revoked, limit=9) if _is_revoke(a.entry)]
        first, took_first = _write(physician, charts[0])
        control = physician.identity.root.value.control
        at_once = [*revocation, *(entry for entry in first if entry.header.stream == control)]
        later = [_write(physician, chart) for chart in charts[1:]]
        ordinary = [_write(physician, chart)[1] for chart in charts[1:]]
    rotations = [_bytes(_control(written)) for written, _ in [(first, took_first), *later]]
    case = Case(
        name="the first write in a chart after the loss",
        series=Series("ms", [[took for _, took in later]]),
        baseline="the next write there",
        against=Series("ms", [ordinary]),
    )
    facts: dict[str, str | int | float] = {
        "charts": len(charts),
        "teams": 2,
        "members a team": _TEAM,
        "bytes at once": _bytes(at_once),
        "bytes a chart at its next write, at most": max(rotations),
        "bytes a chart, the entry itself included": max(_bytes(written) for written, _ in later),
    }
    return Report(cases=[case], facts=facts)


def _certify(clinic: Practice) -> CertificateHash:
    """A colleague's certificate; nobody here needs the device itself."""
    identity, keys, now_ms = clinic.administrator.identity, DeviceKeys.make(entropy, administrator=False), clock()
    assert identity.keys.administrator is not None, "administrators sign certificates"
    issued = issue(
        Certificate(
            organisation=identity.root.value.organisation,
            device=DeviceId(entropy(ID_BYTES)),
            user=UserId(entropy(ID_BYTES)),
            role=Role.NURSE,
            ed25519=keys.signer.public,
            wrap=bytes(keys.wrap.public),
            issuer=Hash(identity.name),
            issued_ms=now_ms,
            not_after_ms=now_ms + YEAR_MS,
            ml_dsa=None,
            renews=None,
        ),
        identity.keys.administrator,
    )
    identity.trust.restore(issued)
    _say(clinic.administrator, Certify(certificate=issued.wire))
    with clinic.administrator.store.writing() as writer:
        writer.put_certificate(issued)
    return CertificateHash(issued.hash)


def _announce(clinic: Practice) -> None:
    """A recovery key and a desk, by the root's word."""
    device = clinic.administrator
    seed = device.store.get_value(ORGANISATION_KEYS)
    assert seed is not None, "the founder holds the root"
    root, now_ms = HybridSigningKey(seed), clock()
    public, signer = bytes(WrapPrivateKey(entropy(HASH_BYTES)).public), SigningKey(entropy(HASH_BYTES)).public
    glass = BreakGlassRecord(
        organisation=device.identity.root.value.organisation,
        desk=public,
        desk_signer=signer,
        token=bytes(WrapPrivateKey(entropy(HASH_BYTES)).public),
        addresses=(),
        issued_ms=now_ms,
    )
    recovery = RecoveryRecord(
        organisation=glass.organisation,
        wrap=public,
        signer=signer,
        threshold=3,
        shares=5,
        drill=public,
        canary=ChartId(entropy(ID_BYTES)),
        canary_wrap=bytes(WRAP_BYTES),
        canary_body=b"canary",
        issued_ms=now_ms,
        root_escrow=None,
    )
    _say(device, AnnounceBreakGlass(record=issue_break_glass(glass, root).wire))
    _say(device, AnnounceRecovery(record=issue_recovery(recovery, root).wire))


def _share(device: Runtime, phone: CertificateHash, others: list[CertificateHash], count: int) -> list[ChartId]:
    """Two teams with the phone in both, and charts shared with both."""
    batch = device.recorder.begin()
    half = len(others) // 2
    teams = [batch.create_team(_CARE), batch.create_team(_CARE)]
    for team, members in zip(teams, (others[:half], others[half:]), strict=True):
        for name in (phone, *members):
            batch.add_to_team(team, name)
    device.recorder.write(batch)
    charts = []
    for _ in range(count):
        chart, _ = device.charts.create((), workflow=None)
        for team in teams:
            device.access.share_with_team(chart, team)
        _write(device, chart)
        charts.append(chart)
    return charts


def _revoke(clinic: Practice, phone: CertificateHash) -> None:
    identity = clinic.administrator.identity
    certificate = identity.trust.certificate(phone)
    assert certificate is not None, "it was certified here"
    assert identity.keys.administrator is not None, "administrators sign revocations"
    revocation = Revocation(
        organisation=identity.root.value.organisation,
        issuer=Hash(identity.principal),
        cuts={},
        reason=RevocationReason.LOST,
        issued_ms=clock(),
        device=certificate.value.device,
        user=None,
    )
    signed = issue_revocation(revocation, identity.keys.administrator)
    _say(clinic.administrator, Revoke(record=signed.wire))


def _write(device: Runtime, chart: ChartId) -> tuple[tuple[VerifiedEntry, ...], float]:
    """One observation; what was written, and the milliseconds that it took."""
    membership = device.keyring.membership(chart)
    assert membership is not None, "the chart is here"
    began = perf_counter()
    batch = device.recorder.begin()
    batch.content(chart, membership.chart_document, Compartment.CLINICAL, Content(facts=(observation(1),), text=None))
    return device.recorder.write(batch), (perf_counter() - began) * 1000


def _say(device: Runtime, record: Control) -> None:
    batch = device.recorder.begin()
    batch.organisation_control(record)
    device.recorder.write(batch)


def _carry(source: Runtime, target: Runtime) -> None:
    """Bring everything that one device has to another, as a sync would."""
    with target.store.writing() as writer:
        for certificate in source.store.certificates():
            writer.put_certificate(certificate)
            target.identity.trust.restore(certificate)
        writer.put_session(source.identity.session)
        for seal in source.store.seals_from(source.identity.session.value.session, 0, limit=1 << 20):
            writer.put_seal(seal)
        entries = [arrived.entry for arrived in source.store.arrivals(after=0, limit=1 << 20)]
        writer.append(entries, state=UploadState.RECEIPTED)


def _is_revoke(entry: VerifiedEntry) -> bool:
    return entry.header.epoch is None and isinstance(unpack_control(entry.body), Revoke)


def _control(entries: Iterable[VerifiedEntry]) -> list[VerifiedEntry]:
    """The chart's control entries among some: those that stand under no epoch, and say nothing to the organisation."""
    found = [entry for entry in entries if entry.header.epoch is None]
    streams = {entry.header.stream for entry in entries if entry.header.epoch is None and entry.header.chart_heads}
    return [entry for entry in found if entry.header.stream in streams]


def _bytes(entries: Iterable[VerifiedEntry]) -> int:
    """As they travel: header, body, and path in the seal."""
    return sum(len(e.wire.header) + len(e.wire.body) + HASH_BYTES * len(e.wire.path) for e in entries)
