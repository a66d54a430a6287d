"""Findings: what a verification of chains and logs found, each with the place and the evidence.

Owns the words. `Severity.DAMAGE` says that something was changed, removed, forked or denied, and a check that meets it
fails; `Severity.NOTICE` says what a compliance officer should know and what honest devices may cause: a wrong clock, a
device that was not heard of for long, an entry that is known of and has not come, a control record whose author had
not heard that it may not say so any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sync_protocol.ids import DeviceId, SessionId


class Severity(StrEnum):
    """Whether a check fails because of it."""

    DAMAGE = "damage"
    NOTICE = "notice"


class FindingKind(StrEnum):
    """What was found."""

    FORGED = "forged"
    """A signature, path, body or record does not hold: edited, inserted or re-ordered."""
    GAP = "gap"
    """An entry or seal is missing inside a chain, or one that a receipt or a peer's head covers."""
    FORK = "fork"
    """One device session wrote two histories."""
    TIME_TRAVEL = "time_travel"
    """A session's clock claims that a later entry was written before an earlier one."""
    UNTRUSTED = "untrusted"
    """Signed by somebody who does not chain to the organisation's root."""
    MISSING_LEAF = "missing_leaf"
    """The log has a leaf whose entry is not there, or an entry that is in no leaf though it was receipted."""
    LOG_DIFFERS = "log_differs"
    """The log's tiles do not make the root of its signed checkpoint."""
    RELAY_SPLIT = "relay_split"
    """The relay signed two roots for one size."""
    RELAY_DENIED = "relay_denied"
    """Shown a checkpoint that it had signed, the relay answered with one that does not contain it."""
    RELAY_REWROTE = "relay_rewrote"
    """Two receipts put different entries at one place of the log."""
    FOREIGN_CHECKPOINT = "foreign_checkpoint"
    """A checkpoint of another log, or signed by another key than the relay's."""
    DAMAGED = "damaged"
    """A file that is not what its maker wrote."""
    SKEW = "skew"
    """Two clocks disagree: an entry is dated before one that it follows."""
    UNSEEN_DEVICE = "unseen_device"
    """A device's chain was not heard of for longer than policy allows."""
    AWAITED = "awaited"
    """Known of, and not come yet."""
    DESTROYED = "destroyed"
    """Bodies that the holder destroyed, as the chart's own signed records say; their headers are here and verify."""
    CONTROL_REFUSED = "control_refused"
    """A control record that is kept and does not count: its author may not say it, or had not heard that it may not."""


_NOTICES: Final = frozenset(
    {
        FindingKind.SKEW,
        FindingKind.UNSEEN_DEVICE,
        FindingKind.AWAITED,
        FindingKind.DESTROYED,
        FindingKind.CONTROL_REFUSED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding.

    Attributes:
        device, session, seq: where; None where it is no device's.
        evidence: what shows it, as words and numbers for JSON; hashes and records in hexadecimal.
    """

    kind: FindingKind
    device: DeviceId | None = None
    session: SessionId | None = None
    seq: int | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """Whether a check fails because of it."""
        return Severity.NOTICE if self.kind in _NOTICES else Severity.DAMAGE

    def to_json(self) -> dict[str, object]:
        """The stable form: kind, severity, device, session, seq, evidence."""
        return {
            "kind": self.kind.value,
            "severity": self.severity.value,
            "device": None if self.device is None else str(self.device),
            "session": None if self.session is None else str(self.session),
            "seq": self.seq,
            "evidence": dict(self.evidence),
        }
