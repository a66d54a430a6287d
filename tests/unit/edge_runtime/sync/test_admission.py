"""What a device may hand over: nothing that the relay would not take either, whoever signed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_runtime.store.uploads import UploadState
from edge_runtime.sync.admission import Admission
from edge_runtime.sync.intake import Receiver, Taken
from sync_protocol.control import (
    LEDGER_DOCUMENT,
    LEDGER_NONCE,
    AddMember,
    AnnounceRelay,
    Certify,
    Control,
    CreateChart,
    Invite,
    chart_id,
    content_stream,
    control_stream,
    ledger_id,
    pack_control,
)
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import ChartId, DocumentId, EntryHash, Hash, InvitationId, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.roles import CONTENT, Compartment, Role
from sync_protocol.sealing import ContentKey
from sync_protocol.store import walk_seals
from tests.unit.edge_runtime.clinic import Clinic, Device, fact


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    """An organisation."""
    made = Clinic(tmp_path)
    yield made
    made.close()


def hand(source: Device, target: Device, entries: Sequence[VerifiedEntry]) -> Taken:
    """Hand entries from one device to another, with every proof that there is."""
    sessions = source.store.sessions()
    proofs = Proofs(
        certificates=tuple(certificate.wire for certificate in source.store.certificates()),
        sessions=tuple(session.wire for session in sessions),
        seals=tuple(seal.wire for one in sessions for seal in walk_seals(source.store, one.value.session)),
    )
    admission = Admission(target.store, target.identity, target.keyring)
    receiver = Receiver(target.store, target.identity, target.keyring)
    return receiver.take(proofs, [entry.wire for entry in entries], state=UploadState.PENDING, admit=admission.check)


def codes(taken: Taken) -> list[str]:
    """Why things were not taken."""
    return [refusal.error.code for refusal in taken.refused]


def everything(device: Device) -> list[VerifiedEntry]:
    """All that a device holds, in order of arrival."""
    return [arrived.entry for arrived in device.store.arrivals(after=0, limit=1 << 20)]


def write(device: Device, *writings: tuple[StreamId, bytes, EntryHash | None]) -> Sequence[VerifiedEntry]:
    """Sign whatever a hostile owner of a device wants to be signed: stream, body and epoch."""
    batch = device.recorder.begin()
    for stream, body, epoch in writings:
        batch._drafts.add(stream, body, epoch=None if epoch is None else (epoch, ContentKey(bytes(32))))
    return device.recorder.write(batch)


@dataclass
class Scene:
    """A device with a chart, and another whose owner signs whatever it likes."""

    clinic: Clinic
    victim: Device
    hostile: Device
    chart: ChartId

    @property
    def organisation(self) -> StreamId:
        """The organisation's control stream."""
        return self.clinic.root.value.control

    @property
    def control(self) -> StreamId:
        """The chart's control stream."""
        return control_stream(self.chart)

    def add_itself(self) -> bytes:
        """A record that makes the hostile device a member."""
        return pack_control(AddMember(certificate=self.hostile.name, compartments=CONTENT))


Writing = tuple[StreamId, bytes, EntryHash | None]
NOWHERE, NOTHING, BODY = StreamId(bytes(16)), EntryHash(bytes(32)), b"x" * 300
JUNK: dict[str, tuple[str, Callable[[Scene], Writing]]] = {
    "a stream of nothing": ("unknown_stream", lambda _: (NOWHERE, BODY, NOTHING)),
    "a control record of no chart": ("unknown_stream", lambda scene: (NOWHERE, scene.add_itself(), None)),
    "a chart's creation in another stream": ("unknown_stream", lambda _: (NOWHERE, _birth(), None)),
    "a member made by a stranger": ("not_member", lambda scene: (scene.control, scene.add_itself(), None)),
    "another creation of a chart": ("not_member", lambda scene: (scene.control, _birth(), None)),
    "content by a stranger": (
        "not_member",
        lambda scene: (_content(scene.victim, scene.chart), BODY, _epoch(scene.victim, scene.chart)),
    ),
    "an organisation's record by no administrator": (
        "not_administrator",
        lambda scene: (scene.organisation, pack_control(_invite()), None),
    ),
    "no record in the organisation's stream": ("malformed", lambda scene: (scene.organisation, b"\xff", None)),
    "content in the organisation's stream": ("malformed", lambda scene: (scene.organisation, BODY, NOTHING)),
    "an organisation's record in a chart": ("malformed", lambda scene: (scene.control, pack_control(_invite()), None)),
    "no record in a chart's control stream": ("malformed", lambda scene: (scene.control, b"\xff", None)),
    "content in a chart's control stream": ("malformed", lambda scene: (scene.control, BODY, NOTHING)),
}


def _birth() -> bytes:
    return pack_control(CreateChart(nonce=bytes(16), document=DocumentId(bytes(16))))


def _invite() -> Invite:
    return Invite(invitation=InvitationId(bytes(16)), role=Role.ADMIN, expires_ms=1, proof=Hash(bytes(32)))


def _content(owner: Device, chart: ChartId, compartment: Compartment = Compartment.SAFETY) -> StreamId:
    membership = owner.keyring.membership(chart)
    assert membership is not None
    return content_stream(chart, membership.chart_document, compartment)


def _epoch(owner: Device, chart: ChartId, compartment: Compartment = Compartment.SAFETY) -> EntryHash:
    membership = owner.keyring.membership(chart)
    assert membership is not None
    return membership.epochs_of(compartment)[0].id


@pytest.mark.parametrize(("code", "junk"), JUNK.values(), ids=JUNK)
def test_what_no_relay_would_take_is_not_taken_from_a_device(
    clinic: Clinic, code: str, junk: Callable[[Scene], Writing]
):
    """However well it is signed, by whoever of the organisation; nothing of it is stored."""
    victim, hostile = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, _ = victim.charts.create([fact("identity", name="Ana Lima")], workflow=None)
    size = victim.store.size()
    taken = hand(hostile, victim, write(hostile, junk(Scene(clinic, victim, hostile, chart))))
    assert codes(taken) == [code]
    assert (taken.stored, victim.store.size()) == (0, size)


@pytest.mark.parametrize("record", [AnnounceRelay(record=b"\xa0"), Certify(certificate=b"\xa0")])
def test_records_inside_of_records_must_verify(clinic: Clinic, record: Control):
    """An administrator's word for a relay or a device that nobody signed."""
    victim = clinic.device(Role.PHYSICIAN)
    written = write(clinic.admin, (clinic.root.value.control, pack_control(record), None))
    assert codes(hand(clinic.admin, victim, written)) == ["malformed"]


def test_an_administrator_s_records_are_taken(clinic: Clinic):
    """All of the organisation's stream, those of a kind that is not known here among them."""
    victim = clinic.device(Role.PHYSICIAN, known=False)
    write(clinic.admin, (clinic.root.value.control, b"\x82\x18\x63\xa0", None))
    taken = hand(clinic.admin, victim, everything(clinic.admin))
    assert codes(taken) == []
    assert taken.stored == clinic.admin.store.size()


def test_a_whole_chart_is_taken_in_one_batch(clinic: Clinic):
    """Its creation, members and epochs, one after the other; content once those are stored."""
    owner, member = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, _ = owner.charts.create([fact("identity", name="Ana Lima")], workflow=None)
    owner.charts.share(chart, member.id)
    known = clinic.root.value.control  # certificates are on record everywhere
    control = [one for one in everything(owner) if one.header.epoch is None and one.header.stream != known]
    content = [entry for entry in everything(owner) if entry.header.epoch is not None]
    assert set(codes(hand(owner, member, content))) == {"unknown_stream"}
    assert codes(hand(owner, member, control)) == []
    assert codes(hand(owner, member, content)) == []
    assert member.shown(chart) == owner.shown(chart)
    assert member.pending() == len(control) + len(content)


def test_whoever_was_made_a_member_in_the_same_batch_may_write(clinic: Clinic):
    """Records are judged in their order, each by those before it."""
    owner, member, third = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    chart, _ = owner.charts.create([], workflow=None)
    owner.charts.share(chart, member.id)
    hand(owner, member, [entry for entry in everything(owner) if entry.header.epoch is None])
    member.charts.share(chart, third.id)
    control = [entry for entry in everything(member) if entry.header.epoch is None]
    assert codes(hand(member, third, control)) == []
    assert third.keyring.membership(chart) == member.keyring.membership(chart)


def test_content_under_an_epoch_of_elsewhere_is_refused(clinic: Clinic):
    """Of another compartment, of no record that is here, or under none."""
    owner, member = clinic.device(Role.PHYSICIAN), clinic.device(Role.PHYSICIAN)
    chart, _ = owner.charts.create([fact("identity", name="Ana Lima")], workflow=None)
    owner.charts.share(chart, member.id)
    hand(owner, member, [entry for entry in everything(owner) if entry.header.epoch is None])
    body = b"x" * 300
    for stream, epoch in (
        (_content(owner, chart, Compartment.CLINICAL), _epoch(owner, chart)),
        (_content(owner, chart), EntryHash(bytes(32))),
        (_content(owner, chart), None),
    ):
        assert codes(hand(owner, member, write(owner, (stream, body, epoch)))) == ["unknown_epoch"]


def test_content_of_a_chart_of_others_is_refused(clinic: Clinic):
    """Its control records are taken, for they may make this device a member; but it does not store others' content."""
    owner, stranger = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    owner.charts.create([fact("identity", name="Ana Lima")], workflow=None)
    control = [entry for entry in everything(owner) if entry.header.epoch is None]
    content = [entry for entry in everything(owner) if entry.header.epoch is not None]
    assert codes(hand(owner, stranger, control)) == []
    assert set(codes(hand(owner, stranger, content))) == {"not_member"}


def test_a_ledger_is_taken_by_whoever_carries_it(clinic: Clinic):
    """A device's own, and only as its own: nobody else can lay claim to it."""
    owner, carrier, hostile = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    name = ledger_id(owner.name)
    birth = pack_control(CreateChart(nonce=LEDGER_NONCE, document=LEDGER_DOCUMENT))
    assert chart_id(owner.name, LEDGER_NONCE) == name
    forged = write(hostile, (control_stream(name), birth, None))
    assert codes(hand(hostile, carrier, forged)) == ["unknown_stream"]
    written = write(owner, (control_stream(name), birth, None))
    assert codes(hand(owner, carrier, written)) == []
    assert name in carrier.keyring.ledgers()
    assert codes(hand(hostile, carrier, forged)) == ["not_member"]


def test_a_gap_is_held_and_its_chain_is_named(clinic: Clinic):
    """So that the chain is asked for whole."""
    owner, member = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, _ = owner.charts.create([fact("identity", name="Ana Lima")], workflow=None)
    owner.charts.share(chart, member.id)
    control = [entry for entry in everything(owner) if entry.header.stream == control_stream(chart)]
    hand(owner, member, control[:1])
    taken = hand(owner, member, control[2:3])
    assert (codes(taken), taken.held) == ([], 1)
    assert taken.gaps == {(control[2].header.stream, control[2].header.session)}
