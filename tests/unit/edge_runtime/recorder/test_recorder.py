"""Writing a change: whole or not at all, well chained, under an epoch of exactly today's readers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import RefusedError, StoreError
from edge_runtime.events import Changed
from edge_runtime.facts import Content, Fact
from edge_runtime.recorder import record as record_module
from edge_runtime.store.uploads import UploadState
from sync_protocol.control import AddMember, Certify, Rewrap, content_stream, control_stream
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import LimitError
from sync_protocol.ids import ChartId, DocumentId, EntryHash
from sync_protocol.limits import DEPS_MAX, LAMPORT_MAX, WRAPS_MAX
from sync_protocol.membership import Membership
from sync_protocol.roles import Compartment, Role
from tests.support.wraps import few_wraps
from tests.unit.edge_runtime.clinic import Clinic, Device, fact, settle

CLINICAL, SAFETY = Compartment.CLINICAL, Compartment.SAFETY
URGENT = Content(facts=(Fact(kind="priority", payload={"to": "urgent"}, supersedes=()),), text=None)


def _chart(device: Device) -> tuple[ChartId, DocumentId]:
    chart, documents = device.charts.create((), workflow=WorkflowType.ENCOUNTER)
    return chart, documents[1]


def _membership(device: Device, chart: ChartId) -> Membership:
    found = device.keyring.membership(chart)
    assert found is not None
    return found


def _write(device: Device, chart: ChartId, document: DocumentId, compartment: Compartment = CLINICAL) -> VerifiedEntry:
    batch = device.recorder.begin()
    batch.content(chart, document, compartment, URGENT)
    return device.recorder.write(batch)[-1]


def test_a_chart_that_is_made_can_be_written_in_the_same_change(clinic: Clinic):
    """Creation, documents, epochs and content stand in one transaction, under one seal, control first."""
    device = clinic.device(Role.PHYSICIAN)
    batch = device.recorder.begin()
    document, further = DocumentId(bytes(16)), DocumentId(bytes(range(16)))
    chart = batch.create_chart(document)
    batch.create_document(chart, further)
    for place in (document, further):
        batch.content(chart, place, CLINICAL, URGENT)
        batch.content(chart, place, SAFETY, URGENT)
    assert device.keyring.charts() == []
    entries = device.recorder.write(batch)
    assert device.keyring.charts() == [chart]
    assert _membership(device, chart).documents == (document, further)
    assert {entry.header.seal for entry in entries} == {0}
    assert [entry.header.epoch is None for entry in entries] == [True, True, True, False, True, False, False, False]
    assert not device.store.check()
    assert device.restart().keyring.charts() == [chart]


def test_a_change_that_is_dropped_leaves_no_trace(clinic: Clinic):
    """Until it is written, nothing of a change is anywhere."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    size = device.store.size()
    batch = device.recorder.begin()
    batch.create_chart(DocumentId(bytes(16)))
    batch.content(chart, document, CLINICAL, URGENT)
    del batch
    assert device.store.size() == size
    entry = _write(device, chart, document)
    assert not device.store.check()
    assert device.store.upload(entry.hash).state is UploadState.PENDING


def test_chains_count_on_and_name_what_changed_since(clinic: Clinic):
    """Numbers have no gaps, prev is the own head, deps are others' heads that changed, Lamport is above all of them."""
    one, two = clinic.device(Role.PHYSICIAN), clinic.device(Role.PHYSICIAN)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, document = _chart(one)
    one.charts.share(chart, two.id)
    first = _write(one, chart, document)
    settle(relay, one, two)
    second = _write(two, chart, document)
    third = _write(two, chart, document)
    assert dict(second.header.deps) == {first.header.session: (first.header.seq, first.hash)}
    assert second.header.lamport == first.header.lamport + 1
    assert (third.header.seq, third.header.prev, dict(third.header.deps)) == (1, second.hash, {})
    settle(relay, one, two)
    fourth = _write(one, chart, document)
    assert dict(fourth.header.deps) == {second.header.session: (1, third.hash)}
    assert fourth.header.lamport == third.header.lamport + 1
    assert fourth.header.chart_heads == _membership(one, chart).heads
    assert fourth.header.organisation_heads == one.keyring.organisation_heads()


def test_a_hostile_lamport_time_keeps_nobody_from_writing(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """At the end of the numbers the Lamport time stands still."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    monkeypatch.setattr("edge_runtime.recorder.drafts.next_lamport", lambda _: LAMPORT_MAX)
    entry = _write(device, chart, document)
    monkeypatch.undo()
    assert entry.header.lamport == LAMPORT_MAX
    assert _write(device, chart, document).header.lamport == LAMPORT_MAX


def test_more_heads_than_an_entry_names_are_followed_by_entries_that_say_nothing(clinic: Clinic):
    """All that the author saw lies in the past of the content, however many sessions wrote."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    _write(device, chart, document)
    stream = content_stream(chart, document, CLINICAL)
    _as_many_sessions(device, chart, document, DEPS_MAX + 2)
    before = len(device.charts.open(chart).documents[document].facts)
    size = device.store.size()
    last = _write(device, chart, document)
    assert device.store.size() == size + 2
    seen: set[EntryHash] = set()
    for arrived in device.store.arrivals(after=size, limit=10, streams=[stream]):
        assert len(arrived.entry.header.deps) <= DEPS_MAX
        seen.update(arrived.entry.header.parents)
    frontier = {head for _, head in device.store.frontier(stream).values()}
    assert frontier <= seen | {last.hash}
    opened = device.charts.open(chart).documents[document]
    assert len(opened.facts) == before + 1
    assert not opened.unread
    assert device.charts.edit_text(chart, document, "plan", "Rest.")
    assert device.text(chart, document) == "Rest."


def _as_many_sessions(device: Device, chart: ChartId, document: DocumentId, count: int) -> None:
    """As if the device had opened so many sessions, each of which wrote before it saw the others."""
    from edge_runtime.identity import new_session

    frontier = device.store.frontier
    own = device.identity.session
    for _ in range(count):
        chain = device.identity.chain[-1]
        device.identity.session = new_session(
            device.identity.keys, chain, now_ms=clinic_clock(device), entropy=device.entropy
        )
        device.store.frontier = lambda stream: {
            session: place
            for session, place in frontier(stream).items()
            if session == device.identity.session.value.session
        }
        _write(device, chart, document)
    device.store.frontier = frontier
    device.identity.session = own


def clinic_clock(device: Device) -> int:
    """The clinic's time."""
    return device.clinic.clock()


# --------------------------------------------------------------------------------------------- membership and keys


def test_a_new_member_makes_the_next_write_mint_an_epoch_for_exactly_the_readers(clinic: Clinic):
    """Rotation is lazy: sharing wraps the old key, and the next content is under a key for old and new members."""
    physician, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, document = _chart(physician)
    first = _write(physician, chart, document)
    assert _write(physician, chart, document).header.epoch == first.header.epoch
    physician.charts.share(chart, nurse.id)
    assert nurse.name in _membership(physician, chart).epochs[first.header.epoch].wraps  # type: ignore[index]
    after = _write(physician, chart, document)
    assert after.header.epoch != first.header.epoch
    epoch = _membership(physician, chart).epochs[after.header.epoch]  # type: ignore[index]
    assert epoch.valid
    assert {name for name, _ in epoch.record.wraps} == {physician.name, nurse.name}
    assert epoch.record.parents == (first.header.epoch,)
    assert _write(physician, chart, document).header.epoch == after.header.epoch


def test_a_new_member_reads_history_and_what_follows(clinic: Clinic):
    """Facts and text from before the share and after it are readable by the new member, in its own compartments."""
    physician, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, document = _chart(physician)
    physician.charts.add_facts(chart, document, [fact("priority", to="urgent")])
    physician.charts.edit_text(chart, document, "plan", "Before.")
    physician.charts.add_facts(chart, document, [fact("priority", to="critical")], compartment=Compartment.SENSITIVE)
    physician.charts.share(chart, nurse.id)
    physician.charts.edit_text(chart, document, "plan", "Before. After.")
    settle(relay, physician, nurse)
    assert nurse.text(chart, document) == "Before. After."
    opened = nurse.charts.open(chart)
    assert not opened.documents[document].unread
    assert [said.fact.payload["to"] for said in opened.documents[document].facts if said.fact.kind == "priority"] == [
        "urgent"
    ]


def test_what_is_minted_without_knowing_of_a_member_is_wrapped_for_it_later(clinic: Clinic):
    """A key that a colleague minted offline meanwhile reaches the new member with the colleague's next sync."""
    one, two, new = clinic.device(Role.PHYSICIAN), clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, document = _chart(one)
    one.charts.share(chart, two.id)
    settle(relay, one, two)
    two.charts.edit_text(chart, document, "plan", "Written offline.")
    one.charts.share(chart, new.id)
    settle(relay, one, new)
    settle(relay, two, new)
    assert new.text(chart, document) == "Written offline."
    rewraps = [e for e in two.keyring.control_entries(chart) if isinstance(e.record, Rewrap) and e.author == two.name]
    assert len(rewraps) == 1
    settle(relay, one, two, new)
    assert sum(isinstance(e.record, Rewrap) for e in one.keyring.control_entries(chart)) == len(
        [e for e in new.keyring.control_entries(chart) if isinstance(e.record, Rewrap)]
    )


def test_sharing_again_wraps_again_and_adds_nobody_twice(clinic: Clinic):
    """A member whose wraps are bad gets them anew from another holder; the list of members stays as it was."""
    one, two, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, document = _chart(one)
    _write(one, chart, document)
    one.charts.share(chart, two.id)
    one.charts.share(chart, nurse.id)
    size = one.store.size()
    one.charts.share(chart, nurse.id)
    assert one.store.size() == size, "this device wrapped everything itself"
    settle(relay, one, two)
    members = _membership(two, chart).members
    two.charts.share(chart, nurse.id)
    epoch = _membership(two, chart).epochs_of(CLINICAL)[0]
    assert sorted(by for by, _ in epoch.wraps[nurse.name]) == sorted([one.name, two.name])
    assert _membership(two, chart).members == members
    added = [e for e in two.keyring.control_entries(chart) if isinstance(e.record, AddMember)]
    assert len(added) == 2


def test_so_many_readers_and_no_more(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """An epoch is wrapped in one record: a reader too many is refused when it would be added, with the number."""
    few_wraps(monkeypatch, 2)
    one, two, three = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    chart, document = _chart(one)
    one.charts.share(chart, two.id)
    size = one.store.size()
    with pytest.raises(RefusedError, match="at most 2 devices and teams that read the") as refusal:
        one.charts.share(chart, three.id)
    assert refusal.value.code == "too_many_members"
    assert one.store.size() == size
    _write(one, chart, document)


def test_a_chart_with_too_many_readers_says_so_instead_of_writing(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """Two who added the last reader at once leave one too many: the next write names the limit."""
    one, two = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, document = _chart(one)
    one.charts.share(chart, two.id)
    few_wraps(monkeypatch, 1)
    with pytest.raises(RefusedError, match="at most 1 devices"):
        _write(one, chart, document)
    assert WRAPS_MAX == 96


def test_more_epochs_than_a_record_names_do_not_keep_from_minting(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """However many epochs nobody followed yet, the next one is minted."""
    physician = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(physician)
    with monkeypatch.context() as patched:
        patched.setattr(physician.keyring, "writing_key", lambda *_, **__: None)
        patched.setattr("sync_protocol.membership.Membership.epoch_tips", lambda *_: ())
        batch = physician.recorder.begin()
        for _ in range(WRAPS_MAX + 4):
            batch._epoch(chart, CLINICAL)
        physician.recorder.write(batch)
    assert len(_membership(physician, chart).epoch_tips(CLINICAL)) > WRAPS_MAX
    physician.charts.share(chart, clinic.device(Role.NURSE).id)
    entry = _write(physician, chart, document)
    assert _membership(physician, chart).epochs[entry.header.epoch].valid  # type: ignore[index]


def test_who_may_not_read_may_not_write(clinic: Clinic):
    """A role without the compartment, a role without any, and a device that is no member are refused, each by name."""
    physician, nurse, admin = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE), clinic.device(Role.ADMIN)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, document = _chart(physician)
    physician.charts.share(chart, nurse.id)
    settle(relay, physician, nurse)
    with pytest.raises(RefusedError) as closed:
        _write(nurse, chart, document, Compartment.SENSITIVE)
    assert closed.value.code == "not_a_reader"
    with pytest.raises(RefusedError) as none:
        admin.recorder.begin().create_chart(DocumentId(bytes(16)))
    assert none.value.code == "role_reads_no_chart"
    with pytest.raises(RefusedError) as unknown:
        _write(admin, chart, document)
    assert unknown.value.code == "no_such_chart"
    with pytest.raises(RefusedError) as unshared:
        physician.charts.share(chart, admin.id)
    assert unshared.value.code == "role_reads_no_chart"


def test_control_records_of_a_stranger_are_not_written(clinic: Clinic):
    """A device that has a chart and is no member refuses at once what every receiver would leave out."""
    physician, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, _ = _chart(physician)
    with nurse.store.writing() as writer:
        for session in physician.store.sessions():
            writer.put_session(session)
            writer.put_seal(physician.store.seals(session.value.session, 0)[0])
        entries = [a.entry for a in physician.store.arrivals(after=0, limit=99)]
        writer.append([entry for entry in entries if entry.header.stream == control_stream(chart)])
    batch = nurse.recorder.begin()
    for act in (
        lambda: batch.create_document(chart, DocumentId(bytes(16))),
        lambda: batch.add_member(chart, nurse.name, frozenset({CLINICAL})),
    ):
        with pytest.raises(RefusedError) as refusal:
            act()
        assert refusal.value.code == "not_a_member"


# ------------------------------------------------------------------------------------------------------ durability


def test_a_full_disk_leaves_everything_as_it_was(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """Where the store cannot write, nothing of the change is there, and the next one goes through."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    before = device.store.size(), device.keyring.charts(), device.shown(chart)
    writing = device.store.writing

    @contextmanager
    def full() -> Iterator:
        with writing() as writer:
            yield writer
            raise StoreError("disk_full", expected="room", got="none", do="free some")

    monkeypatch.setattr(device.store, "writing", full)
    for act in (
        lambda: _write(device, chart, document),
        lambda: device.charts.create((), workflow=None),
        lambda: device.charts.edit_text(chart, document, "plan", "Rest."),
    ):
        with pytest.raises(StoreError, match="room"):
            act()
    monkeypatch.undo()
    assert (device.store.size(), device.keyring.charts(), device.shown(chart)) == before
    device.charts.edit_text(chart, document, "plan", "Rest.")
    assert device.text(chart, document) == "Rest."
    assert not device.store.check()


def test_further_writes_share_the_transaction(clinic: Clinic):
    """What is written with a change is there with it or not at all; without a change, alone."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    batch = device.recorder.begin()
    batch.content(chart, document, CLINICAL, URGENT)
    device.recorder.write(batch, also=lambda writer: writer.put_value("beside", b"1"))
    assert device.store.get_value("beside") == b"1"
    assert device.recorder.write(device.recorder.begin(), also=lambda writer: writer.put_value("beside", None)) == ()
    assert device.store.get_value("beside") is None
    assert device.recorder.write(device.recorder.begin()) == ()


def test_two_changes_at_once_do_not_fork_the_device(clinic: Clinic):
    """A change that was begun before another was written is refused whole; it is repeated on what is there."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    first, second = device.recorder.begin(), device.recorder.begin()
    for batch in (first, second):
        batch.content(chart, document, CLINICAL, URGENT)
    device.recorder.write(first)
    with pytest.raises(StoreError) as changed:
        device.recorder.write(second)
    assert changed.value.code == "store_changed"
    assert not device.store.forked(content_stream(chart, document, CLINICAL))


def test_a_change_of_a_session_that_was_replaced_is_refused(clinic: Clinic):
    """What was begun under the old session is not sealed under the new one."""
    from edge_runtime.identity import new_session

    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    batch = device.recorder.begin()
    batch.content(chart, document, CLINICAL, URGENT)
    device.identity.session = new_session(
        device.identity.keys, device.identity.chain[-1], now_ms=1, entropy=device.entropy
    )
    with pytest.raises(StoreError):
        device.recorder.write(batch)
    _write(device, chart, document)


def test_one_seal_covers_so_many_entries(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """A change of more entries than a seal covers is refused before anything is signed."""
    monkeypatch.setattr(record_module, "SEAL_ENTRIES_MAX", 3)
    device = clinic.device(Role.PHYSICIAN)
    before = device.store.size()
    batch = device.recorder.begin()
    chart = batch.create_chart(DocumentId(bytes(16)))
    for number in range(4):
        batch.create_document(chart, DocumentId(bytes([number]) * 16))
    with pytest.raises(LimitError):
        device.recorder.write(batch)
    assert device.store.size() == before


def test_a_body_over_the_limit_is_refused_before_anything_is_written(clinic: Clinic):
    """One entry holds so much and no more."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    big = Content(facts=(Fact(kind="source", payload={"data": "x" * 170_000}, supersedes=()),), text=None)
    batch = device.recorder.begin()
    with pytest.raises(LimitError):
        batch.content(chart, document, CLINICAL, big)


def test_whoever_listens_hears_of_what_is_written(clinic: Clinic):
    """Each written change is announced once, by its charts; what concerns no chart is not."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    assert device.heard == [Changed(frozenset({chart}))]
    _write(device, chart, document)
    assert device.heard == [Changed(frozenset({chart}))] * 2
    clinic.admin.heard.clear()
    batch = clinic.admin.recorder.begin()
    batch.organisation_control(Certify(certificate=clinic.admin.identity.chain[-1].wire))
    batch.organisation_control(Certify(certificate=clinic.admin.identity.chain[-1].wire))
    written = clinic.admin.recorder.write(batch)
    assert written[1].header.organisation_heads == (written[0].hash,)
    assert clinic.admin.heard == []
    assert clinic.admin.keyring.organisation_heads() == (written[1].hash,)


def test_mending_unknown_charts_is_nothing(clinic: Clinic):
    """Charts that are not here, or whose keys everybody has, take no entry."""
    device = clinic.device(Role.PHYSICIAN)
    chart, _ = _chart(device)
    assert device.recorder.mend([chart, ChartId(bytes(16))]) == 0


def test_a_wall_clock_days_off_is_display_only(clinic: Clinic):
    """Two devices whose clocks are days apart agree on everything but the times shown."""
    one, two = clinic.device(Role.PHYSICIAN), clinic.device(Role.PHYSICIAN)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, document = _chart(one)
    one.charts.share(chart, two.id)
    settle(relay, one, two)
    clinic.clock.now_ms += 30 * 24 * 3600 * 1000
    one.charts.add_facts(chart, document, [fact("status", to="active")])
    settle(relay, one, two)
    clinic.clock.now_ms -= 60 * 24 * 3600 * 1000
    two.charts.add_facts(chart, document, [fact("status", to="completed")])
    settle(relay, one, two)
    assert one.shown(chart) == two.shown(chart)
    assert one.charts.open(chart).document(document).status.value == "completed"


def test_a_session_that_began_by_a_clock_ahead_writes_nothing_once_that_is_set_right(clinic: Clinic):
    """Its first entry would be dated before its beginning, which an audit must call time travel: a new one writes."""
    device = clinic.device(Role.PHYSICIAN)
    began_ms = device.identity.session.value.started_ms
    clinic.clock.now_ms -= 40 * 24 * 3600 * 1000
    _chart(device)
    session = device.identity.session.value
    assert session.started_ms < began_ms - 30 * 24 * 3600 * 1000
    written = [arrived.entry.header for arrived in device.store.arrivals(after=0, limit=100)]
    assert all(header.wall_ms >= session.started_ms for header in written if header.session == session.session)
    assert any(header.session == session.session for header in written)
