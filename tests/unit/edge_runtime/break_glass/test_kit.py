"""A kit opens without a network what members let it carry, after the act is durable on it; and nothing else."""

from __future__ import annotations

import pytest

from edge_runtime.break_glass.announcing import present_glass
from edge_runtime.break_glass.desk import ask, tell_desk
from edge_runtime.break_glass.kit import LAYERS, carried, carry, let_carry, to_carry
from edge_runtime.break_glass.opening import open_with_token
from edge_runtime.errors import RefusedError, RemoteError
from edge_runtime.events import GlassBroken
from sync_protocol import merkle
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.evidence import ReceiptProof
from sync_protocol.roles import Role
from tests.support.people import ORIGIN
from tests.unit.edge_runtime.clinic import carry as hand_over
from tests.unit.edge_runtime.clinic import fact
from tests.unit.edge_runtime.sync.meeting_pair import meet


@pytest.fixture
def kit(emergency):
    """A responder's kit that the doctor lets carry the chart."""
    made = emergency.responder
    doctor = emergency.doctor
    let_carry(emergency.holder(doctor), doctor.recorder, [emergency.chart], made.identity.principal)
    doctor.sync(emergency.relay)
    hand_over(doctor, made)  # as the relay feeds a kit: everything, closed
    return made


def prove(emergency):
    """Proofs of the published log, as `fresh_inclusion` makes them."""
    log = [arrived.entry.hash for arrived in emergency.relay.store.arrivals(after=0, limit=1 << 16)]
    leaves = [merkle.leaf_hash(name) for name in log]
    key = NoteKey(ORIGIN, emergency.clinic.relay_key)
    note = sign_checkpoint(Checkpoint(origin=key.public.name, size=len(leaves), root=merkle.root(leaves)), key)

    def proven(entry):
        index = log.index(entry.hash)
        return ReceiptProof(entry=entry.hash, index=index, path=merkle.inclusion_path(leaves, index), note=note)

    return proven


def load(emergency, kit, **changes):
    """Load the kit with all that it may carry."""
    holder = emergency.holder(kit)
    tell_desk(holder, emergency.http)
    options = {
        "prove": prove(emergency),
        "glass": present_glass(holder).value,
        "send": lambda wire: ask(emergency.http, wire),
        "entropy": kit.entropy,
    } | changes
    return {chart: carry(holder, chart, entry, **options) for chart, entry in to_carry(holder).items()}


def test_a_kit_opens_what_it_carries_without_a_network(emergency, kit):
    """Act, token, keys: neither relay nor desk is asked; the next sync tells everybody."""
    assert load(emergency, kit) == {emergency.chart: 2}
    asked = list(emergency.http.asked)
    stored = emergency.break_it(kit, kit=True)
    holder = emergency.holder(kit)
    opened = open_with_token(holder, kit.recorder, stored, carried(holder, emergency.chart), emergency.token)
    assert (opened.epochs, opened.closed) == (2, 0)
    assert emergency.allergies(kit.restart()) == ["Penicillin"]
    assert emergency.http.asked == asked
    assert emergency.doctor.keyring.membership(emergency.chart).broken == ()
    emergency.settle()
    (broken,) = emergency.doctor.keyring.membership(emergency.chart).broken
    assert (broken.record, broken.act.kit) == (stored.entry.hash, True)


def test_the_act_surfaces_at_a_meeting_without_the_relay(emergency, kit):
    """The next device of the team that the kit meets hears of it."""
    load(emergency, kit)
    stored = emergency.break_it(kit, kit=True)
    meet(kit, emergency.doctor)
    (broken,) = emergency.doctor.keyring.membership(emergency.chart).broken
    assert broken.record == stored.entry.hash
    assert GlassBroken(frozenset({emergency.chart})) in emergency.doctor.heard
    assert GlassBroken(frozenset({emergency.chart})) not in kit.heard


def test_without_the_act_the_kit_shows_nothing(emergency, kit):
    """What it carries is closed: it is no member, and has no key."""
    load(emergency, kit)
    assert emergency.charts_reads(kit) == frozenset()
    data = kit.store.get_value(LAYERS + emergency.chart.hex())
    assert data is not None
    assert b"Penicillin" not in data


def test_the_act_on_a_chart_that_is_here_stands_in_its_own_audit_stream(emergency, kit):
    """Where the team reads it."""
    before = len(emergency.relay_audit(kit))
    emergency.break_it(kit, kit=True)
    assert len(emergency.relay_audit(kit)) == before + 1


def test_the_kit_is_loaded_again_when_keys_changed(emergency, kit):
    """What it has stays; what is new is asked for against the same word."""
    assert load(emergency, kit) == {emergency.chart: 2}
    assert load(emergency, kit) == {emergency.chart: 0}
    nurse = emergency.clinic.device(Role.NURSE)
    emergency.doctor.charts.share(emergency.chart, nurse.id)
    emergency.doctor.charts.add_facts(emergency.chart, emergency.document, [fact("allergy", text="Latex")])
    emergency.doctor.sync(emergency.relay)
    hand_over(emergency.doctor, kit)
    assert load(emergency, kit) == {emergency.chart: 1}
    assert len(carried(emergency.holder(kit), emergency.chart)) == 3


def test_a_kit_that_nobody_let_carry_a_chart_has_none(emergency):
    """Nor does it get one by asking: a word for another kit is not its own."""
    other = emergency.clinic.device(Role.EMERGENCY_RESPONDER)
    other.sync(emergency.relay)
    doctor = emergency.doctor
    let_carry(emergency.holder(doctor), doctor.recorder, [emergency.chart], emergency.responder.identity.principal)
    doctor.sync(emergency.relay)
    hand_over(doctor, other)
    assert to_carry(emergency.holder(other)) == {}
    (entry,) = to_carry_as(emergency, emergency.responder, doctor).values()
    holder = emergency.holder(other)
    tell_desk(holder, emergency.http)
    with pytest.raises(RemoteError) as caught:
        carry(
            holder, emergency.chart, entry,
            prove=prove(emergency), glass=present_glass(holder).value,
            send=lambda wire: ask(emergency.http, wire), entropy=other.entropy,
        )  # fmt: skip
    assert caught.value.code == "untrusted"
    assert carried(holder, emergency.chart) == ()


def to_carry_as(emergency, kit, source):
    """What a kit may carry, once it has what the source has."""
    hand_over(source, kit)
    return to_carry(emergency.holder(kit))


def test_a_word_that_is_not_in_the_log_loads_nothing(emergency, kit):
    """The desk wants the relay's signature over a log that holds it."""
    proven = prove(emergency)

    def forged(entry):
        proof = proven(entry)
        return ReceiptProof(entry=proof.entry, index=proof.index, path=proof.path[1:], note=proof.note)

    with pytest.raises(RemoteError) as caught:
        load(emergency, kit, prove=forged)
    assert caught.value.code == "forged"


def test_a_chart_whose_beginning_is_missing_is_left_out(emergency, kit, monkeypatch):
    """It is listed, and nothing is known of it yet."""
    monkeypatch.setattr(kit.keyring, "membership", lambda _: None)
    assert to_carry(emergency.holder(kit)) == {}


def test_only_a_member_lets_a_kit_carry_and_only_a_clinician_s(emergency):
    """Nobody gives what it does not have, nor to who may not have it."""
    doctor, responder = emergency.doctor, emergency.responder
    with pytest.raises(RefusedError) as caught:
        let_carry(emergency.holder(responder), responder.recorder, [emergency.chart], responder.identity.principal)
    assert caught.value.code in {"no_such_chart", "not_a_member"}
    with pytest.raises(RefusedError) as caught:
        let_carry(emergency.holder(doctor), doctor.recorder, [emergency.chart], emergency.officer.identity.principal)
    assert caught.value.code == "role_reads_no_chart"
