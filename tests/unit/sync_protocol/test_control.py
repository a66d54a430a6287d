"""Control records are plain, tagged, and cannot lay claim to what is another's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.chart_records import (
    AddTeam,
    Adopt,
    AskKeys,
    ConfirmPurge,
    Preload,
    ProposePurge,
    PurgeReason,
    Purpose,
    RemoveMember,
    RemoveTeam,
    SetConsent,
    SetHold,
)
from sync_protocol.control import (
    BY_MEMBERS,
    ORGANISATION_KINDS,
    TAGS,
    AddMember,
    AnnounceRelay,
    Certify,
    Control,
    CreateChart,
    CreateDocument,
    Invite,
    MintEpoch,
    Rewrap,
    SetRole,
    UnknownControl,
    chart_id,
    content_stream,
    control_stream,
    pack_control,
    unpack_control,
)
from sync_protocol.emergency_records import (
    AnnounceBreakGlass,
    AnnounceRecovery,
    BreakGlass,
    BreakGlassReason,
    CloseBreakGlass,
    GrantRecovered,
    RunRecovery,
)
from sync_protocol.encoding import encode
from sync_protocol.errors import LimitError, MalformedError, MisuseError, PeerError
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, Hash, InvitationId, TeamId
from sync_protocol.limits import BODY_BYTES_MAX, RECORD_BYTES_MAX, WRAP_BYTES, WRAP_KEY_BYTES, WRAPS_MAX
from sync_protocol.revocation import Revoke
from sync_protocol.roles import Compartment, Role
from sync_protocol.signing import Ed25519Signature
from sync_protocol.team_records import AddToTeam, CreateTeam, MintTeamEpoch, RemoveFromTeam, RewrapTeam

NAME = CertificateHash(b"c" * 32)
TEAM = TeamId(b"t" * 16)
WRAP = (NAME, b"w" * WRAP_BYTES)
SAMPLES: list[Control] = [
    AnnounceRelay(record=b"relay record"),
    Certify(certificate=b"certificate"),
    Invite(invitation=InvitationId(b"i" * 16), role=Role.NURSE, expires_ms=9, proof=Hash(b"p" * 32)),
    CreateChart(nonce=b"n" * 16, document=DocumentId(b"d" * 16)),
    CreateDocument(document=DocumentId(b"d" * 16)),
    AddMember(certificate=NAME, compartments=(Compartment.SAFETY, Compartment.CLINICAL)),
    MintEpoch(
        compartment=Compartment.SAFETY,
        parents=(EntryHash(b"e" * 32),),
        commitment=Hash(b"k" * 32),
        nonce=b"n" * 32,
        wraps=(WRAP,),
    ),
    Rewrap(epoch=EntryHash(b"e" * 32), wraps=(WRAP,)),
    Revoke(record=b"revocation"),
    SetRole(certificate=NAME, role=Role.PHYSICIAN),
    CreateTeam(nonce=b"n" * 16, compartments=(Compartment.SAFETY,)),
    AddToTeam(team=TEAM, certificate=NAME),
    RemoveFromTeam(team=TEAM, certificate=NAME),
    MintTeamEpoch(
        team=TEAM,
        parents=(),
        commitment=Hash(b"k" * 32),
        nonce=b"n" * 32,
        public=b"x" * WRAP_KEY_BYTES,
        wraps=(WRAP,),
    ),
    RewrapTeam(epoch=EntryHash(b"e" * 32), wraps=(WRAP,)),
    AnnounceBreakGlass(record=b"record"),
    AnnounceRecovery(record=b"record"),
    RunRecovery(recovery=Hash(b"r" * 32), drill=True, nonce=b"n" * 16),
    AddTeam(team=TEAM, compartments=(Compartment.SAFETY,), from_now_on=True),
    RemoveMember(certificate=NAME),
    RemoveTeam(team=TEAM),
    Adopt(entries=(EntryHash(b"a" * 32), EntryHash(b"b" * 32))),
    SetConsent(purpose=Purpose.RESEARCH, permitted=False),
    BreakGlass(reason=BreakGlassReason.UNCONSCIOUS, kit=False, nonce=b"n" * 16),
    CloseBreakGlass(record=EntryHash(b"g" * 32)),
    AskKeys(epochs=(EntryHash(b"e" * 32),)),
    Preload(certificate=NAME),
    SetHold(held=True),
    ProposePurge(reason=PurgeReason.COURT_ORDER, not_before_ms=9),
    ConfirmPurge(proposal=EntryHash(b"p" * 32)),
    GrantRecovered(recovery=Hash(b"r" * 32), certificate=NAME, signature=Ed25519Signature(b"s" * 64)),
]


@pytest.mark.parametrize("record", SAMPLES, ids=lambda record: type(record).__name__)
def test_every_kind_travels(record: Control):
    """What is packed is what is unpacked."""
    assert unpack_control(pack_control(record)) == record


def test_there_is_a_sample_of_every_kind():
    """And each stands in one control stream, the organisation's or a chart's."""
    assert [type(record) for record in SAMPLES] == list(TAGS.values())
    assert set(BY_MEMBERS) < set(ORGANISATION_KINDS) < set(TAGS.values())


@pytest.mark.parametrize("tag", [0, len(TAGS) + 1, 1 << 40, -1])
def test_a_newer_kind_is_kept_and_not_acted_upon(tag: int):
    """Whatever its fields are."""
    assert unpack_control(encode([tag, {1: "newer"}])) == UnknownControl(tag)


@pytest.mark.parametrize(
    "body",
    [
        encode([True, {}]),
        encode(["4", {}]),
        encode([4]),
        encode([4, {}, {}]),
        encode({1: 4}),
        encode([4, {}]),
        encode([5, {1: b"d" * 16, 2: 0}]),
        encode([6, {1: b"c" * 32, 2: [2, 1]}]),
        encode([6, {1: b"c" * 32, 2: [1, 1]}]),
        encode([6, {1: b"c" * 32, 2: [5]}]),
        pack_control(SAMPLES[0]) + b"\0",
        b"",
    ],
)
def test_other_forms_are_malformed(body: bytes):
    """True for 1, more or fewer parts, an unknown critical key, another order, a duplicate, a trailing byte."""
    with pytest.raises(MalformedError):
        unpack_control(body)


def test_an_unknown_key_from_64_on_is_passed_over():
    """A newer version may say more of a known kind."""
    assert unpack_control(encode([5, {1: b"d" * 16, 64: "more"}])) == SAMPLES[4]


def test_an_author_is_held_to_the_limits_before_signing():
    """Otherwise everybody would refuse the record after it was sealed."""
    wraps = tuple((CertificateHash(bytes([n]) * 32), b"w" * WRAP_BYTES) for n in range(WRAPS_MAX + 1))
    assert len(pack_control(Rewrap(epoch=EntryHash(b"e" * 32), wraps=wraps[:-1]))) < BODY_BYTES_MAX
    with pytest.raises(LimitError):
        pack_control(Rewrap(epoch=EntryHash(b"e" * 32), wraps=wraps))
    with pytest.raises(LimitError):
        pack_control(Certify(certificate=bytes(RECORD_BYTES_MAX)))
    with pytest.raises(MisuseError):
        pack_control(CreateChart(nonce=b"short", document=DocumentId(b"d" * 16)))


def test_a_body_over_the_limit_is_refused_unread():
    """Before it is decoded."""
    with pytest.raises(LimitError):
        unpack_control(bytes(BODY_BYTES_MAX + 1))


@given(st.data())
def test_no_mutation_raises_anything_but_a_peer_s_fault(data: st.DataObject):
    """Any byte may differ."""
    body = pack_control(data.draw(st.sampled_from(SAMPLES)))
    at, value = data.draw(st.integers(0, len(body) - 1)), data.draw(st.integers(0, 255))
    try:
        unpack_control(body[:at] + bytes([value]) + body[at + 1 :])
    except PeerError:
        return


def test_a_chart_is_its_creator_s():
    """The same nonce makes another chart for another creator, and with it other streams."""
    chart, other = chart_id(NAME, b"n" * 16), chart_id(CertificateHash(b"x" * 32), b"n" * 16)
    assert chart != other != chart_id(NAME, b"m" * 16)
    document = DocumentId(b"d" * 16)
    streams = [control_stream(chart), control_stream(other)] + [
        content_stream(item, document, compartment) for item in (chart, other) for compartment in Compartment
    ]
    assert len(set(streams)) == len(streams)
    assert isinstance(chart, ChartId)
