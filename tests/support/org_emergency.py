"""What the root says for emergencies, in the in-memory organisation: a desk, a token, a recovery key."""

from __future__ import annotations

from functools import cache

from sync_protocol.emergency_records import (
    AnnounceBreakGlass,
    AnnounceRecovery,
    BreakGlassRecord,
    GrantRecovered,
    RecoveryRecord,
    RunRecovery,
    grant_recovered,
    issue_break_glass,
    issue_recovery,
)
from sync_protocol.ids import CertificateHash, ChartId, Hash
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.limits import WRAP_BYTES
from sync_protocol.signing import SigningKey
from tests.support.org_world import Actor, OrgWorld

SIGNER = SigningKey(b"s" * 32)
_SIGNED: dict[object, tuple[bytes, Hash]] = {}
"""Signatures made once: ML-DSA draws its own randomness, and a test must be the same each time it runs."""


@cache
def _wrap_key(mark: bytes) -> bytes:
    return bytes(WrapPrivateKey(mark * 32).public)


def announce_recovery(world: OrgWorld, by: Actor, *, issued_ms: int = 7, by_root: bool = True) -> Hash:
    """Announce a recovery key, signed by the root or by another; return its record's hash."""
    key = world.people.root_key if by_root else OrgWorld.make(2).people.root_key
    record = RecoveryRecord(
        organisation=world.people.root.value.organisation,
        wrap=_wrap_key(b"w"),
        signer=SIGNER.public,
        threshold=3,
        shares=5,
        drill=_wrap_key(b"d"),
        canary=ChartId(b"c" * 16),
        canary_wrap=bytes(WRAP_BYTES),
        canary_body=b"body",
        issued_ms=issued_ms,
    )
    name = ("recovery", key.public.ed25519, issued_ms, record.organisation)
    if name not in _SIGNED:
        signed = issue_recovery(record, key)
        _SIGNED[name] = signed.wire, Hash(signed.hash)
    wire, found = _SIGNED[name]
    by.write(AnnounceRecovery(record=wire))
    return found


def announce_glass(world: OrgWorld, by: Actor, *, issued_ms: int = 7, by_root: bool = True) -> Hash:
    """Announce a desk and a token, signed by the root or by another; return their record's hash."""
    key = world.people.root_key if by_root else OrgWorld.make(2).people.root_key
    record = BreakGlassRecord(
        organisation=world.people.root.value.organisation,
        desk=_wrap_key(b"k"),
        desk_signer=SIGNER.public,
        token=_wrap_key(b"t"),
        addresses=("https://desk.example",),
        issued_ms=issued_ms,
    )
    name = ("glass", key.public.ed25519, issued_ms, record.organisation)
    if name not in _SIGNED:
        signed = issue_break_glass(record, key)
        _SIGNED[name] = signed.wire, Hash(signed.hash)
    wire, found = _SIGNED[name]
    by.write(AnnounceBreakGlass(record=wire))
    return found


def run(recovery: Hash, *, drill: bool = False) -> RunRecovery:
    """The recovery key is about to be put together."""
    return RunRecovery(recovery=recovery, drill=drill, nonce=bytes(16))


def recovered(recovery: Hash, name: CertificateHash, signer: SigningKey = SIGNER) -> GrantRecovered:
    """A grant by whoever put the recovery key together."""
    return grant_recovered(recovery, name, signer)
