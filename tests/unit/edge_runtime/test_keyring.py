"""The keyring: memberships kept up as records arrive, and which keys of epochs are believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.keyring import frontier_digest
from edge_runtime.memberships import created_chart
from edge_runtime.store.uploads import UploadState
from sync_protocol.certificates import Session
from sync_protocol.control import (
    AddMember,
    CreateChart,
    MintEpoch,
    Rewrap,
    control_stream,
    pack_control,
    unpack_control,
)
from sync_protocol.entries import VerifiedEntry
from sync_protocol.epochs import Epoch
from sync_protocol.ids import ChartId, EntryHash, Hash, StreamId
from sync_protocol.membership import Membership
from sync_protocol.roles import READABLE, Compartment, Role
from sync_protocol.sealing import ContentKey, commit
from sync_protocol.signed import Verified
from tests.support.people import Organisation
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact, settle

CLINICAL = Compartment.CLINICAL


def _chart(device: Device) -> tuple[ChartId, Membership]:
    chart, (document, _) = device.charts.create([fact("identity", name="Ana")], workflow=WorkflowType.ENCOUNTER)
    device.charts.add_facts(chart, document, [fact("priority", to="urgent")])
    return chart, _membership(device, chart)


def _membership(device: Device, chart: ChartId) -> Membership:
    found = device.keyring.membership(chart)
    assert found is not None
    return found


def _control(device: Device, chart: ChartId, record: AddMember | MintEpoch | Rewrap | CreateChart) -> EntryHash:
    """Write a control record past every check of `Batch`: what a hostile member may do."""
    batch = device.recorder.begin()
    batch.membership(chart)
    name = batch._control(chart, record)
    device.recorder.write(batch)
    return name


def _epoch(device: Device, chart: ChartId, name: EntryHash | None = None) -> Epoch:
    epochs = _membership(device, chart).epochs_of(CLINICAL)
    return epochs[0] if name is None else next(epoch for epoch in epochs if epoch.id == name)


# ------------------------------------------------------------------------------------------------ memberships


def test_a_membership_is_read_again_only_where_something_came(clinic: Clinic):
    """An answer is kept until a control entry of that chart, or of the organisation, or a certificate arrives."""
    device = clinic.device(Role.PHYSICIAN)
    chart, _ = _chart(device)
    other, _ = _chart(device)
    first, organisation = _membership(device, chart), device.keyring.organisation()
    assert device.keyring.membership(chart) is first
    _control(device, other, AddMember(certificate=device.name, compartments=()))
    assert device.keyring.membership(chart) is first
    assert device.keyring.organisation() is organisation
    nurse = clinic.device(Role.NURSE)
    assert device.keyring.membership(chart) is not first
    assert device.keyring.organisation() is not organisation
    _control(device, chart, AddMember(certificate=nurse.name, compartments=(CLINICAL,)))
    assert _membership(device, chart).members[nurse.name] == {CLINICAL}


def test_the_shorter_branch_of_a_fork_counts_when_it_arrives(clinic: Clinic, tmp_path: Path):
    """A member added on a branch that changes no frontier is seen without a restart."""
    author, reader = clinic.device(Role.PHYSICIAN), clinic.device(Role.PHYSICIAN)
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    chart, _ = _chart(author)
    author.store.checkpoint()
    copy = tmp_path / "copy.db"
    copy.write_bytes(author.path.read_bytes())
    _control(author, chart, AddMember(certificate=nurse.name, compartments=(CLINICAL,)))
    _control(author, chart, AddMember(certificate=nurse.name, compartments=()))
    carry(author, reader)
    assert nurse.name in _membership(reader, chart).members
    twin = Device(clinic, copy, author.entropy)
    twin.load()
    clinic.devices.append(twin)
    _control(twin, chart, AddMember(certificate=other.name, compartments=(CLINICAL,)))
    frontier = reader.store.frontier(control_stream(chart))
    carry(twin, reader)
    assert reader.store.frontier(control_stream(chart)) == frontier
    assert other.name in _membership(reader, chart).members


def test_a_chart_without_its_creation_has_no_membership(clinic: Clinic):
    """None until the record that creates the chart is here; never a half one."""
    assert clinic.device(Role.NURSE).keyring.membership(ChartId(bytes(16))) is None


def test_only_a_creation_in_its_own_stream_makes_a_chart():
    """Whoever copies a creation record elsewhere, or writes none, lays claim to nothing."""
    organisation = Organisation.make(3)
    author, other = organisation.device(Role.NURSE), organisation.device(Role.NURSE)
    record = CreateChart(nonce=bytes(16), document=_document())
    chart = _chart_id(author.name, bytes(16))

    def entry(stream: StreamId, body: bytes) -> VerifiedEntry:
        return author.session().write(stream, [body])[1][0]

    body = pack_control(record)
    assert created_chart(entry(control_stream(chart), body), author.name) == chart
    assert created_chart(entry(control_stream(chart), body), other.name) is None
    assert created_chart(entry(organisation.stream(), body), author.name) is None
    assert created_chart(entry(control_stream(chart), b"\xff"), author.name) is None
    added = pack_control(AddMember(certificate=author.name, compartments=()))
    assert created_chart(entry(control_stream(chart), added), author.name) is None


def _document():
    from sync_protocol.ids import DocumentId

    return DocumentId(bytes(range(16)))


def _chart_id(author, nonce: bytes) -> ChartId:
    from sync_protocol.control import chart_id

    return chart_id(author, nonce)


def test_charts_are_listed_in_order_and_learnt_without_a_restart(clinic: Clinic):
    """What is created or received appears in the list at once, ascending, each once."""
    device = clinic.device(Role.NURSE)
    assert device.keyring.charts() == []
    made = sorted(_chart(device)[0] for _ in range(3))
    assert device.keyring.charts() == made
    device.keyring.learn(made)
    assert device.keyring.charts() == made == device.restart().keyring.charts()


def test_streams_lead_to_their_charts(clinic: Clinic):
    """Control and content streams of every document, those made later too; a stranger's stream leads nowhere."""
    from sync_protocol.control import content_stream

    device = clinic.device(Role.PHYSICIAN)
    chart, membership = _chart(device)
    other, _ = _chart(device)
    content = [content_stream(chart, document, CLINICAL) for document in membership.documents]
    stranger = StreamId(bytes(16))
    assert device.keyring.charts_of([control_stream(chart)]) == {chart}
    assert device.keyring.charts_of([*content, stranger]) == {chart}
    assert device.keyring.charts_of([stranger]) == frozenset()
    assert device.keyring.charts_of([content[0], control_stream(other)]) == {chart, other}
    batch = device.recorder.begin()
    document = device.charts.add_document(batch, chart, WorkflowType.CARE_PLAN)
    device.recorder.write(batch)
    assert device.keyring.charts_of([content_stream(chart, document, CLINICAL)]) == {chart}
    assert device.keyring.controlled([control_stream(chart), stranger]) == {chart}
    fresh = device.restart().keyring
    assert fresh.charts_of([content_stream(chart, document, CLINICAL)]) == {chart}


# ----------------------------------------------------------------------------------------------- epoch keys


def test_a_key_that_is_committed_and_wrapped_to_this_device_opens(clinic: Clinic):
    """The minter and every reader reach the same key; whoever is no recipient reaches none."""
    physician, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    stranger = clinic.device(Role.NURSE)
    chart, _ = _chart(physician)
    physician.charts.share(chart, nurse.id)
    for device in (nurse, stranger):
        carry(physician, device)
    epoch = _epoch(physician, chart)
    key = physician.restart().keyring.open_epoch(chart, epoch)
    assert key is not None
    assert nurse.keyring.open_epoch(chart, _epoch(nurse, chart)) is not None
    assert nurse.keyring.open_epoch(chart, epoch).reveal() == key.reveal()
    assert stranger.keyring.open_epoch(chart, epoch) is None


def test_a_bad_wrap_is_skipped_and_a_good_one_beside_it_opens(clinic: Clinic):
    """Garbage, a wrap for somebody else's context and a wrapped wrong key open nothing; another holder's wrap does."""
    physician = clinic.device(Role.PHYSICIAN)
    chart, _ = _chart(physician)
    epoch = _epoch(physician, chart)
    good = epoch.wraps[physician.name]
    keyring = physician.restart().keyring

    def wrapped(key: bytes, commitment: Hash = epoch.record.commitment) -> bytes:
        wraps = keyring.wrap_epoch(
            chart,
            compartment=CLINICAL,
            commitment=commitment,
            parents=epoch.record.parents,
            key=ContentKey(key),
            recipients=[(physician.name, physician.identity.keys.wrap.public)],
        )
        return wraps[0][1]

    right = keyring.open_epoch(chart, epoch)
    assert right is not None
    bad = [bytes(1168), wrapped(bytes(32)), wrapped(right.reveal(), Hash(bytes(32)))]
    for garbage in bad:
        fresh = physician.restart().keyring
        only_bad = replace(epoch, wraps={physician.name: ((physician.name, garbage),)})
        assert fresh.open_epoch(chart, only_bad) is None
        with_good = replace(epoch, wraps={physician.name: ((physician.name, garbage), *good)})
        assert fresh.open_epoch(chart, with_good) is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda epoch: replace(epoch, heads=(*epoch.heads, EntryHash(bytes(32)))),
        lambda epoch: replace(epoch, heads=()),
        lambda epoch: replace(epoch, minter=type(epoch.minter)(bytes(32))),
        lambda epoch: replace(epoch, record=replace(epoch.record, nonce=bytes(32))),
        lambda epoch: replace(epoch, record=replace(epoch.record, commitment=Hash(bytes(32)))),
        lambda epoch: replace(epoch, record=replace(epoch.record, compartment=Compartment.SAFETY)),
        lambda epoch: replace(epoch, record=replace(epoch.record, parents=(EntryHash(bytes(32)),))),
        lambda epoch: replace(
            epoch, wraps={name: tuple((type(name)(bytes(32)), w) for _, w in ws) for name, ws in epoch.wraps.items()}
        ),
    ],
    ids=["more heads", "no heads", "minter", "nonce", "commitment", "compartment", "parents", "wrapper"],
)
def test_a_key_counts_only_for_what_was_committed_to(clinic: Clinic, change: Callable[[Epoch], Epoch]):
    """A key that was committed to another frontier, minter, nonce, or wrapped for another purpose is no key."""
    physician = clinic.device(Role.PHYSICIAN)
    chart, _ = _chart(physician)
    physician.charts.share(chart, clinic.device(Role.NURSE).id)
    epoch = _epoch(physician, chart)
    keyring = physician.restart().keyring
    assert keyring.open_epoch(chart, change(epoch)) is None
    assert keyring.open_epoch(chart, epoch) is not None


def test_a_commitment_to_another_frontier_than_the_entrys_own_is_refused(clinic: Clinic):
    """A minter who commits to a frontier that its entry does not follow has made no epoch that anybody opens."""
    physician, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, _ = _chart(physician)
    physician.charts.share(chart, nurse.id)
    secret, nonce = ContentKey(bytes(range(32))), bytes(32)
    commitment = commit(secret, minter=physician.name, frontier=frontier_digest([]), nonce=nonce)
    organisation = physician.keyring.organisation()
    recipients = [
        (name, physician.keyring.public_key(name, organisation))
        for name in _membership(physician, chart).readers(CLINICAL)
    ]
    wraps = physician.keyring.wrap_epoch(
        chart, compartment=CLINICAL, commitment=commitment, parents=(), key=secret, recipients=recipients
    )
    record = MintEpoch(compartment=CLINICAL, parents=(), commitment=commitment, nonce=nonce, wraps=wraps)
    name = _control(physician, chart, record)
    carry(physician, nurse)
    assert _epoch(nurse, chart, name).valid
    assert nurse.keyring.open_epoch(chart, _epoch(nurse, chart, name)) is None
    chosen = nurse.keyring.writing_key(nurse.keyring.history(chart), CLINICAL, now_ms=0)
    assert chosen is None or chosen[0] != name


def test_the_digest_of_a_frontier_knows_no_order():
    """The same parents in any order are the same frontier."""
    parents = [EntryHash(bytes([number]) * 32) for number in range(4)]
    assert frontier_digest(parents) == frontier_digest(reversed(parents)) != frontier_digest(parents[1:])


def test_the_writing_key_is_the_lowest_valid_epoch_that_opens(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """Of several current epochs everybody takes the lowest; none, where the readers have changed since."""
    physician = clinic.device(Role.PHYSICIAN)
    chart, _ = _chart(physician)
    assert _writing_key(physician, chart, Compartment.SENSITIVE) is None
    batch = physician.recorder.begin()
    monkeypatch.setattr(physician.keyring, "writing_key", lambda *_, **__: None)
    batch._epoch(chart, CLINICAL)
    physician.recorder.write(batch)
    physician.restart()
    epochs = _membership(physician, chart).epochs_of(CLINICAL)
    assert len(epochs) == 2
    found = _writing_key(physician, chart, CLINICAL)
    assert found is not None
    assert found[0] == min(epoch.id for epoch in epochs)
    _control(physician, chart, AddMember(certificate=clinic.device(Role.NURSE).name, compartments=(CLINICAL,)))
    assert _writing_key(physician, chart, CLINICAL) is None


def _writing_key(device: Device, chart: ChartId, compartment: Compartment) -> tuple[EntryHash, ContentKey] | None:
    return device.keyring.writing_key(device.keyring.history(chart), compartment, now_ms=0)


def test_readers_without_a_wrap_get_one_from_those_who_hold_the_key(clinic: Clinic):
    """A holder wraps once to who lacks a key; a member without the key wraps nothing; whoever asks again is heard."""
    physician, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, _ = _chart(physician)
    assert _rewraps(physician, chart) == []
    _control(physician, chart, AddMember(certificate=nurse.name, compartments=(CLINICAL,)))
    carry(physician, nurse)
    assert _rewraps(nurse, chart) == []
    assert _rewraps(physician, chart) == [{nurse.name}]
    assert _rewraps(physician, chart) == []
    assert _rewraps(physician, chart, again=nurse) == [], "this device has wrapped it itself"
    carry(physician, nurse)
    assert _rewraps(nurse, chart, again=physician) == [{physician.name}]


def test_a_bad_wrap_is_asked_for_once_and_another_holder_wraps_again(clinic: Clinic):
    """Whoever cannot open what was wrapped to it says so on record, and does not repeat itself."""
    physician, nurse, other = (clinic.device(role) for role in (Role.PHYSICIAN, Role.NURSE, Role.PHYSICIAN))
    chart, _ = _chart(physician)
    physician.charts.share(chart, other.id)
    _control(physician, chart, AddMember(certificate=nurse.name, compartments=(CLINICAL,)))
    epoch = _epoch(physician, chart)
    _control(physician, chart, Rewrap(epoch=epoch.id, wraps=((nurse.name, bytes(1168)),)))
    for device in (nurse, other):
        carry(physician, device)
    assert nurse.keyring.open_epoch(chart, _epoch(nurse, chart, epoch.id)) is None
    nurse.recorder.mend([chart])
    assert _membership(nurse, chart).asked[epoch.id].keys() == {nurse.name}
    size = nurse.store.size()
    nurse.recorder.mend([chart])
    assert nurse.store.size() == size
    carry(nurse, other)
    assert _rewraps(other, chart) == [{nurse.name}]
    carry(other, nurse)
    assert nurse.keyring.open_epoch(chart, _epoch(nurse, chart, epoch.id)) is not None


def _rewraps(device: Device, chart: ChartId, *, again: Device | None = None) -> list[set[Hash]]:
    """Whom a device wraps keys for when it looks after a chart, a record of the clinical compartment."""
    batch = device.recorder.begin()
    batch.mend(chart, again=None if again is None else again.name)
    device.recorder.write(batch)
    records = (unpack_control(draft.body) for draft in batch.drafts)
    clinical = {epoch.id for epoch in _membership(device, chart).epochs_of(CLINICAL)}
    return [{name for name, _ in one.wraps} for one in records if isinstance(one, Rewrap) and one.epoch in clinical]


def test_roles_come_from_certificates_and_authors_from_sessions(clinic: Clinic):
    """Every known principal has its role; an entry's author is that of its session's certificate."""
    nurse = clinic.device(Role.NURSE)
    view = nurse.keyring.organisation().now
    assert view.roles(clinic.admin.name) == {Role.ADMIN}
    assert view.roles(nurse.name) == {Role.NURSE}
    _chart(nurse)
    first, *_, last = (arrived.entry for arrived in nurse.store.arrivals(after=0, limit=1 << 20))
    assert nurse.keyring.author(first) == clinic.admin.name
    assert nurse.keyring.author(last) == nurse.name
    assert isinstance(nurse.identity.session, Verified)
    assert isinstance(nurse.identity.session.value, Session)


def test_no_role_reads_more_than_its_compartments(clinic: Clinic):
    """A grant beyond a role opens nothing: neither is it counted nor are keys wrapped for it."""
    physician, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, (document, _) = physician.charts.create((), workflow=WorkflowType.ENCOUNTER)
    physician.charts.add_facts(chart, document, [fact("priority", to="urgent")], compartment=Compartment.SENSITIVE)
    _control(physician, chart, AddMember(certificate=nurse.name, compartments=tuple(Compartment)))
    assert _membership(physician, chart).members[nurse.name] == READABLE[Role.NURSE]
    sensitive = _membership(physician, chart).epochs_of(Compartment.SENSITIVE)
    assert all(nurse.name not in epoch.wraps for epoch in sensitive)


def test_two_who_mint_at_once_come_to_write_under_one_epoch(clinic: Clinic):
    """Both epochs are valid and readable by all; from then on everybody takes the lower."""
    physician, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, (document, _) = physician.charts.create((), workflow=WorkflowType.ENCOUNTER)
    physician.charts.share(chart, nurse.id)
    settle(relay, physician, nurse)
    for device in (physician, nurse):
        device.charts.add_facts(chart, document, [fact("priority", to="urgent")])
    settle(relay, physician, nurse)
    epochs = _membership(nurse, chart).epochs_of(CLINICAL)
    assert len(epochs) == 2
    assert all(epoch.valid for epoch in epochs)
    entries = [d.charts.add_facts(chart, document, [fact("priority", to="critical")]) for d in (physician, nurse)]
    assert {entry.header.epoch for written in entries for entry in written} == {epochs[0].id}
    assert physician.store.upload_counts()[UploadState.PENDING] == 1
