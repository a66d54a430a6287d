"""The timeline of a device: complete, in causal order, and no more open than the device's keys."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edge_runtime.audit.controls import _CONTROLS, controlled
from edge_runtime.audit.event import Event, derived, written
from edge_runtime.audit.merging import Link
from edge_runtime.audit.opening import Opener
from edge_runtime.audit.places import stream_places
from edge_runtime.audit.selection import Selection, who_saw
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.facts import Content, Fact
from sync_protocol.audit import KINDS, Purpose, Result, Risk, audit_record
from sync_protocol.chart_records import (
    AddTeam,
    Adopt,
    ConfirmPurge,
    Preload,
    ProposePurge,
    PurgeReason,
    SetConsent,
    SetHold,
)
from sync_protocol.chart_records import Purpose as ConsentPurpose
from sync_protocol.control import (
    TAGS,
    AnnounceRelay,
    Certify,
    Invite,
    Rewrap,
    SetRole,
    UnknownControl,
    audit_stream,
    content_stream,
    control_stream,
)
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason, RunRecovery
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, DocumentId, EntryHash, Hash, InvitationId, TeamId
from sync_protocol.roles import Compartment, Role
from tests.unit.edge_runtime.audit.acts import Ward, act, lines, timeline
from tests.unit.edge_runtime.clinic import carry, fact

HOUR_MS = 3_600_000


def of(ward: Ward, whose, **chosen) -> list[Event]:
    """A device's events on the chart."""
    return list(timeline(whose).events(Selection(chart=ward.chart, **chosen)))


def slow(device, by_ms: int) -> None:
    """Put a device's clock back."""
    clock = device.recorder._clock
    device.recorder._clock = lambda: clock() - by_ms


def test_acts_of_everybody(ward):
    """What each device did stands in everybody's timeline of the chart, content and control entries included."""
    ward.read(ward.nurse)
    ward.nurse.charts.add_facts(ward.chart, ward.encounter, [fact("status", to="completed")])
    ward.deliver()
    kinds = lines(ward.physician, chart=ward.chart)
    assert kinds[0] == "chart_created"
    assert {"document_created", "member_added", "keys_changed", "content_written", "workflow_started"} <= set(kinds)
    assert kinds.index("workflow_started") < kinds.index("data_accessed") < kinds.index("workflow_completed")
    assert lines(ward.clinic.admin)[:3] == ["device_certified"] * 3
    assert len(timeline(ward.physician)) == ward.physician.store.size()


def test_order_despite_clocks(ward):
    """A read stands after what it was shown though its device's clock is an hour slow; both clocks are doubted."""
    slow(ward.nurse, HOUR_MS)
    ward.read(ward.nurse)
    ward.deliver()
    ward.physician.charts.edit_text(ward.chart, ward.encounter, "plan", "Rest.")
    ward.deliver()
    for device in (ward.physician, ward.officer, ward.nurse):
        events = of(ward, device)
        names = [event.what.kind.name for event in events]
        read = names.index("data_accessed")
        shown = max(at for at, event in enumerate(events) if event.entry in seen_of(ward, events[read]))
        assert shown < read
        assert events[read].clock_doubted
        assert events[shown].clock_doubted
        assert events[read].wall_ms < events[shown].wall_ms
        assert not events[-1].clock_doubted


def seen_of(ward: Ward, event: Event) -> set[EntryHash]:
    """What an event's entry follows."""
    return set(timeline(ward.officer)._entries[event.entry].node.names)


def test_same_everywhere(ward):
    """Devices that hold the same entries show them in the same order, however they came."""
    for device in (ward.nurse, ward.physician):
        ward.read(device)
        ward.refuse(device)
    ward.deliver()
    first, second = ([event.entry for event in of(ward, device)] for device in (ward.physician, ward.officer))
    assert first == second


def test_officer(ward):
    """Who cannot open content sees that it was written, by whom and when; what was read is open to the officer."""
    ward.read(ward.nurse, "allergy")
    ward.deliver()
    events = of(ward, ward.officer)
    content = [event for event in events if event.what.kind.name == "content_written"]
    assert content
    assert all(not event.what.readable and event.what.fields == () for event in content)
    assert {event.who.role for event in content} == {Role.PHYSICIAN}
    assert {event.what.documents[0] for event in content} <= {ward.document, ward.encounter}
    read = next(event for event in events if event.what.kind.name == "data_accessed")
    assert read.what.fields == ("allergy",)
    assert read.who.role is Role.NURSE
    assert read.what.purpose is Purpose.TREATMENT


def test_no_values(ward):
    """No event says what stands in a chart: not its text, not a name, not a date."""
    ward.read(ward.physician)
    ward.deliver()
    for device in (ward.physician, ward.officer):
        said = json.dumps([event.to_json() for event in timeline(device).events(Selection())])
        assert "text.plan" in said
        for value in ("Paracetamol", "Zoraida", "Quispe", "1961-04-02"):
            assert value not in said


def test_ledger(ward):
    """A list of charts stands in the ledger of its device; it is found by each chart that it names."""
    listed = audit_record("charts_listed", purpose=Purpose.OPERATIONS, charts=(ward.chart,), count=1)
    entry = act(ward.nurse, None, listed)
    ward.deliver()
    event = of(ward, ward.officer, kinds=frozenset({"charts_listed"}))[0]
    assert (event.entry, event.chart, event.ledger, event.what.charts) == (entry.hash, None, True, (ward.chart,))
    other = ward.physician.charts.create((), workflow=None)[0]
    ward.deliver()
    assert not list(timeline(ward.officer).events(Selection(chart=other, kinds=frozenset({"charts_listed"}))))
    started = next(e for e in timeline(ward.officer).events(Selection()) if e.ledger)
    assert started.title == "Started the device's ledger"
    closed = next(e for e in timeline(ward.physician).events(Selection()) if e.entry == entry.hash)
    assert closed.title == "Something not readable here"
    assert not closed.what.readable


def test_witnessed(ward):
    """An entry that is on its device only is not yet witnessed."""
    ward.read(ward.nurse)
    assert not of(ward, ward.nurse)[-1].witnessed
    ward.deliver()
    assert of(ward, ward.officer)[-1].witnessed


def test_filters(ward):
    """Person, device, kind, risk and time narrow the timeline; a limit keeps the newest."""
    ward.read(ward.nurse)
    refused = ward.refuse(ward.nurse)
    ward.deliver()
    nurse = ward.nurse.identity.certificate
    assert {event.who.user for event in of(ward, ward.officer, user=nurse.user)} == {nurse.user}
    assert {event.who.device for event in of(ward, ward.officer, device=nurse.device)} == {nurse.device}
    assert [event.entry for event in of(ward, ward.officer, risk=Risk.HIGH)] == [refused.hash]
    assert {event.what.risk for event in of(ward, ward.officer, risk=Risk.MEDIUM)} >= {Risk.MEDIUM, Risk.CRITICAL}
    at = refused.header.wall_ms
    assert [event.entry for event in of(ward, ward.officer, since_ms=at, until_ms=at + 1)] == [refused.hash]
    assert of(ward, ward.officer, until_ms=0) == []
    everything = list(timeline(ward.officer).events(Selection()))
    assert list(timeline(ward.officer).events(Selection(), limit=3)) == everything[-3:]
    assert list(timeline(ward.officer).events(Selection(), limit=1000)) == everything


def test_who_saw(ward):
    """A person on a device is one line: how often, first and last; who was refused saw nothing."""
    first = ward.read(ward.nurse)
    last = ward.read(ward.nurse)
    ward.refuse(ward.nurse)
    act(ward.nurse, None, audit_record("charts_listed", purpose=Purpose.OPERATIONS, charts=(ward.chart,)))
    ward.refuse(ward.physician)
    ward.deliver()
    sight, *rest = who_saw(timeline(ward.officer).events(Selection(chart=ward.chart)), ward.chart)
    assert rest == []
    assert sight.to_json() == {
        "user": str(ward.nurse.identity.certificate.user),
        "role": "nurse",
        "device": ward.nurse.id,
        "count": 2,
        "listed": 1,
        "kinds": {"charts_listed": 1, "data_accessed": 2},
        "first_ms": first.header.wall_ms,
        "last_ms": sight.last_ms,
    }
    assert sight.last_ms > last.header.wall_ms


def test_unknown_chart(ward):
    """Content of a chart whose records have not come is in the timeline as something that was written."""
    chart, (document,) = ward.physician.charts.create([fact("allergy", text="Latex")], workflow=None)
    sealed = [a.entry for a in ward.physician.store.arrivals(after=0, limit=999) if a.entry.header.epoch is not None]
    carry(ward.physician, ward.nurse, sealed)
    del chart, document
    event = list(timeline(ward.nurse).events(Selection()))[-1]
    assert (event.what.kind.name, event.what.readable, event.chart) == ("content_written", False, None)


def test_malformed_bodies(ward):
    """A sealed body that is no content and no audit record is shown as not readable, and keeps its place."""
    batch = ward.physician.recorder.begin()
    clinical = content_stream(ward.chart, ward.encounter, Compartment.CLINICAL)
    audit = audit_stream(ward.chart, ward.document)
    for stream, compartment in ((clinical, Compartment.CLINICAL), (audit, Compartment.AUDIT)):
        epoch = batch._writing(ward.chart, compartment)
        batch._drafts.add(stream, b"\x00nonsense", chart_heads=batch.membership(ward.chart).heads, epoch=epoch)
    written_now = [entry for entry in ward.physician.recorder.write(batch) if entry.header.epoch is not None]
    found = {event.entry: event.what for event in of(ward, ward.physician)}
    assert [found[entry.hash].kind.name for entry in written_now] == ["content_written", "unknown"]
    assert not any(found[entry.hash].readable for entry in written_now)


def test_unsound_bodies(ward):
    """A body that does not open under its epoch, or stands under another compartment's, is shown as not readable."""
    entry = ward.read(ward.nurse)
    keyring = ward.nurse.keyring
    places = stream_places(keyring, ward.clinic.root.value.control)
    place, opener = places[entry.header.stream], Opener(keyring)
    assert opener.what(entry, place).readable
    forged = VerifiedEntry.from_store(replace(entry.wire, body=bytes(len(entry.body))))
    assert not opener.what(forged, place).readable
    assert not opener.what(entry, replace(place, compartment=Compartment.CLINICAL)).readable
    batch = ward.physician.recorder.begin()
    batch._drafts.add(control_stream(ward.chart), b"\x00", chart_heads=batch.membership(ward.chart).heads)
    (broken,) = ward.physician.recorder.write(batch)
    found = next(event for event in timeline(ward.physician).events(Selection()) if event.entry == broken.hash)
    assert (found.what.kind.name, found.what.readable, found.chart) == ("unknown", False, ward.chart)


def test_chart_without_its_first_record(ward, monkeypatch):
    """A chart whose members are not known yet still has its control entries in its own timeline."""
    monkeypatch.setattr(ward.nurse.keyring, "membership", lambda _: None)
    events = of(ward, ward.nurse)
    assert {event.what.kind.name for event in events} >= {"chart_created", "member_added", "keys_changed"}
    assert not [event for event in events if event.what.kind.name == "content_written"]
    assert "content_written" in [event.what.kind.name for event in timeline(ward.nurse).events(Selection())]


def test_impossible_claims_are_reported(ward):
    """A meeting that claims to have heard of what was written after it is not believed, and that is told."""
    stream = content_stream(ward.chart, ward.encounter, Compartment.CLINICAL)
    session = ward.physician.identity.session.value.session
    invented = ((stream, (session, (99, EntryHash(bytes(32))))),)
    met = act(ward.nurse, ward.chart, audit_record("met_peer", purpose=Purpose.OPERATIONS, heads=invented))
    ward.deliver()
    ward.read(ward.physician, seen=(met.hash,))
    (later,) = ward.physician.charts.edit_text(ward.chart, ward.encounter, "plan", "Rest.")
    ward.deliver()
    merged = timeline(ward.officer)
    assert [(one.earlier, one.later, one.link) for one in merged.dropped] == [(later.hash, met.hash, Link.INFERRED)]
    assert [event.entry for event in merged.events(Selection(), limit=1)] == [later.hash]


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ([fact("status", to="completed"), fact("document", workflow_type="encounter")], "workflow_completed"),
        ([fact("step_event", to="completed")], "workflow_step_completed"),
        ([fact("document", workflow_type=WorkflowType.CONSULTATION)], "workflow_started"),
        ([fact("document", workflow_type=WorkflowType.CHART)], "content_written"),
        ([fact("status", to="active")], "content_written"),
        ([fact("allergy", text="Latex")], "content_written"),
        ([], "content_written"),
    ],
)
def test_kinds_of_content(facts: list[Fact], kind: str):
    """A content entry is the act that its facts are: the furthest step of a workflow, otherwise that it was written."""
    what = written(Content(facts=tuple(facts), text=None), DocumentId(bytes(16)), Compartment.CLINICAL)
    assert what.kind.name == kind
    assert what.fields == tuple(sorted({one.kind for one in facts}))
    assert what.risk is KINDS[kind].risk


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (AnnounceRelay(record=b"x"), "relay_announced"),
        (Certify(certificate=b"no certificate"), "device_certified"),
        (
            Invite(invitation=InvitationId(bytes(16)), role=Role.NURSE, expires_ms=1, proof=Hash(bytes(32))),
            "device_invited",
        ),
        (Rewrap(epoch=EntryHash(bytes(32)), wraps=()), "keys_changed"),
        (AddTeam(team=TeamId(bytes(16)), compartments=(Compartment.SAFETY,)), "member_added"),
        (SetConsent(purpose=ConsentPurpose.RESEARCH, permitted=False), "consent_changed"),
        (SetConsent(purpose=ConsentPurpose.RESEARCH, permitted=True), "consent_changed"),
        (BreakGlass(reason=BreakGlassReason.OTHER, kit=True, nonce=bytes(16)), "glass_broken"),
        (BreakGlass(reason=BreakGlassReason.OTHER, kit=False, nonce=bytes(16)), "glass_broken"),
        (Preload(certificate=CertificateHash(bytes(32))), "kit_preloaded"),
        (RunRecovery(recovery=Hash(bytes(32)), drill=True, nonce=bytes(16)), "recovery_drilled"),
        (RunRecovery(recovery=Hash(bytes(32)), drill=False, nonce=bytes(16)), "recovery_begun"),
        (UnknownControl(99), "unknown"),
        (None, "unknown"),
    ],
)
def test_kinds_of_control(record, kind: str):
    """Every control record is an act of the catalogue; one that cannot be read is shown as unknown."""
    assert controlled(record).kind.name == kind


def test_every_control_record_has_a_kind():
    """None of those that this version writes is missing from the table."""
    assert set(_CONTROLS) == set(TAGS.values())
    assert set(_CONTROLS.values()) <= set(KINDS)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (SetHold(held=True), {"held": "yes"}),
        (SetHold(held=False), {"held": "no"}),
        (SetRole(certificate=CertificateHash(bytes(32)), role=Role.NURSE), {"role": "nurse"}),
        (
            ProposePurge(reason=PurgeReason.COURT_ORDER, not_before_ms=5),
            {"reason": "court_order", "not_before_ms": "5"},
        ),
        (ConfirmPurge(proposal=EntryHash(bytes(32))), {}),
    ],
)
def test_words_of_control(record, said):
    """A line of the timeline says which way it went: codes and dates, nothing that a person typed."""
    assert dict(controlled(record).detail) == said


def test_an_adoption_says_of_how_many_entries():
    """Vouching for a hundred is another act than vouching for one."""
    what = controlled(Adopt(entries=(EntryHash(bytes(32)), EntryHash(bytes([1]) * 32))))
    assert (what.kind.name, what.count) == ("entries_adopted", 2)


def test_a_broken_glass_is_critical():
    """A compliance officer who looks at the top of the list sees it, with its reason and for what it was."""
    what = controlled(BreakGlass(reason=BreakGlassReason.UNCONSCIOUS, kit=True, nonce=bytes(16)))
    assert (what.risk, what.purpose) == (Risk.CRITICAL, Purpose.EMERGENCY)
    assert dict(what.detail) == {"reason": "unconscious", "kit": "yes"}


def test_json_form(ward):
    """The keys for machines are stable."""
    ward.read(ward.nurse, count=3, detail={"format": "screen"})
    event = of(ward, ward.nurse)[-1].to_json()
    assert list(event) == [
        "entry", "stream", "seq", "wall_ms", "clock_doubted", "user", "role", "device", "session", "kind", "title",
        "action", "risk", "result", "purpose", "chart", "ledger", "charts", "documents", "fields", "compartments",
        "peer", "peer_device", "count", "detail", "checks", "behalf", "readable", "witnessed", "refused",
    ]  # fmt: skip
    assert (event["detail"], event["count"], event["checks"]) == ({"format": "screen"}, 3, ["membership"])
    assert event["result"] == Result.DONE
    assert derived("unknown").readable


def test_progress(ward):
    """Reading says how far it has come."""
    from edge_runtime.audit.timeline import Timeline

    told: list[tuple[int, int]] = []
    device = ward.nurse
    Timeline(device.store, device.identity, device.keyring, progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (device.store.size(), device.store.size())
