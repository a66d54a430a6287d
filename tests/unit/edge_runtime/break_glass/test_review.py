"""An emergency access is open until another user who is a member has reviewed it; then it ends and keys change."""

from __future__ import annotations

import pytest

from edge_runtime.break_glass.online import layers_online
from edge_runtime.break_glass.opening import open_with_token
from edge_runtime.break_glass.review import accesses_to, close, open_accesses
from edge_runtime.break_glass.stored import broken_before
from edge_runtime.errors import RefusedError
from edge_runtime.events import GlassBroken
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import carry, fact


@pytest.fixture
def stored(emergency):
    """A glass that is broken, as everybody knows."""
    made = emergency.break_it(emergency.responder)
    emergency.settle()
    return made


def test_members_see_who_broke_the_glass(emergency, stored):
    """Who, when, why; the one who did sees that it is their own."""
    (access,) = open_accesses(emergency.holder(emergency.doctor))
    assert (access.chart, access.broken.record) == (emergency.chart, stored.entry.hash)
    assert access.by == emergency.responder.identity.certificate
    assert not access.own
    (own,) = open_accesses(emergency.holder(emergency.responder))
    assert own.own


def test_members_hear_of_it_as_soon_as_it_comes(emergency):
    """By an event and in the report of the sync that brought it, once; who did it, and who comes later, do not."""
    doctor, responder = emergency.doctor, emergency.responder
    stored = emergency.break_it(responder)
    assert responder.sync(emergency.relay).broken == set()
    assert doctor.sync(emergency.relay).broken == {emergency.chart}
    assert GlassBroken(frozenset({emergency.chart})) in doctor.heard
    assert doctor.sync(emergency.relay).broken == set()
    emergency.settle()
    assert not [event for event in responder.heard if isinstance(event, GlassBroken)]
    close(emergency.holder(doctor), doctor.recorder, emergency.chart, stored.entry.hash.short)
    nurse = emergency.clinic.device(Role.NURSE)
    doctor.charts.share(emergency.chart, nurse.id)
    emergency.settle()
    assert not [event for event in nurse.heard if isinstance(event, GlassBroken)]


def test_a_review_ends_the_access(emergency, stored):
    """The author is no member any more, nothing is listed, and the glass does not serve again."""
    doctor = emergency.doctor
    close(emergency.holder(doctor), doctor.recorder, emergency.chart, stored.entry.hash.short)
    emergency.settle()
    assert list(open_accesses(emergency.holder(doctor))) == []
    membership = doctor.keyring.membership(emergency.chart)
    assert emergency.responder.identity.principal not in membership.members


def test_keys_change_with_the_next_thing_that_is_written(emergency):
    """What is written after the review opens with no key that the emergency ever gave."""
    doctor, responder = emergency.doctor, emergency.responder
    stored = emergency.break_it(responder)
    responder.sync(emergency.relay)
    responder.sync(emergency.relay)
    holder = emergency.holder(responder)
    layers = layers_online(holder, stored, emergency.http, glass=emergency.glass, entropy=responder.entropy)
    open_with_token(holder, responder.recorder, stored, layers, emergency.token)
    emergency.settle()
    doctor.charts.add_facts(emergency.chart, emergency.document, [fact("allergy", text="Latex")])
    emergency.settle()
    assert set(emergency.allergies(responder)) == {"Penicillin", "Latex"}
    close(emergency.holder(doctor), doctor.recorder, emergency.chart, stored.entry.hash.short)
    doctor.charts.add_facts(emergency.chart, emergency.document, [fact("allergy", text="Nuts")])
    carry(doctor, responder)  # more than any relay would feed
    assert "Nuts" not in emergency.allergies(responder.restart())
    assert set(emergency.allergies(doctor)) == {"Penicillin", "Latex", "Nuts"}


def test_nobody_reviews_their_own(emergency, stored):
    """Another user must look; and what is not open cannot be closed."""
    responder = emergency.responder
    with pytest.raises(RefusedError) as caught:
        close(emergency.holder(responder), responder.recorder, emergency.chart, stored.entry.hash.short)
    assert caught.value.code == "own_access"
    with pytest.raises(RefusedError) as caught:
        close(emergency.holder(emergency.doctor), emergency.doctor.recorder, emergency.chart, "00000000")
    assert caught.value.code == "no_such_access"


def test_a_review_that_is_known_here_ends_the_second_use(emergency, stored):
    """Whoever opens again after a review breaks the glass again."""
    doctor = emergency.doctor
    close(emergency.holder(doctor), doctor.recorder, emergency.chart, stored.entry.hash.short)
    carry(doctor, emergency.responder)
    holder = emergency.holder(emergency.responder)
    assert broken_before(holder, emergency.chart, now_ms=emergency.clinic.clock()) is None
    assert list(accesses_to(holder, emergency.chart)) == []


def test_who_broke_it_may_be_unknown_here(emergency, stored, monkeypatch):
    """Then it is shown without a name, and anybody may review it."""
    holder = emergency.holder(emergency.doctor)
    assert stored.record is not None
    monkeypatch.setattr(emergency.doctor.identity.trust, "certificate", lambda _: None)
    (access,) = accesses_to(holder, emergency.chart)
    assert access.by is None
    assert not access.own
