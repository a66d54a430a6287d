"""What one meeting with another device did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from edge_runtime.blobs.fetching import BlobReport
from sync_protocol.errors import ExplainedError
from sync_protocol.ids import CertificateHash, DeviceId, UserId
from sync_protocol.roles import Role

PEER_UNSOUND: Final = "peer_sent_unsound_entries"
"""The other handed over what nobody signed so, or what is no record: its program or its owner is not honest."""
REFUSALS_KEPT: Final = 100


@dataclass(slots=True)
class MeetingReport:
    """What one meeting did, as it goes on.

    Attributes:
        peer: the other's certificate, once it proved who it is; role, device and user stand in it.
        expired: whether that certificate has ended.
        received: entries that are new on this device, and in how many streams and charts.
        sent: entries that were handed over.
        at_peer: those of them that were on this device only, and are at the other now as well.
        notes: checkpoints of the relay that the other showed.
        rounds: how often both compared.
        refusals: what did not verify, may not stand where it claims, or lacks what it hangs on; none of it was stored.
        refused: the first reasons.
        more: whether a limit left something for the next meeting.
        complete: whether it came to its end.
        alarms: what a person must hear of.
        blobs: what was done with attachments.
        stopped: what the budget had no more of, "time" or "bytes", where that ended the meeting; more waits then.
    """

    peer: CertificateHash | None = None
    role: Role | None = None
    device: DeviceId | None = None
    user: UserId | None = None
    expired: bool = False
    received: int = 0
    streams: int = 0
    charts: int = 0
    sent: int = 0
    at_peer: int = 0
    notes: int = 0
    rounds: int = 0
    refusals: int = 0
    refused: list[ExplainedError] = field(default_factory=list)
    blobs: BlobReport = field(default_factory=BlobReport)
    more: bool = False
    complete: bool = False
    stopped: str | None = None
    alarms: list[str] = field(default_factory=list)

    def refuse(self, error: ExplainedError) -> None:
        """Count a refusal, and keep its reason while there is room."""
        self.refusals += 1
        if len(self.refused) < REFUSALS_KEPT:
            self.refused.append(error)

    def alarm(self, code: str) -> None:
        """Keep an alarm, once."""
        if code not in self.alarms:
            self.alarms.append(code)
