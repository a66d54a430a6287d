"""The organisation's recovery records and whom their shares let in: each of these is fed every chart.

A grant counts only where its author had seen a run of the same recovery record that was no drill: nobody is let in
before it was said that the shares were brought together. It counts from where the log has both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from server.relay.rolls import Saw
from sync_protocol.emergency_records import GrantRecovered, RecoveryRecord, check_recovered
from sync_protocol.errors import BrokenChainError
from sync_protocol.ids import CertificateHash, EntryHash, Hash
from sync_protocol.signed import Verified


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A grant whose signature holds."""

    recovery: Hash
    name: CertificateHash
    entry: EntryHash


@dataclass(frozen=True, slots=True)
class Recoveries:
    """What the root announced, and what was done under it.

    Attributes:
        runs: the runs of each record that were no drills.
        grants: those that count, each with the log index since when.
        unannounced: those that had not seen a run: they only make sure that what was written is taken.
    """

    records: Mapping[Hash, Verified[RecoveryRecord]] = field(default_factory=dict)
    runs: Mapping[Hash, tuple[EntryHash, ...]] = field(default_factory=dict)
    grants: Mapping[tuple[Hash, CertificateHash], int] = field(default_factory=dict)
    unannounced: tuple[Grant, ...] = ()

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
        return frozenset(name for _, name in self.grants) | {grant.name for grant in self.unannounced}

    def announced(self, record: Verified[RecoveryRecord]) -> Recoveries:
        """The same with a further record."""
        return replace(self, records={**self.records, record.hash: record})

    def ran(self, recovery: Hash, entry: EntryHash, index: int, saw: Saw) -> Recoveries:
        """The same with a further run, which may be what a grant had seen that came here first."""
        found = replace(self, runs={**self.runs, recovery: (*self.runs.get(recovery, ()), entry)}, unannounced=())
        for grant in self.unannounced:
            found = found.granted(grant, index, saw)
        return found

    def granted(self, grant: Grant, index: int, saw: Saw) -> Recoveries:
        """The same with a further grant; again is nothing."""
        if any(saw(grant.entry, run) for run in self.runs.get(grant.recovery, ())):
            return replace(self, grants={(grant.recovery, grant.name): index, **self.grants})
        return replace(self, unannounced=(*self.unannounced, grant))

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
