"""Adoption: what waits for a reviewer, who may vouch for it, and that nothing is written which would not count."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_runtime.access.charts import Access
from edge_runtime.clinical.layout import Kind
from edge_runtime.errors import RefusedError
from edge_runtime.facts import Content
from edge_runtime.permissions import CONSENT, ROLE
from edge_runtime.recorder.sections import edit_of
from sync_protocol.chart_records import Adopt, Purpose
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason
from sync_protocol.roles import TEXT, Compartment, Role
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact
from tests.unit.edge_runtime.test_verdicts import PULSE, WARFARIN, _revoke, _shared

STOP = fact("medication", text="Warfarin", action="stop")


def access(device: Device) -> Access:
    """The acts of a device on charts."""
    return Access(device.identity, device.keyring, device.recorder, device.clinic.clock, device.store)


def adoption(device: Device, chart):
    """What a device sees waiting in a chart."""
    return access(device).adoption(device.charts.open(chart))


def lost_tablet(clinic: Clinic, *roles: Role):
    """A chart of a physician, a revoked tablet of another, and further members; what the tablet writes comes late."""
    doctor, tablet = clinic.device(Role.PHYSICIAN), clinic.device(Role.PHYSICIAN)
    others = [clinic.device(role) for role in roles]
    chart, document = _shared(doctor, tablet, *others)
    carry(tablet, clinic.admin)
    _revoke(clinic, tablet)
    return chart, document, doctor, tablet, others


def hand_round(clinic: Clinic, source: Device, *devices: Device) -> None:
    """Bring what a device wrote, and the revocation, to others."""
    for device in devices:
        carry(source, device)
        carry(clinic.admin, device)


def test_what_waits_is_listed_with_all_that_a_reviewer_decides_by(clinic: Clinic):
    """Author, time, reason, what it says, what an adopter must be allowed to write, and who may; oldest first."""
    chart, document, doctor, tablet, (nurse, lab) = lost_tablet(clinic, Role.NURSE, Role.LAB_TECHNICIAN)
    drug = tablet.charts.add_facts(chart, document, [STOP])[-1]
    clinic.clock.now_ms += 60_000
    finding = tablet.charts.add_facts(chart, document, [PULSE])[-1]
    hand_round(clinic, tablet, doctor, nurse, lab)
    first, second = adoption(doctor, chart).waiting
    assert (first.entry, second.entry) == (drug.hash, finding.hash)
    assert (first.document, first.compartment, first.kinds) == (document, Compartment.SAFETY, {Kind.MEDICATION})
    assert (first.says, first.why) == (
        ("medication: Warfarin stop",),
        ("written on a device or by a user whose access was revoked",),
    )
    assert str(first.author.device) == tablet.id
    assert first.wall_ms == drug.header.wall_ms
    found = adoption(doctor, chart)
    assert set(found.adopters(first)) == {doctor.identity.principal, nurse.identity.principal}
    assert set(found.adopters(second)) == set(found.adopters(first)) | {lab.identity.principal}


def test_an_adopted_fact_counts_everywhere(clinic: Clinic):
    """After the adoption nothing of it waits any more, here or elsewhere."""
    chart, document, doctor, tablet, (nurse,) = lost_tablet(clinic, Role.NURSE)
    late = tablet.charts.add_facts(chart, document, [STOP])[-1]
    hand_round(clinic, tablet, doctor, nurse)
    found = adoption(nurse, chart)
    assert found.adopt([found.find(str(late.hash)[:8])]) == (late.hash,)
    carry(nurse, doctor)
    for device in (doctor, nurse):
        assert not adoption(device, chart).waiting
        (item,) = device.charts.open(chart).document(document).medications
        assert item.status == "stopped"


def test_a_text_is_adopted_with_what_it_was_typed_after(clinic: Clinic):
    """The view is shown whole, and the record names its quarantined past in the same Doc, not that of another."""
    chart, document, doctor, tablet, (nurse,) = lost_tablet(clinic, Role.NURSE)
    first = tablet.charts.edit_text(chart, document, "plan", "Rest.")[-1]
    second = tablet.charts.edit_text(chart, document, "plan", "Rest. Drink.")[-1]
    other = tablet.charts.edit_text(chart, document, "history", "A fall.")[-1]
    hand_round(clinic, tablet, doctor, nurse)
    found = adoption(nurse, chart)
    plan = found.find(str(first.hash))
    assert plan is found.find(str(second.hash)[:8])
    assert (plan.entry, plan.kinds, plan.says) == (second.hash, {TEXT}, ("text of section plan:", "Rest. Drink."))
    assert set(found.adopt([plan])) == {first.hash, second.hash}
    assert nurse.text(chart, document) == "Rest. Drink."
    (left,) = adoption(nurse, chart).waiting
    assert left.entry == other.hash


def test_a_text_that_counts_itself_waits_for_its_past(clinic: Clinic):
    """Who wrote on in sight of a quarantined text wrote a view; adopting that takes what is quarantined in its past."""
    chart, document, doctor, tablet, (nurse,) = lost_tablet(clinic, Role.NURSE)
    late = tablet.charts.edit_text(chart, document, "plan", "Rest.")[-1]
    carry(tablet, nurse)
    on = nurse.charts.edit_text(chart, document, "plan", "Rest. Drink.")[-1]
    hand_round(clinic, nurse, doctor)
    (one,) = adoption(doctor, chart).waiting
    assert (one.entry, one.adopts) == (on.hash, (late.hash,))
    adoption(doctor, chart).adopt([one])
    assert doctor.text(chart, document) == "Rest. Drink."


def test_an_entry_with_facts_and_a_text_waits_once(clinic: Clinic):
    """No honest device writes one; whoever adopts it vouches for both."""
    chart, document, doctor, tablet, _ = lost_tablet(clinic)
    tablet.charts.edit_text(chart, document, "plan", "Rest.")
    batch = tablet.recorder.begin()
    heads = batch.heads(chart, document, Compartment.CLINICAL)
    found = tablet.charts.open(chart).documents[document]
    start = edit_of(found, "plan", batch.desk.session, "Walk.", heads=heads, fresh=True)
    assert start is not None
    assert start.facts is not None
    batch.content(chart, document, Compartment.CLINICAL, Content(facts=(PULSE, *start.facts), text=None))
    (mixed,) = tablet.recorder.write(batch)
    hand_round(clinic, tablet, doctor)
    one = adoption(doctor, chart).find(str(mixed.hash))
    assert one.kinds == {"observation", "text_start"}
    assert one.says[0].startswith("observation")
    assert one.says[-1] == "Walk."


def test_a_view_that_counts_waits_for_an_edit_and_not_for_an_adoption(clinic: Clinic):
    """Written into a text that somebody replaced without seeing it: shown apart, and nothing of it is quarantined."""
    doctor, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, document = _shared(doctor, nurse)
    doctor.charts.edit_text(chart, document, "plan", "Rest.")
    carry(doctor, nurse)
    nurse.charts.edit_text(chart, document, "plan", "Rest. Drink.")
    batch = doctor.recorder.begin()
    heads = batch.heads(chart, document, Compartment.CLINICAL)
    found = doctor.charts.open(chart).documents[document]
    start = edit_of(found, "plan", batch.desk.session, "Walk.", heads=heads, fresh=True)
    assert start is not None
    batch.content(chart, document, Compartment.CLINICAL, start)
    doctor.recorder.write(batch)
    carry(nurse, doctor)
    assert doctor.charts.open(chart).documents[document].text("plan").views
    assert not adoption(doctor, chart).waiting


def test_nobody_adopts_what_would_not_count(clinic: Clinic):
    """Own entries, kinds that the role may not write, nothing at all: refused by name, nothing is written."""
    chart, document, doctor, tablet, (lab, guest) = lost_tablet(clinic, Role.LAB_TECHNICIAN, Role.NURSE)
    tablet.charts.add_facts(chart, document, [STOP])
    hand_round(clinic, tablet, doctor, lab)
    own, role = adoption(tablet, chart), adoption(lab, chart)
    assert not own.waiting  # the tablet does not know of its revocation
    carry(clinic.admin, tablet)
    sizes = {device: device.store.size() for device in (tablet, lab)}
    assert not adoption(tablet, chart).waiting  # once it knows, it reads nothing there
    (one,) = role.waiting
    with pytest.raises(RefusedError) as refusal:
        role.adopt([one])
    assert refusal.value.code == ROLE
    with pytest.raises(RefusedError) as refusal:
        role.adopt([])
    assert refusal.value.code == "nothing_to_adopt"
    assert "1 entries that others may adopt" in refusal.value.got
    with pytest.raises(RefusedError) as refusal:
        role.find("ffff")
    assert refusal.value.code == "no_such_quarantined_entry"
    assert {device: device.store.size() for device in (tablet, lab)} == sizes
    assert guest.identity.principal in role.adopters(one)


def test_a_users_other_device_adopts_nothing_of_that_user(clinic: Clinic):
    """Two devices of one user are one reviewer: the second pair of eyes is another person's."""
    chart, document, doctor, tablet, _ = lost_tablet(clinic)
    tablet.charts.add_facts(chart, document, [PULSE])
    hand_round(clinic, tablet, doctor)
    found = adoption(doctor, chart)
    (one,) = found.waiting
    object.__setattr__(one, "users", frozenset({doctor.identity.certificate.user}))
    refusal = found.why_not(one)
    assert refusal is not None
    assert refusal.code == "own_entries"
    assert found.adopters(one) == ()


def test_who_reads_less_or_broke_the_glass_adopts_nothing(clinic: Clinic):
    """What is kept apart waits for who reads it, and an emergency hands nothing on."""
    doctor, tablet, nurse = (clinic.device(role) for role in (Role.PHYSICIAN, Role.PHYSICIAN, Role.NURSE))
    chart, document = _shared(doctor, tablet)
    carry(tablet, clinic.admin)
    _revoke(clinic, tablet)
    tablet.charts.add_facts(chart, document, [PULSE], compartment=Compartment.SENSITIVE)
    tablet.charts.add_facts(chart, document, [WARFARIN])
    hand_round(clinic, tablet, doctor)
    carry(doctor, nurse)
    batch = nurse.recorder.begin()
    batch.break_in(chart, BreakGlass(reason=BreakGlassReason.UNCONSCIOUS, kit=False, nonce=bytes(16)))
    nurse.recorder.write(batch)
    carry(nurse, doctor)
    found = adoption(doctor, chart)
    apart, drug = sorted(found.waiting, key=lambda one: one.compartment, reverse=True)
    codes = {one.compartment: found._lacks(nurse.identity.principal, one) for one in (apart, drug)}
    assert {name: refusal.code for name, refusal in codes.items() if refusal is not None} == {
        Compartment.SENSITIVE: "not_a_reader",
        Compartment.SAFETY: "by_broken_glass",
    }


def test_a_closed_chart_shows_nothing_to_adopt(clinic: Clinic):
    """Without the consent to treatment nothing is opened, for a reviewer either."""
    chart, _, doctor, _, _ = lost_tablet(clinic)
    access(doctor).consent(chart, Purpose.TREATMENT, permitted=False)
    with pytest.raises(RefusedError) as refusal:
        adoption(doctor, chart)
    assert refusal.value.code == CONSENT


def test_text_of_a_fork_comes_back_by_adoption(clinic: Clinic, tmp_path: Path):
    """Both branches are quarantined; the one that a reviewer vouches for is read again, the other stays a view."""
    doctor, writer = clinic.device(Role.PHYSICIAN), clinic.device(Role.PHYSICIAN)
    chart, document = _shared(doctor, writer)
    copy = tmp_path / "copy.db"
    writer.store.checkpoint()
    writer.store.copy(copy)
    one = writer.charts.edit_text(chart, document, "plan", "Rest.")[-1]
    carry(writer, doctor)
    writer.store.close()
    shutil.copy(copy, writer.path)
    for beside in writer.path.parent.glob(writer.path.name + "-*"):
        beside.unlink()
    writer.restart()
    two = writer.charts.edit_text(chart, document, "plan", "Walk.")[-1]
    carry(writer, doctor)
    found = adoption(doctor, chart)
    assert {waiting.entry for waiting in found.waiting} == {one.hash, two.hash}
    assert doctor.text(chart, document) == ""
    found.adopt([found.find(str(one.hash))])
    assert doctor.text(chart, document) == "Rest."
    assert [waiting.entry for waiting in adoption(doctor, chart).waiting] == [two.hash]


def test_many_entries_take_several_records(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """One record names so many; all of them go in one change."""
    monkeypatch.setattr("edge_runtime.access.adoption.ADOPTED_MAX", 2)
    chart, document, doctor, tablet, _ = lost_tablet(clinic)
    for _ in range(3):
        tablet.charts.add_facts(chart, document, [PULSE])
    hand_round(clinic, tablet, doctor)
    found = adoption(doctor, chart)
    found.adopt(found.waiting)
    records = [entry.record for entry in doctor.keyring.control_entries(chart) if isinstance(entry.record, Adopt)]
    assert [len(record.entries) for record in records] == [2, 1]
    assert not adoption(doctor, chart).waiting


def test_a_revoked_device_is_told_that_it_reads_no_text(clinic: Clinic):
    """Once it knows of its revocation, an edit is refused like every other change."""
    chart, document, doctor, tablet, _ = lost_tablet(clinic)
    doctor.charts.edit_text(chart, document, "plan", "Walk.")
    hand_round(clinic, doctor, tablet)
    with pytest.raises(RefusedError) as refusal:
        tablet.charts.edit_text(chart, document, "plan", "Rest.")
    assert refusal.value.code == "not_a_reader"
