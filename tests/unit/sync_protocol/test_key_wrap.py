"""A wrapped key opens for its recipient in its context, or not at all."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol.errors import ForgedError, LimitError, MalformedError, MisuseError
from sync_protocol.ids import CertificateHash, ChartId, Hash, OrganisationId, TeamId
from sync_protocol.key_wrap import (
    WRAP_OVERHEAD_BYTES,
    WrapContext,
    WrapPrivateKey,
    WrapPublicKey,
    unwrap,
    wrap,
)
from sync_protocol.labels import Label
from sync_protocol.limits import WRAPPED_BYTES_MAX
from sync_protocol.records import unpack
from sync_protocol.roles import Compartment

RECIPIENT = WrapPrivateKey(b"r" * 32)
OTHER = WrapPrivateKey(b"o" * 32)
KEY = b"k" * 32
CONTEXT = WrapContext(
    organisation=OrganisationId(b"g" * 16),
    chart=ChartId(b"c" * 16),
    compartment=Compartment.CLINICAL,
    commitment=Hash(b"e" * 32),
    parents=(Hash(b"p" * 32), Hash(b"q" * 32)),
    recipient=RECIPIENT.public,
    minter=CertificateHash(b"m" * 32),
)
WRAPPED = wrap(RECIPIENT.public, KEY, context=CONTEXT)
CHANGES: dict[str, Any] = {
    "organisation": OrganisationId(b"x" * 16),
    "chart": ChartId(b"x" * 16),
    "compartment": Compartment.SENSITIVE,
    "commitment": Hash(b"x" * 32),
    "parents": (Hash(b"p" * 32),),
    "recipient": OTHER.public,
    "minter": CertificateHash(b"x" * 32),
    "team": TeamId(b"x" * 16),
}


def test_a_wrapped_key_opens_for_its_recipient():
    """`unwrap` reverses `wrap`; a 32-byte key takes 1,168 bytes, and two wraps of it differ."""
    assert unwrap(RECIPIENT, WRAPPED, context=CONTEXT) == KEY
    assert len(WRAPPED) == len(KEY) + WRAP_OVERHEAD_BYTES == 1168
    assert wrap(RECIPIENT.public, KEY, context=CONTEXT) != WRAPPED


def test_a_wrap_in_a_wrap_fits():
    """Break-glass wraps twice; the limit leaves room for that and names itself beyond."""
    twice = wrap(RECIPIENT.public, WRAPPED, context=CONTEXT)
    assert unwrap(RECIPIENT, twice, context=CONTEXT) == WRAPPED
    largest = bytes(WRAPPED_BYTES_MAX - WRAP_OVERHEAD_BYTES)
    assert unwrap(RECIPIENT, wrap(RECIPIENT.public, largest, context=CONTEXT), context=CONTEXT) == largest
    with pytest.raises(LimitError, match="a wrapped key"):
        wrap(RECIPIENT.public, largest + b"\0", context=CONTEXT)
    with pytest.raises(LimitError, match="a wrapped key"):
        unwrap(RECIPIENT, bytes(WRAPPED_BYTES_MAX + 1), context=CONTEXT)


def test_the_changes_name_every_field():
    """The table above has a row for each field of the context, so none is added unbound."""
    assert set(CHANGES) == {field.name for field in fields(WrapContext)}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_every_field_of_the_context_is_bound(name: str):
    """Another value in any one field, and the wrap does not open."""
    with pytest.raises(ForgedError):
        unwrap(RECIPIENT, WRAPPED, context=replace(CONTEXT, **{name: CHANGES[name]}))


@pytest.mark.parametrize("name", ["chart", "compartment"])
def test_a_teams_epoch_is_told_from_a_charts(name: str):
    """A context without chart or compartment is another one."""
    absent: dict[str, Any] = {name: None}
    team = replace(CONTEXT, **absent)
    assert unwrap(RECIPIENT, wrap(RECIPIENT.public, KEY, context=team), context=team) == KEY
    with pytest.raises(ForgedError):
        unwrap(RECIPIENT, WRAPPED, context=team)


def test_the_order_of_parents_is_of_no_matter():
    """Parents are a set."""
    assert replace(CONTEXT, parents=CONTEXT.parents[::-1]).info() == CONTEXT.info()


def test_the_info_is_label_and_record():
    """What HPKE binds is the label and the record's own bytes."""
    info = CONTEXT.info()
    assert info.startswith(Label.EPOCH_WRAP)
    assert unpack(WrapContext, info.removeprefix(Label.EPOCH_WRAP)) == CONTEXT


def test_a_context_for_somebody_else_is_refused():
    """Wrapping under it is our misuse; receiving such a wrap is a forgery, even where the key would open it."""
    foreign = replace(CONTEXT, recipient=OTHER.public)
    with pytest.raises(MisuseError):
        wrap(RECIPIENT.public, KEY, context=foreign)
    with pytest.raises(ForgedError, match="another"):
        unwrap(RECIPIENT, WRAPPED, context=foreign)
    with pytest.raises(ForgedError):
        unwrap(OTHER, WRAPPED, context=foreign)


@settings(max_examples=50)
@given(st.data())
def test_a_changed_bit_is_a_forgery(data: st.DataObject):
    """Any flipped bit of encapsulation, ciphertext or tag is refused."""
    bad = bytearray(WRAPPED)
    bit = data.draw(st.integers(0, 8 * len(bad) - 1))
    bad[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ForgedError):
        unwrap(RECIPIENT, bytes(bad), context=CONTEXT)


@pytest.mark.parametrize("size", [0, 1, 1119, 1120, 1135, 1136, 1167, 1169])
def test_bytes_of_any_length_are_a_forgery(size: int):
    """Short, long and empty bytes are refused as forged."""
    for bad in (bytes(size), (WRAPPED + b"\0")[:size]):
        with pytest.raises(ForgedError):
            unwrap(RECIPIENT, bad, context=CONTEXT)


@pytest.mark.parametrize(
    "public",
    [bytes(1216), b"\xff" * 1216, RECIPIENT.public[:1184] + bytes(32), b"\xff" * 1184 + RECIPIENT.public[1184:]],
)
def test_a_recipient_without_a_real_key_is_named(public: bytes):
    """A point of small order or coefficients out of range: MalformedError, so the minter can leave it out."""
    bad = WrapPublicKey(public)
    with pytest.raises(MalformedError, match="X-Wing"):
        wrap(bad, KEY, context=replace(CONTEXT, recipient=bad))


def test_the_seed_restores_the_key():
    """What `reveal` gives makes the same key again, and it opens what the first was sent."""
    again = WrapPrivateKey(RECIPIENT.reveal())
    assert again.public == RECIPIENT.public
    assert unwrap(again, WRAPPED, context=CONTEXT) == KEY
    assert len(again.public) == WrapPublicKey.SIZE == 1216
