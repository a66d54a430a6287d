"""Control records: what the relay must understand in order to route, and members in order to choose keys.

They are bodies of entries in the organisation's or a chart's control stream, plain to the relay: ids, roles and keys,
no names and no free text. A chart's id is derived from its creator and a nonce, and its streams from the chart, so that
nobody can lay claim to another's stream and no record can contradict another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sync_protocol.chart_records import (
    AddTeam,
    Adopt,
    AskKeys,
    ConfirmPurge,
    Preload,
    ProposePurge,
    RemoveMember,
    RemoveTeam,
    SetConsent,
    SetHold,
)
from sync_protocol.emergency_records import (
    AnnounceBreakGlass,
    AnnounceRecovery,
    BreakGlass,
    CloseBreakGlass,
    GrantRecovered,
    RunRecovery,
)
from sync_protocol.encoding import decode, encode
from sync_protocol.errors import malformed, over_limit
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, Hash, InvitationId, StreamId
from sync_protocol.labels import Label
from sync_protocol.limits import (
    BODY_BYTES_MAX,
    BREAK_GLASS_WRAP_BYTES,
    HASH_BYTES,
    ID_BYTES,
    RECORD_BYTES_MAX,
    WALL_MS_MAX,
    WRAPS_MAX,
)
from sync_protocol.records import choice, flag, from_map, identifier, key, octets, optional, ordered, pack, to_map, uint
from sync_protocol.revocation import Revoke
from sync_protocol.roles import Compartment, Role
from sync_protocol.team_records import (
    TEAM_KINDS,
    WRAPS,
    AddToTeam,
    CreateTeam,
    MintTeamEpoch,
    RemoveFromTeam,
    RewrapTeam,
    Wraps,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceRelay:
    """The relay's record, signed by the root. Organisation's control stream."""

    record: bytes = key(1, octets(1, RECORD_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Certify:
    """A device's certificate, signed by its issuer. Organisation's control stream."""

    certificate: bytes = key(1, octets(1, RECORD_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """A one-time invitation. Organisation's control stream.

    Attributes:
        proof: hash of the proof that a request must show; the secret behind it never meets the relay.
    """

    invitation: InvitationId = key(1, identifier(InvitationId))
    role: Role = key(2, choice(Role))
    expires_ms: int = key(3, uint(WALL_MS_MAX))
    proof: Hash = key(4, identifier(Hash))


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRole:
    """From here on a principal acts in another role, by an administrator's word. Organisation's control stream.

    Neither to nor from the administrators' role, which is bound to the keys of the certificate. Of two changes of which
    neither saw the other, both bind: what either forbids is forbidden.
    """

    certificate: CertificateHash = key(1, identifier(CertificateHash))
    role: Role = key(2, choice(Role))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateChart:
    """The first record of a chart: its creator is its first member. Chart's control stream.

    Attributes:
        nonce: 16 random bytes; with the author's certificate they make the chart's id.
        document: the chart document.
    """

    nonce: bytes = key(1, octets(ID_BYTES, ID_BYTES))
    document: DocumentId = key(2, identifier(DocumentId))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDocument:
    """A further document of the chart. Chart's control stream."""

    document: DocumentId = key(1, identifier(DocumentId))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMember:
    """A principal that may read some compartments of the chart, and write. Chart's control stream.

    Attributes:
        from_now_on: it gets no key of what was written before.
    """

    certificate: CertificateHash = key(1, identifier(CertificateHash))
    compartments: tuple[Compartment, ...] = key(2, ordered(choice(Compartment), len(Compartment)))
    from_now_on: bool | None = key(3, optional(flag()))


@dataclass(frozen=True, slots=True, kw_only=True)
class MintEpoch:
    """A new key for one compartment, wrapped to each recipient. Chart's control stream.

    Attributes:
        parents: the newest epochs of the compartment that the minter knew.
        commitment: binds key, minter and what the minter had seen.
        nonce: 32 random bytes inside the commitment.
        wraps: to principals, teams' epochs and recovery.
        break_glass: the key wrapped to the facility's token, and that to the desk, where the organisation has these.
    """

    compartment: Compartment = key(1, choice(Compartment))
    parents: tuple[EntryHash, ...] = key(2, ordered(identifier(EntryHash), WRAPS_MAX))
    commitment: Hash = key(3, identifier(Hash))
    nonce: bytes = key(4, octets(HASH_BYTES, HASH_BYTES))
    wraps: Wraps = key(5, WRAPS)
    break_glass: bytes | None = key(6, optional(octets(BREAK_GLASS_WRAP_BYTES, BREAK_GLASS_WRAP_BYTES)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrap:
    """An existing epoch's key, wrapped to further recipients: history for a new member. Chart's control stream.

    Attributes:
        break_glass: for emergencies, where the epoch was minted before the organisation had a desk.
    """

    epoch: EntryHash = key(1, identifier(EntryHash))
    wraps: Wraps = key(2, WRAPS)
    break_glass: bytes | None = key(3, optional(octets(BREAK_GLASS_WRAP_BYTES, BREAK_GLASS_WRAP_BYTES)))


Control = (
    AnnounceRelay
    | Certify
    | Invite
    | CreateChart
    | CreateDocument
    | AddMember
    | MintEpoch
    | Rewrap
    | Revoke
    | SetRole
    | CreateTeam
    | AddToTeam
    | RemoveFromTeam
    | MintTeamEpoch
    | RewrapTeam
    | AnnounceBreakGlass
    | AnnounceRecovery
    | RunRecovery
    | AddTeam
    | RemoveMember
    | RemoveTeam
    | Adopt
    | SetConsent
    | BreakGlass
    | CloseBreakGlass
    | AskKeys
    | Preload
    | SetHold
    | ProposePurge
    | ConfirmPurge
    | GrantRecovered
)

TAGS: Final[dict[int, type[Control]]] = {
    1: AnnounceRelay,
    2: Certify,
    3: Invite,
    4: CreateChart,
    5: CreateDocument,
    6: AddMember,
    7: MintEpoch,
    8: Rewrap,
    9: Revoke,
    10: SetRole,
    11: CreateTeam,
    12: AddToTeam,
    13: RemoveFromTeam,
    14: MintTeamEpoch,
    15: RewrapTeam,
    16: AnnounceBreakGlass,
    17: AnnounceRecovery,
    18: RunRecovery,
    19: AddTeam,
    20: RemoveMember,
    21: RemoveTeam,
    22: Adopt,
    23: SetConsent,
    24: BreakGlass,
    25: CloseBreakGlass,
    26: AskKeys,
    27: Preload,
    28: SetHold,
    29: ProposePurge,
    30: ConfirmPurge,
    31: GrantRecovered,
}
"""Wire tags; appended, never reused."""
_TAG_OF: Final = {kind: tag for tag, kind in TAGS.items()}
ORGANISATION_KINDS: Final = (
    AnnounceRelay,
    Certify,
    Invite,
    Revoke,
    SetRole,
    AnnounceBreakGlass,
    AnnounceRecovery,
    RunRecovery,
    GrantRecovered,
    *TEAM_KINDS,
)
"""What stands in the organisation's control stream; everything else stands in a chart's."""
BY_MEMBERS: Final = (*TEAM_KINDS, RunRecovery, GrantRecovered)
"""What others than administrators may write there."""


@dataclass(frozen=True, slots=True)
class UnknownControl:
    """A control record of a newer version: kept and passed on, not acted upon."""

    tag: int


def pack_control(record: Control) -> bytes:
    """Encode a control record as an entry's body, checked as its readers will check it.

    Raises:
        LimitError: a field or the whole over its limit.
        MisuseError: a value that its field cannot carry.
    """
    pack(record)
    body = encode([_TAG_OF[type(record)], to_map(record)])
    if len(body) > BODY_BYTES_MAX:
        raise over_limit("a control record", BODY_BYTES_MAX, len(body), "bytes")
    return body


def unpack_control(body: bytes) -> Control | UnknownControl:
    """Decode a control entry's body.

    Raises:
        MalformedError: not a control record.
        LimitError: over a limit.
    """
    raw = decode(body, bytes_max=BODY_BYTES_MAX)
    if not isinstance(raw, list) or len(raw) != 2 or not isinstance(raw[0], int) or isinstance(raw[0], bool):  # noqa: PLR2004 a pair
        raise malformed("a control record as [tag, fields]", type(raw).__name__)
    kind = TAGS.get(raw[0])
    if kind is None:
        return UnknownControl(raw[0])
    return from_map(kind, raw[1])


def chart_id(creator: CertificateHash, nonce: bytes) -> ChartId:
    """The id of the chart that `creator` makes with `nonce`."""
    return ChartId(Hash.of(Label.CHART_ID.value + creator + nonce)[:ID_BYTES])


def control_stream(chart: ChartId) -> StreamId:
    """The chart's control stream."""
    return StreamId(Hash.of(Label.CONTROL_STREAM.value + chart)[:ID_BYTES])


def content_stream(chart: ChartId, document: DocumentId, compartment: Compartment) -> StreamId:
    """The stream of one compartment of one document."""
    return StreamId(Hash.of(Label.CONTENT_STREAM.value + chart + document + bytes([compartment]))[:ID_BYTES])


LEDGER_NONCE: Final = bytes(ID_BYTES)
"""The nonce of a device's ledger: a chart that is about no patient, so that its id follows from the certificate."""
LEDGER_DOCUMENT: Final = DocumentId(bytes(ID_BYTES))
"""The one document of a ledger; it holds the audit stream and nothing else."""


def ledger_id(certificate: CertificateHash) -> ChartId:
    """The ledger in which a device records what concerns no single chart."""
    return chart_id(certificate, LEDGER_NONCE)


def audit_stream(chart: ChartId, document: DocumentId) -> StreamId:
    """The audit stream of a chart, or of a ledger.

    Args:
        chart: which.
        document: the one that it was created with.
    """
    return content_stream(chart, document, Compartment.AUDIT)
