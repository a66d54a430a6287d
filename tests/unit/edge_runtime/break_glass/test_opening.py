"""Online: no key without the act, its receipt, the desk and the token; then the chart opens, for good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_runtime.audit.opening import Opener
from edge_runtime.audit.places import stream_places
from edge_runtime.break_glass import asking
from edge_runtime.break_glass.asking import Layer, ask_for_layers, receipt_of, wraps_behind_glass
from edge_runtime.break_glass.desk import ask, tell_desk
from edge_runtime.break_glass.online import layers_online
from edge_runtime.break_glass.opening import open_with_token, still_closed
from edge_runtime.break_glass.stored import SERVES_MS, Stored, broken_before
from edge_runtime.errors import InputError, RefusedError, RemoteError
from edge_runtime.store.uploads import UploadState
from sync_protocol.control import audit_stream, control_stream, ledger_id
from sync_protocol.emergency_records import BreakGlassReason
from sync_protocol.errors import ForgedError
from sync_protocol.ids import ChartId, Hash
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.revocation import Revocation, RevocationReason, Revoke, issue_revocation
from sync_protocol.roles import Compartment, Role
from tests.unit.edge_runtime.break_glass.conftest import WHY
from tests.unit.edge_runtime.clinic import fact


def ask_all(emergency, stored, device=None):
    """Have the desk take off what it may."""
    asking_device = device or emergency.responder
    return layers_online(
        emergency.holder(asking_device), stored, emergency.http, glass=emergency.glass, entropy=asking_device.entropy
    )


def open_all(emergency, stored, layers, token=None, device=None):
    """Open layers."""
    opening = device or emergency.responder
    return open_with_token(
        emergency.holder(opening), opening.recorder, stored, layers, emergency.token if token is None else token
    )


def test_a_stranger_opens_a_chart_and_everybody_hears_of_it(emergency):
    """Act, receipt, desk, token: the responder reads the chart, also after a restart, and the member sees that."""
    responder = emergency.responder
    assert emergency.chart not in responder.keyring.charts()
    stored = emergency.break_it(responder)
    responder.sync(emergency.relay)
    responder.sync(emergency.relay)
    layers = ask_all(emergency, stored)
    opened = open_all(emergency, stored, layers)
    assert (opened.epochs, opened.closed) == (2, 0)
    assert emergency.allergies(responder) == ["Penicillin"]
    assert emergency.allergies(responder.restart()) == ["Penicillin"]
    emergency.settle()
    (broken,) = emergency.doctor.keyring.membership(emergency.chart).broken
    assert (broken.author, broken.record) == (responder.identity.principal, stored.entry.hash)
    emergency.responder.charts.add_facts(emergency.chart, emergency.document, [fact("allergy", text="Latex")])
    emergency.settle()
    assert set(emergency.allergies(emergency.doctor)) == {"Penicillin", "Latex"}


def test_the_reason_in_words_is_sealed_for_the_compliance_officer(emergency):
    """It goes with the act in one transaction: into the ledger where the chart is not here yet."""
    stored = emergency.break_it(emergency.responder)
    ledger = ledger_id(emergency.responder.identity.principal)
    emergency.settle()
    officer = emergency.officer.keyring
    stream = audit_stream(ledger, officer.membership(ledger).chart_document)
    (entry,) = [a.entry for a in emergency.officer.store.arrivals(after=0, limit=100, streams=(stream,))]
    assert entry.header.seal == stored.entry.header.seal
    places = dict(stream_places(officer, emergency.clinic.root.value.control))
    record = Opener(officer).record(entry, places[stream])
    assert record is not None
    assert dict(record.detail) == {"reason": "unconscious", "why": WHY, "entry": stored.entry.hash.hex()}
    assert record.charts == (emergency.chart,)
    assert WHY.encode() not in entry.body


@pytest.mark.parametrize("why", ["", "  ", "x" * 1025])
def test_the_glass_is_not_broken_without_words(emergency, why):
    """Nothing is recorded without a reason that a person can judge."""
    before = emergency.responder.store.size()
    with pytest.raises(InputError):
        emergency.break_it(emergency.responder, why=why)
    assert emergency.responder.store.size() == before


def test_who_reads_no_charts_or_is_a_member_breaks_nothing(emergency):
    """The first would open nothing, the second needs it not."""
    with pytest.raises(RefusedError) as caught:
        emergency.break_it(emergency.officer)
    assert caught.value.code == "role_reads_no_chart"
    with pytest.raises(RefusedError) as caught:
        emergency.break_it(emergency.doctor)
    assert caught.value.code == "already_a_member"


def test_stored_is_made_of_what_was_written(emergency):
    """Nobody else makes what opens layers."""
    stored = emergency.break_it(emergency.responder)
    with pytest.raises(AssertionError):
        Stored(object(), chart=stored.chart, entry=stored.entry, record=stored.record)
    assert emergency.responder.store.entry(stored.entry.hash) is not None


def test_without_a_receipt_the_desk_is_not_even_asked(emergency):
    """Not yet synced; taken back by the feed without a place in the log; refused by the relay."""
    responder = emergency.responder
    stored = emergency.break_it(responder)
    with pytest.raises(RefusedError) as caught:
        ask_all(emergency, stored)
    assert caught.value.code == "not_receipted"
    with responder.store.writing() as writer:
        writer.mark_refused(stored.entry.hash, "not_clinical", "no")
    with pytest.raises(RefusedError, match="not_clinical"):
        receipt_of(emergency.holder(responder), stored)
    assert emergency.http.asked == []


def test_the_desk_refuses_a_receipt_that_does_not_hold(emergency):
    """Whatever this device's store says, the desk verifies the path to the relay's signature itself."""
    responder = emergency.responder
    stored = emergency.break_it(responder)
    responder.sync(emergency.relay)
    responder.sync(emergency.relay)
    holder = emergency.holder(responder)
    receipt = replace(receipt_of(holder, stored), path=())
    wraps = wraps_behind_glass(holder, emergency.chart, known=lambda _: False)
    tell_desk(holder, emergency.http)
    with pytest.raises(RemoteError) as caught:
        ask_for_layers(
            holder, emergency.chart, stored.entry, receipt, wraps,
            glass=emergency.glass, send=lambda wire: ask(emergency.http, wire), entropy=responder.entropy,
        )  # fmt: skip
    assert caught.value.code == "forged"


def test_a_chart_that_does_not_come_is_named(emergency, monkeypatch):
    """A wrong digit on the wristband: the act stands, and says so."""
    responder = emergency.responder
    stored = emergency.break_it(responder)
    responder.sync(emergency.relay)
    monkeypatch.setattr(responder.keyring, "membership", lambda _: None)
    with pytest.raises(RefusedError) as caught:
        ask_all(emergency, stored)
    assert caught.value.code == "no_such_chart"


def test_a_broken_glass_serves_again_for_a_day(emergency):
    """Whoever lost the network half-way breaks nothing a second time; a member's review ends it."""
    responder = emergency.responder
    holder = emergency.holder(responder)
    stored = emergency.break_it(responder)
    again = broken_before(holder, emergency.chart, now_ms=emergency.clinic.clock())
    assert again is not None
    assert again.entry.hash == stored.entry.hash
    assert again.record.reason is BreakGlassReason.UNCONSCIOUS
    assert broken_before(holder, ChartId(b"x" * 16), now_ms=emergency.clinic.clock()) is None
    batch = responder.recorder.begin()
    batch._drafts.add(control_stream(emergency.chart), b"no control record")
    responder.recorder.write(batch)
    assert broken_before(holder, emergency.chart, now_ms=emergency.clinic.clock()) is not None
    late = stored.entry.header.wall_ms + SERVES_MS + 1
    assert broken_before(holder, emergency.chart, now_ms=late) is None


def test_a_receipt_from_before_a_revocation_opens_nothing_after_it(emergency):
    """Once anybody told the desk, whatever the relay had receipted."""
    responder, admin = emergency.responder, emergency.clinic.admin
    stored = emergency.break_it(responder)
    responder.sync(emergency.relay)
    responder.sync(emergency.relay)
    revocation = Revocation(
        organisation=emergency.clinic.root.value.organisation,
        issuer=admin.identity.principal,
        cuts={},
        reason=RevocationReason.STOLEN,
        issued_ms=emergency.clinic.clock(),
        device=responder.identity.certificate.device,
    )
    batch = admin.recorder.begin()
    signer = admin.identity.keys.administrator
    batch.organisation_control(Revoke(record=issue_revocation(revocation, signer).wire))
    admin.recorder.write(batch)
    assert tell_desk(emergency.holder(admin), emergency.http) > 0
    with pytest.raises(RemoteError) as caught:
        ask_all(emergency, stored)
    assert caught.value.code == "untrusted"


def test_another_token_opens_nothing(emergency):
    """The layers stay, and so does the act."""
    responder = emergency.responder
    stored = emergency.break_it(responder)
    responder.sync(emergency.relay)
    responder.sync(emergency.relay)
    layers = ask_all(emergency, stored)
    opened = open_all(emergency, stored, layers, token=WrapPrivateKey(b"x" * 32))
    assert (opened.epochs, opened.closed) == (0, 2)
    assert open_all(emergency, stored, layers).epochs == 2
    assert open_all(emergency, stored, layers).epochs == 0
    assert ask_all(emergency, stored) == []


def test_a_layer_of_an_unknown_epoch_or_of_another_key_is_passed_over(emergency):
    """A key is believed when its epoch committed to it."""
    responder = emergency.responder
    stored = emergency.break_it(responder)
    responder.sync(emergency.relay)
    responder.sync(emergency.relay)
    one, other = ask_all(emergency, stored)
    crossed = [
        Layer(wrap=replace(one.wrap, epoch=Hash(b"x" * 32)), inner=one.inner),
        Layer(wrap=replace(one.wrap, epoch=other.wrap.epoch), inner=one.inner),
    ]
    assert open_all(emergency, stored, crossed).epochs == 0
    assert len(still_closed(emergency.holder(responder), emergency.chart)) == 2


def test_what_is_kept_apart_stays_closed(emergency):
    """The sensitive compartment has no glass; a physician who breaks in reads the rest."""
    doctor, other = emergency.doctor, emergency.clinic.device(Role.PHYSICIAN)
    doctor.charts.add_facts(
        emergency.chart, emergency.document, [fact("diagnosis", text="kept apart")], compartment=Compartment.SENSITIVE
    )
    emergency.settle()
    stored = emergency.break_it(other)
    other.sync(emergency.relay)
    other.sync(emergency.relay)
    opened = open_all(emergency, stored, ask_all(emergency, stored, other), device=other)
    assert (opened.epochs, opened.closed) == (2, 0)
    assert emergency.allergies(other) == ["Penicillin"]
    assert Compartment.SENSITIVE not in other.keyring.membership(emergency.chart).members[other.identity.principal]


def test_an_answer_that_is_not_the_desk_s_is_refused(emergency):
    """Somebody between, with another key."""
    responder = emergency.responder
    stored = emergency.break_it(responder)
    responder.sync(emergency.relay)
    responder.sync(emergency.relay)
    forged = replace(emergency.glass, desk_signer=type(emergency.glass.desk_signer)(b"x" * 32))
    with pytest.raises(ForgedError):
        layers_online(emergency.holder(responder), stored, emergency.http, glass=forged, entropy=responder.entropy)


def test_the_seal_that_covers_is_found_among_those_of_a_fork(emergency):
    """A restored device has two seals of one number; the request carries the right one."""
    responder = emergency.responder
    stored = emergency.break_it(responder)
    later = emergency.break_it(responder)
    (seal,) = responder.store.seals(stored.entry.header.session, stored.entry.header.seal)
    (other,) = responder.store.seals(later.entry.header.session, later.entry.header.seal)
    assert asking._seal_of(stored.entry, (seal, other)).hash == seal.hash
    assert asking._seal_of(stored.entry, (other, seal)).hash == seal.hash
    assert UploadState.PENDING is responder.store.upload(stored.entry.hash).state
