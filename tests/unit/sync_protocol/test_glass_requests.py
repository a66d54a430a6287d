"""The desk takes a layer off for a request that holds whole, and for none in which any piece is missing or foreign."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync_protocol import merkle
from sync_protocol.break_glass import open_inner
from sync_protocol.chart_records import AskKeys
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.control import AddMember
from sync_protocol.errors import (
    BrokenChainError,
    ForgedError,
    LimitError,
    MalformedError,
    PeerError,
    UntrustedError,
)
from sync_protocol.glass_requests import Receipted, check_request, strip
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash, OrganisationId
from sync_protocol.labels import Label
from sync_protocol.limits import GLASS_EPOCHS_MAX
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import sign, sign_hybrid
from sync_protocol.signing import SigningKey
from tests.support.glass import CHART, DESK, KEY, TOKEN, People, Scene, glass_wrap, preload
from tests.support.people import START_MS, Organisation

NOW_MS = START_MS + 10_000
FOREIGN = Organisation.make(99)


@pytest.fixture(scope="module")
def scene():
    """One for all tests, which change nothing of it."""
    return Scene()


def check(scene, request, **changes):
    """Check a request by what the desk knows, with changes."""
    return check_request(request.wire, scene.known(**changes), now_ms=NOW_MS)


def refused(scene, request, kind: type[PeerError], **changes):
    """The same, which must be refused."""
    with pytest.raises(kind) as caught:
        check(scene, request, **changes)
    return caught.value


def test_a_receipted_entry_takes_the_layer_off(scene):
    """By a record in the log that breaks this chart's glass, its author gets what only the token still closes."""
    request = scene.request()
    receipted = check(scene, request)
    found = request.value.wraps[0]
    layers = strip(DESK, receipted)
    organisation = scene.world.root.value.organisation
    assert open_inner(TOKEN, layers[0], found, organisation=organisation, chart=CHART) == KEY.reveal()
    assert receipted.certificate.hash == scene.responder.name
    assert receipted.entry.hash == request.value.entry.hash
    assert receipted.checkpoint.size == 3


def test_nothing_but_verification_makes_what_strip_takes(scene):
    """There is no way to the layers beside the receipt: the type has one maker."""
    receipted = check(scene, scene.request())
    with pytest.raises(AssertionError):
        Receipted(
            object(),
            request=receipted.request,
            certificate=receipted.certificate,
            entry=receipted.entry,
            record=receipted.record,
            checkpoint=receipted.checkpoint,
        )


def test_layers_of_other_charts_stay_on(scene):
    """Of the wraps in a request only those of its chart come off, and a bad one keeps nobody from the others."""
    own = glass_wrap(scene.world)
    other = glass_wrap(scene.world, chart=ChartId(b"x" * 16), commitment=Hash(b"o" * 32))
    layers = strip(DESK, check(scene, scene.request(wraps=[other, own])))
    assert set(layers) == {1}


def test_a_preload_lets_the_kit_that_it_names(scene):
    """A member's receipted word stands in for the broken glass, for that kit, and for no other device."""
    member = scene.world.device(Role.PHYSICIAN)
    request = scene.request(preload(scene.responder), by=member.session())
    assert strip(DESK, check(scene, request))
    stranger = scene.world.device(Role.NURSE)
    refused(scene, scene.request(preload(stranger), by=member.session()), UntrustedError)


def test_a_broken_glass_lets_nobody_but_its_author(scene):
    """A device that shows another's record gets nothing."""
    other = scene.world.device(Role.PHYSICIAN)
    refused(scene, scene.request(by=other.session()), UntrustedError)


def test_an_entry_that_is_not_in_the_log_opens_nothing(scene):
    """No receipt, no layer: a path that does not lead to a signed root, a leaf beside, one beyond the end."""
    good = scene.request().value
    leaves = [Hash(b"1" * 32), Hash(b"2" * 32)]
    short = Checkpoint(origin=scene.world.note_key.public.name, size=2, root=merkle.root(leaves))
    for changes in (
        {"path": ()},
        {"path": (Hash(b"x" * 32), *good.path[1:])},
        {"index": good.index - 1},
        {"index": good.index + 1},
        {"note": sign_checkpoint(short, scene.world.note_key), "path": ()},
    ):
        refused(scene, scene.request(**changes), ForgedError)


def test_a_receipt_of_another_entry_opens_nothing(scene):
    """The proof is of that very entry."""
    receipt = scene.request().value
    refused(scene, scene.request(index=receipt.index, path=receipt.path, note=receipt.note), ForgedError)


def test_a_checkpoint_that_the_relay_did_not_sign_is_worth_nothing(scene):
    """By another key of the same name, and by another log."""
    good = scene.request().value
    tree = [*scene.leaves, merkle.leaf_hash(good.entry.hash)]
    name = scene.world.note_key.public.name
    for key in (NoteKey(name, SigningKey(b"x" * 32)), NoteKey("other", SigningKey(b"y" * 32))):
        note = sign_checkpoint(Checkpoint(origin=key.public.name, size=len(tree), root=merkle.root(tree)), key)
        request = sign(replace(good, note=note), scene.responder.signer, Label.GLASS_REQUEST)
        refused(scene, request, ForgedError)


def test_the_relay_is_the_one_that_the_root_names(scene):
    """A record by another root, one that a newer has replaced: refused. The newest itself, and a newer, do."""
    refused(scene, scene.request(relay=FOREIGN.relay.wire), ForgedError)
    older = scene.world.relay
    newer = sign_hybrid(replace(older.value, issued_ms=older.value.issued_ms + 1), scene.world.root_key, Label.RELAY)
    refused(scene, scene.request(), UntrustedError, relay=newer)
    assert check(scene, scene.request(), relay=older)
    assert check(scene, scene.request(relay=newer.wire), relay=older)


def test_a_request_of_another_organisation_is_refused(scene):
    """Its id, its certificates, its root."""
    refused(scene, scene.request(organisation=OrganisationId(b"x" * 16)), UntrustedError)
    foreign = Scene(FOREIGN)
    refused(scene, foreign.request(organisation=scene.world.root.value.organisation), UntrustedError)


def test_a_request_is_signed_by_the_device_that_asks(scene):
    """Neither another key nor an unknown certificate asks."""
    refused(scene, scene.request(signer=SigningKey(b"x" * 32)), ForgedError)
    refused(scene, scene.request(certificate=CertificateHash(b"x" * 32)), UntrustedError)
    refused(scene, scene.request(certificates=()), UntrustedError)


def test_the_entry_hangs_on_its_session_and_seal(scene):
    """Another session, another seal, a forged one, a changed body: refused."""
    other = scene.responder.session()
    seal, _ = scene.write(preload(scene.responder), by=other)
    refused(scene, scene.request(session=other.record.wire), UntrustedError)
    refused(scene, scene.request(seal=seal.wire), BrokenChainError)
    member = scene.world.device(Role.NURSE).session()
    foreign, _ = scene.write(preload(scene.responder), by=member)
    refused(scene, scene.request(seal=foreign.wire), ForgedError)
    good = scene.request().value
    changed = replace(good, entry=replace(good.entry, body=good.entry.body + b"\0"))
    refused(scene, sign(changed, scene.responder.signer, Label.GLASS_REQUEST), ForgedError)


def test_the_entry_is_a_control_record_of_this_chart(scene):
    """A record of another chart, a sealed entry, another kind of record: refused."""
    refused(scene, scene.request(chart=ChartId(b"x" * 16)), UntrustedError)
    refused(scene, scene.request(epoch=EntryHash(b"e" * 32)), UntrustedError)
    asking = AskKeys(epochs=(EntryHash(b"e" * 32),))
    refused(scene, scene.request(asking), MalformedError)
    adding = AddMember(certificate=scene.responder.name, compartments=(Compartment.SAFETY,))
    refused(scene, scene.request(adding), MalformedError)


def test_who_is_revoked_expired_or_reads_no_charts_gets_nothing(scene):
    """By all that the desk knows now, not by what the author knew."""
    trust = scene.world.trust()
    revoked = People(trust, revoked=frozenset({scene.responder.name}))
    refused(scene, scene.request(), UntrustedError, trust=trust, people=revoked)
    refused(scene, scene.request(), UntrustedError, trust=trust, people=People(trust, ends_ms=NOW_MS - 1))
    for role in (Role.ADMIN, Role.COMPLIANCE_OFFICER, Role.DATA_SCIENTIST):
        outsider = Scene(scene.world, role=role)
        refused(outsider, outsider.request(), UntrustedError)


def test_a_preload_by_somebody_revoked_lets_nobody(scene):
    """Whoever lets a kit carry a chart must be trusted and read charts, as the kit must."""
    member = scene.world.device(Role.PHYSICIAN)
    request = scene.request(preload(scene.responder), by=member.session())
    trust = scene.world.trust()
    people = People(trust, revoked=frozenset({member.name}))
    refused(scene, request, UntrustedError, trust=trust, people=people)
    officer = scene.world.device(Role.COMPLIANCE_OFFICER)
    refused(scene, scene.request(preload(scene.responder), by=officer.session()), UntrustedError)


def test_people_are_judged_with_the_certificates_of_the_request(scene):
    """A certificate that only comes with the request may rest on a revocation: it is known before people are asked."""
    known = scene.known()
    asked = []

    def people():
        asked.append(known.trust.certificate(scene.responder.name))
        return People(known.trust)

    check_request(scene.request().wire, replace(known, people=people), now_ms=NOW_MS)
    assert len(asked) == 1
    assert asked != [None]


def test_what_a_role_does_not_read_stays_closed(scene):
    """Epochs of sensitive and audit compartments are refused by name, and so is a request for none at all."""
    sensitive = replace(glass_wrap(scene.world), compartment=Compartment.SENSITIVE)
    refused(scene, scene.request(wraps=[glass_wrap(scene.world), sensitive]), UntrustedError)
    refused(scene, scene.request(wraps=[]), MalformedError)


def test_an_author_who_knows_more_than_the_desk_is_sent_for_the_rest():
    """A revocation that the author had seen must be known here before anything comes off."""
    head = EntryHash(b"h" * 32)
    scene = Scene(Organisation.make(3), heads=(head,))
    assert refused(scene, scene.request(), UntrustedError).code == "desk_behind"
    assert check(scene, scene.request(), entries={head})


def test_what_is_no_request_is_refused(scene):
    """Other bytes, another record, too many epochs."""
    with pytest.raises(MalformedError):
        check_request(b"\xa0", scene.known(), now_ms=NOW_MS)
    refused(scene, scene.session.record, MalformedError)
    with pytest.raises(LimitError):
        scene.request(wraps=[glass_wrap(scene.world)] * (GLASS_EPOCHS_MAX + 1))
