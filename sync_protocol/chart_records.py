"""Control records of charts beyond their making: who leaves, what is adopted, consents, retention, lost keys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sync_protocol.ids import CertificateHash, EntryHash, TeamId
from sync_protocol.limits import ADOPTED_MAX, ASKED_EPOCHS_MAX, WALL_MS_MAX
from sync_protocol.records import choice, flag, identifier, key, optional, ordered, uint
from sync_protocol.roles import Compartment


class Purpose(StrEnum):
    """What a consent is for."""

    TREATMENT = "treatment"
    RESEARCH = "research"
    AI_TRAINING = "ai_training"
    TELEMEDICINE = "telemedicine"


class PurgeReason(StrEnum):
    """Why a chart is to be destroyed, as a word: the relay reads it."""

    RETENTION_ENDED = "retention_ended"
    PATIENT_REQUEST = "patient_request"
    COURT_ORDER = "court_order"
    CREATED_IN_ERROR = "created_in_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTeam:
    """A team that may read some compartments of the chart, and write. Chart's control stream.

    Attributes:
        from_now_on: it gets no key of what was written before.
    """

    team: TeamId = key(1, identifier(TeamId))
    compartments: tuple[Compartment, ...] = key(2, ordered(choice(Compartment), len(Compartment)))
    from_now_on: bool | None = key(3, optional(flag()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMember:
    """A principal leaves the chart. It wins over an addition that did not see it. Chart's control stream."""

    certificate: CertificateHash = key(1, identifier(CertificateHash))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveTeam:
    """A team leaves the chart. It wins over an addition that did not see it. Chart's control stream."""

    team: TeamId = key(1, identifier(TeamId))


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """Quarantined entries that a reviewer vouches for. Chart's control stream.

    It counts for what the author may write itself, and for nobody's own entries. Refusing needs no record: it closes
    the review.
    """

    entries: tuple[EntryHash, ...] = key(1, ordered(identifier(EntryHash), ADOPTED_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class SetConsent:
    """What the patient permits, or no longer permits. Denial wins over a permission that did not see it."""

    purpose: Purpose = key(1, choice(Purpose))
    permitted: bool = key(2, flag())


@dataclass(frozen=True, slots=True, kw_only=True)
class AskKeys:
    """The author cannot open epochs that it should: nobody wrapped them to it, or the wraps are bad."""

    epochs: tuple[EntryHash, ...] = key(1, ordered(identifier(EntryHash), ASKED_EPOCHS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Preload:
    """A member lets a kit carry the chart, sealed, so that it can be opened there without a network."""

    certificate: CertificateHash = key(1, identifier(CertificateHash))


@dataclass(frozen=True, slots=True, kw_only=True)
class SetHold:
    """A legal hold begins or ends; while any is on, nothing of the chart is destroyed. By compliance officers."""

    held: bool = key(1, flag())


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePurge:
    """A member asks that the chart's content be destroyed.

    Attributes:
        not_before_ms: the end of the retention period.
    """

    reason: PurgeReason = key(1, choice(PurgeReason))
    not_before_ms: int = key(2, uint(WALL_MS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPurge:
    """A compliance officer, another user than who proposed it, agrees: keys and bodies are destroyed everywhere."""

    proposal: EntryHash = key(1, identifier(EntryHash))
