"""The policy of a verification, and the list that its findings go to: bounded, while every one of them is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sync_protocol.errors import PeerError
from sync_protocol.findings import Finding, FindingKind, Severity
from sync_protocol.ids import DeviceId, RootHash, SessionId

_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 24 * 60 * _MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What an organisation lets pass.

    Attributes:
        root: the organisation's root, where it was learned out of band; None believes the root in the evidence.
        backwards_ms: how far a session's clock may run back, as clocks do that are set by the network.
        skew_ms: how far an entry may be dated before one that it follows, by two clocks.
        unseen_ms: for how long a device may be silent.
        findings_max: findings of each kind that are kept; all are counted. Of each, so that many of one hide no other.
    """

    root: RootHash | None = None
    backwards_ms: int = 2 * _MINUTE_MS
    skew_ms: int = 5 * _MINUTE_MS
    unseen_ms: int = 14 * _DAY_MS
    findings_max: int = 1000


class FindingList:
    """Takes findings; keeps the first of each kind, counts all."""

    def __init__(self, kept_max: int) -> None:
        """Keep at most `kept_max` of each kind."""
        self._kept_max = kept_max
        self._kept: dict[Severity, list[Finding]] = {severity: [] for severity in Severity}
        self._counts: Counter[FindingKind] = Counter()

    @property
    def kept(self) -> tuple[Finding, ...]:
        """Damage before notices, each in the order in which it was found."""
        return tuple(finding for severity in Severity for finding in self._kept[severity])

    @property
    def counts(self) -> Mapping[FindingKind, int]:
        """How many of each kind there were."""
        return dict(self._counts)

    @property
    def damage(self) -> int:
        """How many there were for which a check fails."""
        return sum(count for kind, count in self._counts.items() if Finding(kind=kind).severity is Severity.DAMAGE)

    def add(  # a place has three parts
        self,
        kind: FindingKind,
        *,
        device: DeviceId | None = None,
        session: SessionId | None = None,
        seq: int | None = None,
        error: PeerError | None = None,
        **evidence: object,
    ) -> None:
        """Take a finding.

        Args:
            kind: what was found.
            device: whose.
            session: which of its sessions.
            seq: the number in its chain.
            error: what a check said; its words become evidence.
            evidence: words, numbers and hashes; bytes are shown in hexadecimal, and what is None is left out.
        """
        if error is not None:
            evidence |= {"problem": error.code, "expected": error.expected, "got": error.got}
        shown = {name: _shown(value) for name, value in evidence.items() if value is not None}
        self.take(Finding(kind=kind, device=device, session=session, seq=seq, evidence=shown))

    def take_all(self, findings: Iterable[Finding]) -> None:
        """Take findings as they are."""
        for finding in findings:
            self.take(finding)

    def take(self, finding: Finding) -> None:
        """Take a finding as it is."""
        self._counts[finding.kind] += 1
        if self._counts[finding.kind] <= self._kept_max:
            self._kept[finding.severity].append(finding)


def _shown(value: object) -> object:
    """A value as JSON can carry it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [_shown(item) for item in value]
    return value
