"""Two layers about an epoch's key: each comes off with its own key, for its own chart and epoch, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync_protocol.break_glass import (
    GlassLayers,
    answer_request,
    open_answer,
    open_inner,
    requests_of,
    take_off,
    wrap_in_glass,
)
from sync_protocol.errors import ForgedError, MalformedError
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash, OrganisationId
from sync_protocol.key_wrap import WrapContext, WrapPrivateKey, encrypt_to, wrap
from sync_protocol.labels import Label
from sync_protocol.limits import BREAK_GLASS_WRAP_BYTES, GLASS_EPOCHS_MAX, WRAP_BYTES, WRAPS_MAX
from sync_protocol.records import pack
from sync_protocol.roles import Compartment
from sync_protocol.signed import sign
from sync_protocol.signing import SigningKey
from tests.support.glass import CHART, DESK, DESK_SIGNER, KEY, MINTER, TOKEN, glass_record, glass_wrap
from tests.support.people import Organisation

WORLD = Organisation.make(7)
ORGANISATION = WORLD.root.value.organisation
GLASS = glass_record(WORLD)
FOUND = glass_wrap(WORLD)
REQUEST = Hash(b"q" * 32)
DEVICE = WrapPrivateKey(b"v" * 32)


def test_both_layers_together_give_the_key():
    """The desk's layer, then the token's: 2,304 bytes, 1,168 bytes, the key."""
    inner = take_off(DESK, FOUND, organisation=ORGANISATION, chart=CHART)
    assert (len(FOUND.wrapped), len(inner)) == (BREAK_GLASS_WRAP_BYTES, WRAP_BYTES)
    assert open_inner(TOKEN, inner, FOUND, organisation=ORGANISATION, chart=CHART) == KEY.reveal()


def test_neither_layer_opens_to_the_other_key():
    """The token opens no outer layer, and the desk no inner one."""
    with pytest.raises(ForgedError):
        take_off(TOKEN, FOUND, organisation=ORGANISATION, chart=CHART)
    inner = take_off(DESK, FOUND, organisation=ORGANISATION, chart=CHART)
    with pytest.raises(ForgedError):
        open_inner(DESK, inner, FOUND, organisation=ORGANISATION, chart=CHART)


@pytest.mark.parametrize(
    "changed",
    [
        replace(FOUND, compartment=Compartment.CLINICAL),
        replace(FOUND, commitment=Hash(b"x" * 32)),
        replace(FOUND, parents=()),
        replace(FOUND, minter=CertificateHash(b"x" * 32)),
    ],
    ids=["compartment", "commitment", "parents", "minter"],
)
def test_a_false_word_about_a_wrap_opens_nothing(changed):
    """Everything that is said of a wrap is bound to both layers, so none of it need be believed."""
    inner = take_off(DESK, FOUND, organisation=ORGANISATION, chart=CHART)
    with pytest.raises(ForgedError):
        take_off(DESK, changed, organisation=ORGANISATION, chart=CHART)
    with pytest.raises(ForgedError):
        open_inner(TOKEN, inner, changed, organisation=ORGANISATION, chart=CHART)


def test_a_layer_of_another_chart_or_organisation_does_not_come_off():
    """A record that breaks one chart's glass opens no other chart."""
    with pytest.raises(ForgedError):
        take_off(DESK, FOUND, organisation=ORGANISATION, chart=ChartId(b"x" * 16))
    with pytest.raises(ForgedError):
        take_off(DESK, FOUND, organisation=OrganisationId(b"x" * 16), chart=CHART)


def test_an_outer_layer_over_anything_but_a_wrap_is_refused():
    """A minter may wrap what it likes to the desk; nothing else than a wrapped key leaves the desk."""
    context = WrapContext(
        organisation=ORGANISATION,
        chart=CHART,
        compartment=FOUND.compartment,
        commitment=FOUND.commitment,
        parents=FOUND.parents,
        recipient=DESK.public,
        minter=MINTER,
    )
    bare = replace(FOUND, wrapped=wrap(DESK.public, KEY.reveal(), context=context))
    with pytest.raises(ForgedError):
        take_off(DESK, bare, organisation=ORGANISATION, chart=CHART)


@pytest.mark.parametrize("compartment", [Compartment.SENSITIVE, Compartment.AUDIT])
def test_what_is_kept_apart_has_no_glass(compartment):
    """Sensitive and audit epochs are never wrapped for emergencies."""
    with pytest.raises(AssertionError):
        wrap_in_glass(
            KEY, glass=GLASS, chart=CHART, compartment=compartment, commitment=REQUEST, parents=(), minter=MINTER
        )


def test_an_answer_opens_for_the_device_that_asked():
    """The answer is signed by the desk, for one request, and encrypted to one device."""
    layers = {number: bytes([number]) * WRAP_BYTES for number in (2, 1)}
    answer = answer_request(REQUEST, layers, recipient=DEVICE.public, signer=DESK_SIGNER)
    assert open_answer(answer.wire, REQUEST, glass=GLASS, device=DEVICE) == layers
    empty = answer_request(REQUEST, {}, recipient=DEVICE.public, signer=DESK_SIGNER)
    assert open_answer(empty.wire, REQUEST, glass=GLASS, device=DEVICE) == {}


def test_an_answer_of_another_desk_request_or_device_is_refused():
    """Nobody but the announced desk answers, no answer serves two requests, and no other device reads it."""
    answer = answer_request(REQUEST, {}, recipient=DEVICE.public, signer=DESK_SIGNER)
    foreign = answer_request(REQUEST, {}, recipient=DEVICE.public, signer=SigningKey(b"x" * 32))
    moved = sign(replace(answer.value, request=Hash(b"x" * 32)), DESK_SIGNER, Label.GLASS_ANSWER)
    other = Hash(b"x" * 32)
    for wire, request, device in (
        (foreign.wire, REQUEST, DEVICE),
        (answer.wire, other, DEVICE),
        (moved.wire, other, DEVICE),
        (answer.wire, REQUEST, TOKEN),
    ):
        with pytest.raises(ForgedError):
            open_answer(wire, request, glass=GLASS, device=device)


def test_an_answer_that_holds_no_layers_is_malformed():
    """Even the desk's own words are decoded strictly."""
    sealed = encrypt_to(DEVICE.public, pack(FOUND), info=Label.GLASS_LAYERS + REQUEST)
    answer = answer_request(REQUEST, {}, recipient=DEVICE.public, signer=DESK_SIGNER)
    odd = sign(replace(answer.value, sealed=sealed), DESK_SIGNER, Label.GLASS_ANSWER)
    with pytest.raises(MalformedError):
        open_answer(odd.wire, REQUEST, glass=GLASS, device=DEVICE)
    assert GlassLayers(layers=()).layers == ()


def test_wraps_are_asked_for_in_parts_that_fit():
    """Many epochs, or few with very many parents, take several requests; none is left out, and none take none."""
    plain = [replace(FOUND, parents=())] * (GLASS_EPOCHS_MAX - 10)
    parents = tuple(EntryHash(number.to_bytes(32, "big")) for number in range(WRAPS_MAX))
    heavy = [replace(FOUND, parents=parents)] * 20
    assert requests_of([]) == []
    assert [len(part) for part in requests_of(plain)] == [len(plain)]
    parts = requests_of(heavy)
    assert [len(part) for part in parts] == [17, 3]
    assert max(sum(len(pack(one)) for one in part) for part in parts) <= 96 * 1024


def test_no_request_has_more_epochs_than_one_may_name():
    """The count binds where the bytes do not."""
    from sync_protocol import break_glass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(break_glass, "GLASS_EPOCHS_MAX", 3)
        assert [len(part) for part in requests_of([FOUND] * 7)] == [3, 3, 1]
