"""The organisation's recovery records and whom their shares let in: each of these is fed every chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sync_protocol.emergency_records import GrantRecovered, RecoveryRecord, check_recovered
from sync_protocol.errors import BrokenChainError
from sync_protocol.ids import CertificateHash, Hash
from sync_protocol.signed import Verified


@dataclass(frozen=True, slots=True)
class Recoveries:
    """What the root announced, and the grants under it, each with its log index."""

    records: Mapping[Hash, Verified[RecoveryRecord]] = field(default_factory=dict)
    grants: Mapping[tuple[Hash, CertificateHash], int] = field(default_factory=dict)

    @property
    def newest(self) -> Verified[RecoveryRecord] | None:
        """The record that counts: the newest, then the one of lowest hash."""
        ranked = sorted(self.records.values(), key=lambda record: (-record.value.issued_ms, record.hash))
        return ranked[0] if ranked else None

    @property
    def recovered(self) -> dict[CertificateHash, int]:
        """Who is fed every chart, and since when: until a newer record is announced."""
        newest = self.newest
        if newest is None:
            return {}
        return {name: index for (record, name), index in self.grants.items() if record == newest.hash}

    @property
    def ever(self) -> frozenset[CertificateHash]:
        """Who ever was: what they wrote offline is taken."""
        return frozenset(name for _, name in self.grants)

    def announced(self, record: Verified[RecoveryRecord]) -> Recoveries:
        """The same with a further record."""
        return replace(self, records={**self.records, record.hash: record})

    def granted(self, recovery: Hash, name: CertificateHash, index: int) -> Recoveries:
        """The same with a further grant; again is nothing."""
        return replace(self, grants={(recovery, name): index, **self.grants})

    def check(self, grant: GrantRecovered) -> None:
        """Check a grant's signature.

        Raises:
            BrokenChainError: the recovery record that it names is not here.
            ForgedError: that record's signer did not sign it.
        """
        record = self.records.get(grant.recovery)
        if record is None:
            raise BrokenChainError(
                "unknown_recovery",
                expected="a grant under a recovery record that is stored here",
                got=f"recovery record {grant.recovery.short}",
                do="send the recovery record first",
            )
        check_recovered(grant, record)
