"""What the root says for emergencies, and the records of using it: the break-glass desk, the recovery key.

The root alone names a desk, a token or a recovery key: whoever could name one could read charts by it, and an
administrator reads none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sync_protocol.certificates import Root, untrusted
from sync_protocol.errors import forged, malformed
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash, OrganisationId
from sync_protocol.labels import Label
from sync_protocol.limits import (
    ADDRESS_BYTES_MAX,
    ADDRESSES_MAX,
    CANARY_BYTES_MAX,
    ID_BYTES,
    RECORD_BYTES_MAX,
    RECOVERY_SHARES_MAX,
    WALL_MS_MAX,
    WRAP_BYTES,
    WRAP_KEY_BYTES,
)
from sync_protocol.public_keys import check_wrap_key
from sync_protocol.records import choice, flag, identifier, key, many, octets, optional, string, uint
from sync_protocol.signed import Signed, Verified, sign_hybrid
from sync_protocol.signing import (
    Ed25519Signature,
    HybridSigningKey,
    SigningKey,
    VerifyKey,
    check_verify_key,
    verify,
)

SHARES_OPENING_MIN: Final = 2
"""Fewer would leave the organisation's key with one person."""


class BreakGlassReason(StrEnum):
    """Why the glass was broken, as a word: the relay reads it. What else is to say is sealed in the audit entry."""

    UNCONSCIOUS = "unconscious"
    LIFE_THREAT = "life_threat"
    MASS_CASUALTY = "mass_casualty"
    TEAM_UNREACHABLE = "team_unreachable"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlassRecord:
    """Where the keys for emergencies are, signed by the root.

    Attributes:
        desk: the desk's X-Wing key: the outer layer of every epoch's break-glass wrap.
        desk_signer: the desk signs its answers with it.
        token: the facility's token's X-Wing key: the inner layer.
        addresses: where the desk answers.
    """

    organisation: OrganisationId = key(1, identifier(OrganisationId))
    desk: bytes = key(2, octets(WRAP_KEY_BYTES, WRAP_KEY_BYTES))
    desk_signer: VerifyKey = key(3, identifier(VerifyKey))
    token: bytes = key(4, octets(WRAP_KEY_BYTES, WRAP_KEY_BYTES))
    addresses: tuple[str, ...] = key(5, many(string(ADDRESS_BYTES_MAX), ADDRESSES_MAX))
    issued_ms: int = key(6, uint(WALL_MS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRecord:
    """The organisation's recovery key, signed by the root. The newest by `issued_ms` counts, then the lowest hash.

    Attributes:
        wrap: the X-Wing key to which every team's and chart's epoch is wrapped; its seed exists as shares only.
        signer: made of the same seed; signs `GrantRecovered`.
        threshold, shares: how many of how many shares open it; two at least, or one holder would hold the key.
        drill: the X-Wing key of drills, of another seed that is split in the same way and opens the canary alone.
        canary: the chart id under which the canary is sealed; no such chart exists.
        canary_wrap: the canary's key, wrapped to `drill` as a chart's epoch would be.
        canary_body: what a drill opens.
        root_escrow: the root's two seeds, sealed under a key that is derived from the recovery seed.
    """

    organisation: OrganisationId = key(1, identifier(OrganisationId))
    wrap: bytes = key(2, octets(WRAP_KEY_BYTES, WRAP_KEY_BYTES))
    signer: VerifyKey = key(3, identifier(VerifyKey))
    threshold: int = key(4, uint(RECOVERY_SHARES_MAX))
    shares: int = key(5, uint(RECOVERY_SHARES_MAX))
    drill: bytes = key(6, octets(WRAP_KEY_BYTES, WRAP_KEY_BYTES))
    canary: ChartId = key(7, identifier(ChartId))
    canary_wrap: bytes = key(8, octets(WRAP_BYTES, WRAP_BYTES))
    canary_body: bytes = key(9, octets(1, CANARY_BYTES_MAX))
    issued_ms: int = key(10, uint(WALL_MS_MAX))
    root_escrow: bytes | None = key(11, optional(octets(1, CANARY_BYTES_MAX)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceBreakGlass:
    """A `BreakGlassRecord` as the root signed it. Organisation's control stream."""

    record: bytes = key(1, octets(1, RECORD_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceRecovery:
    """A `RecoveryRecord` as the root signed it. Organisation's control stream."""

    record: bytes = key(1, octets(1, RECORD_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecovery:
    """The recovery key is about to be put together. Organisation's control stream, before the fact.

    Attributes:
        recovery: the hash of the recovery record.
        drill: only the canary will be opened, with the shares of drills.
        nonce: 16 random bytes.
    """

    recovery: Hash = key(1, identifier(Hash))
    drill: bool = key(2, flag())
    nonce: bytes = key(3, octets(ID_BYTES, ID_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRecovered:
    """Whoever put the recovery key together lets a principal into every chart, as its role reads and writes.

    It ends with the next recovery record, which is made after each use. Organisation's control stream.

    Attributes:
        signature: by the recovery record's `signer`, over `recovery` and `certificate`.
    """

    recovery: Hash = key(1, identifier(Hash))
    certificate: CertificateHash = key(2, identifier(CertificateHash))
    signature: Ed25519Signature = key(3, identifier(Ed25519Signature))


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass:
    """The author opens the chart in an emergency: the one record that its chart takes from who is no member.

    From here on the author is a member as its role allows, until a `CloseBreakGlass` that names this record. Chart's
    control stream.

    Attributes:
        kit: made without a network, on a kit that carries the inner wraps.
        nonce: 16 random bytes.
    """

    reason: BreakGlassReason = key(1, choice(BreakGlassReason))
    kit: bool = key(2, flag())
    nonce: bytes = key(3, octets(ID_BYTES, ID_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseBreakGlass:
    """A member, of another user than who broke it, has reviewed it; the access ends. Chart's control stream."""

    record: EntryHash = key(1, identifier(EntryHash))


def issue_break_glass(record: BreakGlassRecord, signer: HybridSigningKey) -> Verified[BreakGlassRecord]:
    """Sign it as root."""
    return sign_hybrid(record, signer, Label.BREAK_GLASS)


def open_break_glass(wire: bytes, root: Verified[Root]) -> Verified[BreakGlassRecord]:
    """Verify a break-glass record by the organisation's root.

    Raises:
        UntrustedError: another organisation.
        ForgedError: the root did not sign it.
        MalformedError: no such record, or keys in it to which nothing can be wrapped.
    """
    record = Signed(BreakGlassRecord, wire).verify_hybrid(root.value.keys, Label.BREAK_GLASS)
    _check_organisation(record.value.organisation, root)
    check_wrap_key(record.value.desk)
    check_wrap_key(record.value.token)
    return record


def issue_recovery(record: RecoveryRecord, signer: HybridSigningKey) -> Verified[RecoveryRecord]:
    """Sign it as root."""
    return sign_hybrid(record, signer, Label.RECOVERY)


def open_recovery(wire: bytes, root: Verified[Root]) -> Verified[RecoveryRecord]:
    """Verify a recovery record by the organisation's root.

    Raises:
        UntrustedError: another organisation.
        ForgedError: the root did not sign it, or the signer's key is one that no honest device makes.
        MalformedError: no such record, numbers of shares that cannot be, a key to which nothing can be wrapped, or one
            key for drills and the real thing.
    """
    record = Signed(RecoveryRecord, wire).verify_hybrid(root.value.keys, Label.RECOVERY)
    value = record.value
    _check_organisation(value.organisation, root)
    check_wrap_key(value.wrap)
    check_wrap_key(value.drill)
    check_verify_key(value.signer)
    if value.wrap == value.drill:
        raise malformed("another key for drills than the recovery key", "the same")
    if not SHARES_OPENING_MIN <= value.threshold <= value.shares:
        raise malformed(
            f"{SHARES_OPENING_MIN} shares or more that open the key, of those that there are",
            f"{value.threshold} of {value.shares}",
        )
    return record


def grant_recovered(recovery: Hash, certificate: CertificateHash, signer: SigningKey) -> GrantRecovered:
    """Sign a grant with the recovery key's signer."""
    signature = signer.sign(Label.RECOVERY_GRANT, recovery + certificate)
    return GrantRecovered(recovery=recovery, certificate=certificate, signature=signature)


def check_recovered(grant: GrantRecovered, recovery: Verified[RecoveryRecord]) -> None:
    """Check that a grant was signed under a recovery record.

    Raises:
        ForgedError: it names another record, or that record's signer did not sign it.
    """
    if grant.recovery != recovery.hash:
        raise forged("a grant under this recovery record", "one under another")
    verify(recovery.value.signer, Label.RECOVERY_GRANT, grant.recovery + grant.certificate, grant.signature)


def _check_organisation(found: OrganisationId, root: Verified[Root]) -> None:
    if found != root.value.organisation:
        raise untrusted("a record of this organisation", "one of another organisation")
